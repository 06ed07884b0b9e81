import type { Runtime } from "../index.ts";
import type { Delta, Operation, QueueDelta, QueueRow, RatePoint, ServerCard, Snapshot } from "./api.ts";
import type { Collector, Sight } from "./collector.ts";
import { badRequest, HttpError } from "./http-error.ts";
import { maySee, type Visitor } from "./scope.ts";
import { type View, viewOf, visibleOperation } from "./view.ts";

/** Milliseconds between two comments, which keep proxies from closing a stream on which nothing happens. */
const COMMENT = 15_000;
/** Whether streams may go on is asked so often, in milliseconds. */
const RECHECK = 4_000;
/** Looks that a stream which broke off may have missed, and still go on. */
const REMEMBERED = 60;
const SERIES = 900_000;
const MOST_STREAMS = 1_000;
/** Of one user: the others are to have some, too. */
const MOST_OF_ONE = 500;
const MOST_TOPICS = 50;
/** Events that wait for a slow reader before it is cut off. It comes back, and gets a snapshot. */
const MOST_WAITING = 64;

export interface LiveOptions {
  readonly collector: Collector;
  readonly runtime: Pick<Runtime, "clock" | "uuid">;
  readonly operations: () => readonly Operation[];
}

export interface StreamRequest {
  readonly topics: Topics;
  readonly visitor: Visitor;
  readonly lastEventId: string | null;
  /** Whoever is asking, looked up anew. Rejects: nobody we know any more. */
  readonly recheck: () => Promise<Visitor>;
}

/** What a stream is about. */
export interface Topics {
  readonly overview: boolean;
  readonly servers: boolean;
  readonly operations: boolean;
  readonly queues: readonly string[];
}

interface Stream extends StreamRequest {
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
  /** Streams of one key are told the same. */
  readonly key: string;
}

/** What a look has changed, for those who may see all. */
interface Change {
  readonly seq: number;
  readonly now: number;
  readonly engine: Sight["engine"] | undefined;
  readonly rows: readonly QueueRow[];
  readonly removed: readonly string[];
  readonly servers: boolean;
  readonly operations: readonly Operation[];
}

/** @throws {@link HttpError} 400 */
export function readTopics(text: string): Topics {
  const names = text.split(",").map((name) => {
    try {
      return decodeURIComponent(name);
    } catch {
      throw badRequest("a name is not percent-encoded as it should be", "topics");
    }
  });
  if (names.length > MOST_TOPICS) throw badRequest(`expected at most ${MOST_TOPICS}`, "topics");
  const queues: string[] = [];
  for (const name of names) {
    if (name.startsWith("queue:") && name.length > 6) queues.push(name.slice(6));
    else if (!["overview", "servers", "operations"].includes(name)) {
      throw badRequest("expected overview, servers, operations or queue:<name>", "topics");
    }
  }
  return {
    overview: names.includes("overview"),
    servers: names.includes("servers"),
    operations: names.includes("operations"),
    queues,
  };
}

/** The streams of all tabs, fed by one collector. Each text is made once, however many read it. */
export class Live {
  readonly #options: LiveOptions;
  readonly #streams = new Set<Stream>();
  readonly #changes: Change[] = [];
  readonly #series: RatePoint[] = [];
  /** Sets this process's events apart from those of the one before it. */
  readonly #epoch: string;
  readonly #encoder = new TextEncoder();
  /** Streams of which the first look is not over. They count as well: an engine that is away holds that look up. */
  readonly #opening = new Set<Stream>();
  #previous: Sight;
  #previousOperations = new Map<string, string>();
  #cancelComments: (() => void) | undefined;
  #cancelRechecks: (() => void) | undefined;
  #stopListening: (() => void) | undefined;
  #closed = false;

  constructor(options: LiveOptions) {
    this.#options = options;
    this.#epoch = options.runtime.uuid().replaceAll("-", "").slice(-12);
    this.#previous = options.collector.sight;
  }

  /** How many streams there are. */
  get size(): number {
    return this.#streams.size;
  }

  async snapshot(topics: Topics, visitor: Visitor): Promise<Snapshot> {
    const sight = await this.#options.collector.fresh();
    return this.#snapshotOf(sight, topics, visitor);
  }

  /** @throws {@link HttpError} 503 there are too many, or this is closed: nothing would end them any more. */
  open(request: StreamRequest): ReadableStream<Uint8Array> {
    if (this.#closed) throw new HttpError(503, "CLOSED", "the monitor is closed");
    const { user } = request.visitor;
    const all = [...this.#streams, ...this.#opening];
    const own = all.filter(({ visitor }) => visitor.user === user).length;
    if (all.length >= MOST_STREAMS || own >= MOST_OF_ONE) {
      throw new HttpError(503, "TOO_MANY_REQUESTS", "too many live streams; poll api/snapshot");
    }
    let stream: Stream | undefined;
    return new ReadableStream<Uint8Array>(
      {
        start: async (controller) => {
          const { topics, visitor } = request;
          const opened: Stream = {
            ...request,
            controller,
            key: JSON.stringify([topics, visitor.queues, visitor.role]),
          };
          stream = opened;
          this.#opening.add(opened);
          const sight = await this.#options.collector.fresh();
          // It may have been left meanwhile, or ended.
          if (this.#opening.delete(opened)) this.#begin(opened, sight);
        },
        cancel: () => {
          if (stream !== undefined) this.#drop(stream);
        },
      },
      { highWaterMark: MOST_WAITING },
    );
  }

  close(): void {
    this.#closed = true;
    for (const stream of [...this.#streams, ...this.#opening]) this.#end(stream);
  }

  #begin(stream: Stream, sight: Sight): void {
    this.#streams.add(stream);
    // While nobody listened, nobody noted what has changed.
    if (this.#stopListening === undefined) this.#changeTo(sight);
    this.#write(stream, ": connected\nretry: 3000\n\n");
    const missed = this.#missedSince(stream.lastEventId);
    if (missed === undefined) {
      this.#write(
        stream,
        this.#event("snapshot", sight.seq, this.#snapshotOf(sight, stream.topics, stream.visitor)),
      );
    } else {
      const view = viewOf(sight, this.#options.collector, stream.visitor);
      for (const change of missed) {
        const delta = this.#deltaOf(change, view, stream, change === missed.at(-1));
        if (delta !== undefined) this.#write(stream, this.#event("delta", change.seq, delta));
      }
    }
    this.#stopListening ??= this.#options.collector.listen((seen) => this.#tell(seen));
    this.#cancelComments ??= this.#commentLater();
    this.#cancelRechecks ??= this.#recheckLater();
  }

  #tell(sight: Sight): void {
    const change = this.#changeTo(sight);
    if (change === undefined) return;
    const texts = new Map<string, string | undefined>();
    const views = new Map<string, View>();
    for (const stream of [...this.#streams]) {
      if (!texts.has(stream.key)) {
        const scope = JSON.stringify(stream.visitor.queues);
        const view = views.get(scope) ?? viewOf(sight, this.#options.collector, stream.visitor);
        views.set(scope, view);
        const delta = this.#deltaOf(change, view, stream, true);
        texts.set(stream.key, delta && this.#event("delta", change.seq, delta));
      }
      const text = texts.get(stream.key);
      if (text !== undefined) this.#write(stream, text);
    }
  }

  /** What is new since the last look; `undefined`: it was told already. */
  #changeTo(sight: Sight): Change | undefined {
    const before = this.#previous;
    const operations = this.#changedOperations();
    if (sight.seq === before.seq && operations.length === 0) return undefined;
    const changed = (a: unknown, b: unknown) => JSON.stringify(a) !== JSON.stringify(b);
    const change: Change = {
      seq: sight.seq,
      now: sight.now,
      engine: changed(before.engine, sight.engine) ? sight.engine : undefined,
      rows: [...sight.rows.values()].filter((row) => changed(before.rows.get(row.queue), row)),
      removed: [...before.rows.keys()].filter((queue) => !sight.rows.has(queue)),
      servers: changed(before.servers, sight.servers),
      operations,
    };
    this.#previous = sight;
    this.#changes.push(change);
    if (this.#changes.length > REMEMBERED) this.#changes.shift();
    const { point } = viewOf(sight, this.#options.collector, EVERYBODY);
    if (point !== null && sight.engine.status === "up") this.#series.push(point);
    while ((this.#series[0]?.at ?? sight.now) < sight.now - SERIES) this.#series.shift();
    return change;
  }

  #changedOperations(): Operation[] {
    const now = new Map(this.#options.operations().map((each) => [each.id, JSON.stringify(each)]));
    const before = this.#previousOperations;
    this.#previousOperations = now;
    return this.#options.operations().filter(({ id }) => before.get(id) !== now.get(id));
  }

  #snapshotOf(sight: Sight, topics: Topics, visitor: Visitor): Snapshot {
    const view = viewOf(sight, this.#options.collector, visitor);
    const rows = new Map(view.rows.map((row) => [row.queue, row]));
    return {
      now: sight.now,
      engine: sight.engine,
      ...(topics.overview && {
        overview: {
          ...view.overview,
          queues: [...view.rows],
          // The points are of all queues, which this visitor may not know.
          series: visitor.queues === null ? [...this.#series] : [],
        },
      }),
      ...(topics.servers && { servers: [...(view.servers ?? [])] }),
      ...(topics.operations && { operations: visibleOperations(this.#options.operations(), visitor) }),
      ...(topics.queues.length > 0 && {
        queues: byName(topics.queues, (queue) => {
          const row = rows.get(queue);
          if (row === undefined) return null;
          return { row, series: [...(this.#options.collector.track(queue)?.series ?? [])] };
        }),
      }),
    };
  }

  /** @param last - there is no later change to be told in the same breath */
  #deltaOf(change: Change, view: View, { topics, visitor }: StreamRequest, last: boolean): Delta | undefined {
    const see = (queue: string) => maySee(visitor, queue);
    const rows = change.rows.filter(({ queue }) => see(queue));
    const removed = change.removed.filter(see);
    const operations = topics.operations ? visibleOperations(change.operations, visitor) : [];
    const servers: readonly ServerCard[] | null =
      topics.servers && change.servers && last ? view.servers : null;
    const queues = topics.queues.filter((queue) => see(queue) && changedIn(change, queue));
    return {
      now: change.now,
      ...(change.engine !== undefined && { engine: change.engine }),
      ...(topics.overview && {
        overview: {
          ...(last && view.overview),
          ...(rows.length > 0 && { queues: rows }),
          ...(removed.length > 0 && { removed }),
          ...(last && view.point !== null && { point: view.point }),
        },
      }),
      ...(servers !== null && { servers: [...servers] }),
      ...(operations.length > 0 && { operations }),
      ...(queues.length > 0 && {
        queues: byName(queues, (queue): QueueDelta | null => {
          const row = change.rows.find((each) => each.queue === queue);
          if (row === undefined) return null;
          const point = this.#options.collector.track(queue)?.series.at(-1);
          return { row, ...(last && point !== undefined && { point }) };
        }),
      }),
    };
  }

  /** The changes after an event; `undefined`: that is too long ago, or was another process. */
  #missedSince(id: string | null): readonly Change[] | undefined {
    const [epoch, text = ""] = (id ?? "").split("-");
    if (epoch !== this.#epoch || !/^\d{1,15}$/.test(text)) return undefined;
    const seq = Number(text);
    if (seq === this.#previous.seq) return [];
    const first = this.#changes[0];
    if (first === undefined || first.seq > seq + 1 || seq > this.#previous.seq) return undefined;
    return this.#changes.filter((change) => change.seq > seq);
  }

  #event(name: "snapshot" | "delta", seq: number, data: Snapshot | Delta): string {
    return `event: ${name}\nid: ${this.#epoch}-${seq}\ndata: ${JSON.stringify(data)}\n\n`;
  }

  #write(stream: Stream, text: string): void {
    if (!this.#streams.has(stream)) return;
    if ((stream.controller.desiredSize ?? 0) <= 0) this.#end(stream);
    else stream.controller.enqueue(this.#encoder.encode(text));
  }

  /** By a timer of its own: looks take as long as the engine does. */
  #recheckLater(): () => void {
    return this.#options.runtime.clock.setTimer(RECHECK, () => {
      for (const stream of [...this.#streams]) this.#recheck(stream);
      this.#cancelRechecks = this.#streams.size > 0 ? this.#recheckLater() : undefined;
    });
  }

  #recheck(stream: Stream): void {
    const same = ({ role, queues, user }: Visitor) =>
      JSON.stringify([role, queues, user]) ===
      JSON.stringify([stream.visitor.role, stream.visitor.queues, stream.visitor.user]);
    stream.recheck().then(
      (visitor) => {
        if (!same(visitor)) this.#end(stream);
      },
      () => this.#end(stream),
    );
  }

  #commentLater(): () => void {
    return this.#options.runtime.clock.setTimer(COMMENT, () => {
      for (const stream of [...this.#streams]) this.#write(stream, ": still here\n\n");
      this.#cancelComments = this.#streams.size > 0 ? this.#commentLater() : undefined;
    });
  }

  #end(stream: Stream): void {
    if (!this.#streams.has(stream) && !this.#opening.has(stream)) return;
    this.#drop(stream);
    stream.controller.close();
  }

  #drop(stream: Stream): void {
    this.#opening.delete(stream);
    this.#streams.delete(stream);
    if (this.#streams.size > 0) return;
    this.#stopListening?.();
    this.#stopListening = undefined;
    this.#cancelComments?.();
    this.#cancelComments = undefined;
    this.#cancelRechecks?.();
    this.#cancelRechecks = undefined;
  }
}

const EVERYBODY: Visitor = { user: null, role: "admin", queues: null };

function changedIn({ rows, removed }: Change, queue: string): boolean {
  return removed.includes(queue) || rows.some((row) => row.queue === queue);
}

function visibleOperations(operations: readonly Operation[], visitor: Visitor): Operation[] {
  return operations.flatMap((operation) => visibleOperation(operation, visitor) ?? []);
}

/** Names come from users: an object without prototype, and never an assignment that could reach one. */
function byName<T>(names: readonly string[], value: (name: string) => T): { [name: string]: T } {
  return Object.assign(
    Object.create(null) as { [name: string]: T },
    Object.fromEntries(names.map((name) => [name, value(name)])),
  );
}
