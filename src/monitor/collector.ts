import {
  EngineUnavailableError,
  type Inspector,
  QueueNotFoundError,
  RedisWrongTypeError,
  type Runtime,
  TitanQueueError,
} from "../index.ts";
import type { Logger } from "../runtime/logger.ts";
import type { EngineState, QueueRow, ServerCard } from "./api.ts";
import { httpErrorOf } from "./error-answer.ts";
import type { QueueFacts } from "./health.ts";
import { type OverdueEntry, overdueEntries } from "./overdue.ts";
import { type Attempts, QueueTrack } from "./queue-track.ts";
import { serverCard } from "./server-cards.ts";

/** Queues that are asked about at once. */
const CHUNK = 500;
/** Queues of which a chart is kept. */
const CHARTS = 200;
/** Of the time, looking takes at most one part in so many. */
const SHARE = 5;
/** Between two looks at periodic tasks, in milliseconds: schedulers tell of theirs no more often. */
const SCHEDULES = 10_000;
/** Queues of which is asked, at one look, what they did yesterday. */
const DAYS_ASKED = 500;
const DAY = 86_400_000;

export interface CollectorOptions {
  readonly inspector: Pick<
    Inspector,
    "queues" | "getQueueInfo" | "servers" | "history" | "schedulerEntries" | "schedulerEvents"
  >;
  readonly runtime: Pick<Runtime, "clock">;
  readonly logger: Logger;
  readonly kind: string;
  /** The engine's clock. */
  readonly now: () => number;
  /** Milliseconds between two looks, at least. */
  readonly interval: number;
}

/** What the engine holds, as it was seen last. */
export interface Sight {
  readonly seq: number;
  readonly now: number;
  readonly engine: EngineState;
  readonly seen: boolean;
  readonly rows: ReadonlyMap<string, QueueRow>;
  /** Queues with a key that is of another type than it should be. They have no row. */
  readonly unreadable: readonly string[];
  /** `null`: never seen, or the engine's user may not read them. */
  readonly servers: readonly ServerCard[] | null;
  /** Periodic tasks that nobody has enqueued in time. */
  readonly overdue: readonly OverdueEntry[];
  /** Attempts of the whole day before this one (UTC), of the queues of which that has been asked. */
  readonly yesterday: ReadonlyMap<string, Attempts>;
}

/**
 * Looks at the engine for everybody: once in an interval while somebody listens, and not at all while nobody does. What
 * that costs the engine has nothing to do with how many listen.
 */
export class Collector {
  readonly #options: CollectorOptions;
  readonly #listeners = new Set<(sight: Sight) => void>();
  readonly #tracks = new Map<string, QueueTrack>();
  /** What cannot be read, and the log was told of. */
  readonly #warned = new Set<string>();
  #sight: Sight;
  #looking: Promise<Sight> | undefined;
  #lookedAt: number | undefined;
  #schedulesAt = Number.NEGATIVE_INFINITY;
  /** The UTC day of the last look. */
  #day: number | undefined;
  #cancelTimer: (() => void) | undefined;
  #closed = false;

  constructor(options: CollectorOptions) {
    this.#options = options;
    const since = options.now();
    this.#sight = {
      seq: 0,
      now: since,
      engine: { kind: options.kind, status: "up", since, roundTrip: null, problem: null, nextTry: null },
      seen: false,
      rows: new Map(),
      unreadable: [],
      servers: null,
      overdue: [],
      yesterday: new Map(),
    };
  }

  /** As it was seen last, however long ago that is. */
  get sight(): Sight {
    return this.#sight;
  }

  /** Calls back after every look, until the answer is called. */
  listen(listener: (sight: Sight) => void): () => void {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.#schedule(0);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#cancelTimer?.();
      this.#cancelTimer = undefined;
    };
  }

  /** What there is now: seen within the last interval. */
  async fresh(): Promise<Sight> {
    const age = this.#options.runtime.clock.monotonic() - (this.#lookedAt ?? Number.NEGATIVE_INFINITY);
    // Timers fire a little early at times, and no look is to be left out for that.
    return age < this.#options.interval * 0.9 ? this.#sight : this.#look();
  }

  /** Something was changed: what was seen before is no longer what there is. */
  expire(): void {
    this.#lookedAt = undefined;
  }

  /** What is known of a queue over time; `undefined`: it was never seen. */
  track(queue: string): QueueTrack | undefined {
    return this.#tracks.get(queue);
  }

  facts(rows: Iterable<QueueRow>, now: number): QueueFacts[] {
    return [...rows].map((row) => {
      const track = this.#tracks.get(row.queue);
      const none = { processed: 0, failed: 0 };
      return {
        row,
        behindSince: track?.behindSince ?? null,
        ...(track?.attempts(now) ?? { lastMinute: none, hourBefore: none }),
      };
    });
  }

  close(): void {
    this.#closed = true;
    this.#listeners.clear();
    this.#cancelTimer?.();
  }

  #schedule(delay: number): void {
    this.#cancelTimer?.();
    this.#cancelTimer = this.#options.runtime.clock.setTimer(delay, () => void this.#tick());
  }

  async #tick(): Promise<void> {
    const { clock } = this.#options.runtime;
    const began = clock.monotonic();
    const sight = await this.fresh();
    for (const listener of [...this.#listeners]) listener(sight);
    const took = clock.monotonic() - began;
    if (this.#listeners.size > 0 && !this.#closed) {
      // Waiting for an engine that is away costs it nothing.
      const rest = sight.engine.status === "up" ? took * (SHARE - 1) : 0;
      this.#schedule(Math.max(this.#options.interval, rest));
    }
  }

  /** Never rejects: an engine that is away is what was seen. */
  #look(): Promise<Sight> {
    this.#looking ??= this.#observe().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #observe(): Promise<Sight> {
    const { inspector, runtime, now, logger } = this.#options;
    const began = runtime.clock.monotonic();
    const { seq, engine, rows, servers: lastServers } = this.#sight;
    try {
      const queues = await inspector.queues();
      const roundTrip = Math.round((runtime.clock.monotonic() - began) * 10) / 10;
      const servers = await this.#allowed("servers", null, async () =>
        (await inspector.servers()).map(serverCard),
      );
      const { rows: seenRows, unreadable } = await this.#rows(queues, servers);
      const at = now();
      const since = engine.status === "up" && this.#sight.seen ? engine.since : at;
      this.#sight = {
        seq: seq + 1,
        now: at,
        engine: { ...engine, status: "up", since, roundTrip, problem: null, nextTry: null },
        seen: true,
        rows: seenRows,
        unreadable,
        servers,
        overdue: await this.#overdue(at),
        yesterday: await this.#yesterdayOf(seenRows.keys(), at),
      };
    } catch (error) {
      if (engine.status === "up" && !this.#closed) logger.warn({ error }, "cannot look at the engine");
      const at = now();
      const away = error instanceof EngineUnavailableError;
      this.#sight = {
        seq: seq + 1,
        now: at,
        engine: {
          ...engine,
          status: "down",
          since: engine.status === "down" ? engine.since : at,
          roundTrip: null,
          problem: httpErrorOf(error)?.message ?? "the engine cannot be looked at",
          nextTry: at + this.#options.interval,
        },
        seen: this.#sight.seen,
        rows: away || this.#sight.seen ? rows : new Map(),
        unreadable: this.#sight.unreadable,
        servers: lastServers,
        overdue: this.#sight.overdue,
        yesterday: this.#sight.yesterday,
      };
    }
    this.#lookedAt = runtime.clock.monotonic();
    return this.#sight;
  }

  async #overdue(now: number): Promise<readonly OverdueEntry[]> {
    const { inspector, runtime } = this.#options;
    const at = runtime.clock.monotonic();
    if (at - this.#schedulesAt < SCHEDULES) return this.#sight.overdue;
    const overdue = await this.#allowed("schedules", [], () => overdueEntries(inspector, now));
    this.#schedulesAt = at;
    return overdue;
  }

  /** A day that is over changes no more: each queue is asked once, some at each look. */
  async #yesterdayOf(queues: Iterable<string>, now: number): Promise<ReadonlyMap<string, Attempts>> {
    const day = Math.floor(now / DAY);
    const yesterday = new Map(day === this.#day ? this.#sight.yesterday : []);
    this.#day = day;
    const unknown = [...queues].filter((queue) => !yesterday.has(queue)).slice(0, DAYS_ASKED);
    await Promise.all(
      unknown.map(async (queue) => {
        try {
          const [, before] = await this.#allowed("history", [], () =>
            this.#options.inspector.history(queue, 2),
          );
          if (before !== undefined)
            yesterday.set(queue, { processed: before.processed, failed: before.failed });
        } catch (error) {
          // Deleted since it was seen.
          if (!(error instanceof QueueNotFoundError)) throw error;
        }
      }),
    );
    return yesterday;
  }

  /** What the engine's user may not read is not known, and the rest is seen all the same. */
  async #allowed<T>(what: string, unknown: T, read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof TitanQueueError) || error.code !== "REDIS_NO_PERMISSION") throw error;
      this.#warnOnce(error, what);
      return unknown;
    }
  }

  #warnOnce(error: Error, what: string): void {
    if (this.#warned.has(what)) return;
    this.#warned.add(what);
    this.#options.logger.warn({ error, what }, "this cannot be read, and is not shown");
  }

  async #rows(
    queues: readonly string[],
    servers: readonly ServerCard[] | null,
  ): Promise<Pick<Sight, "rows" | "unreadable">> {
    const rows = new Map<string, QueueRow>();
    const unreadable: string[] = [];
    for (let at = 0; at < queues.length; at += CHUNK) {
      const infos = await Promise.all(
        queues.slice(at, at + CHUNK).map(async (queue) => {
          try {
            return await this.#options.inspector.getQueueInfo(queue);
          } catch (error) {
            // Deleted since it was listed.
            if (error instanceof QueueNotFoundError) return undefined;
            if (!(error instanceof RedisWrongTypeError)) throw error;
            // One queue that another program writes to must not hide all others.
            this.#warnOnce(error, `queue ${queue}`);
            unreadable.push(queue);
            return undefined;
          }
        }),
      );
      for (const info of infos) {
        if (info === undefined) continue;
        const track = this.#tracks.get(info.queue) ?? new QueueTrack();
        this.#tracks.set(info.queue, track);
        rows.set(info.queue, track.add(info, servers, rows.size < CHARTS));
      }
    }
    for (const queue of this.#tracks.keys()) if (!rows.has(queue)) this.#tracks.delete(queue);
    return { rows, unreadable };
  }
}
