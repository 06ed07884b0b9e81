import { ClosedError, EngineUnavailableError, TitanQueueError } from "../../errors.ts";
import { Deadlines } from "./deadlines.ts";
import { type Endpoint, isPassing } from "./endpoint.ts";
import type { Link, Receiver } from "./link.ts";
import { type RedisReply, UnansweredError } from "./redis-commands.ts";
import { isMisplaced } from "./redis-errors.ts";
import type { ServerFacts } from "./server-check.ts";
import { type LinkOptions, StandingLink, type StandingLinkUse } from "./standing-link.ts";

export interface NodeOptions extends LinkOptions {
  /** How many requests may wait for a connection. */
  readonly maxWaiting: number;
  /** Runs on each new connection, before any request. When it rejects, there is no connection yet. */
  readonly prepare?: ((link: Link) => Promise<void>) | undefined;
}

export interface RequestOptions {
  /** Instant of the monotonic clock at which the request rejects. */
  readonly deadline: number;
  /** An earlier instant, at which it rejects if it still waits for the connection. */
  readonly sendBy?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onLateReply?: ((replies: RedisReply[]) => void) | undefined;
}

/**
 * One Redis, connected as long as it can be. Requests wait for the connection within their own time; what was sent
 * and lost is never sent again.
 */
export class RedisNode {
  readonly options: NodeOptions;
  /** For texts. */
  readonly where: string;
  /** Of the calls. */
  readonly deadlines: Deadlines;
  readonly #waiting = new Set<Call>();
  readonly #standing: StandingLink;
  #facts: ServerFacts | undefined;

  constructor(endpoint: Endpoint, options: NodeOptions) {
    this.options = options;
    this.where = endpoint.where;
    this.deadlines = new Deadlines(options.clock);
    const use: StandingLinkUse = {
      endpoint: () => endpoint,
      what: "the connection to Redis",
      ...(options.prepare && { prepare: options.prepare }),
      isWanted: () => this.#waiting.size > 0,
      onUp: ({ facts }) => this.#up(facts),
      onFailure: (error) => this.#failed(error),
    };
    this.#standing = new StandingLink(use, options);
  }

  get connected(): boolean {
    return this.#standing.link !== undefined;
  }

  /** What the server said of itself when the connection was made last. */
  get facts(): ServerFacts | undefined {
    return this.#facts;
  }

  /** Resolves when connected; rejects with the outcome of the first attempt that fails. */
  async open(): Promise<void> {
    const error = await this.#standing.attempt();
    if (error !== undefined) throw error;
  }

  /**
   * Sends encoded commands together and resolves to their replies, error replies as Errors in their places.
   *
   * @throws EngineUnavailableError surely not executed; other typed errors say why there is no connection
   * @throws UnansweredError sent, and the answer is lost or late
   */
  request(commands: readonly Buffer[], options: RequestOptions): Promise<RedisReply[]> {
    return new Promise((resolve, reject) => {
      new Call(this, commands, options, resolve, reject).begin();
    });
  }

  /** Calls under way reject. */
  close(): void {
    const closed = this.#closed();
    for (const call of [...this.#waiting]) call.fail(closed);
    this.#standing.close(closed);
  }

  // ---- for calls ----------------------------------------------------------------------------------------------

  /** Sends the call, or lets it wait, or fails it. */
  dispatch(call: Call, commands: readonly Buffer[]): void {
    const { link, closed } = this.#standing;
    if (closed) {
      call.fail(this.#closed());
    } else if (link?.send(commands, call)) {
      call.link = link;
    } else if (this.#waiting.size >= this.options.maxWaiting) {
      call.fail(new EngineUnavailableError(`${this.#waiting.size} requests wait for Redis already`));
    } else {
      this.#waiting.add(call);
      this.#standing.connect();
    }
  }

  forget(call: Call): void {
    this.#waiting.delete(call);
  }

  /** Why a call that waited was never sent. */
  whyWaiting(): Error {
    const { failure } = this.#standing;
    if (failure instanceof TitanQueueError) return failure;
    const text = failure?.message ?? `Redis at ${this.where} did not take the command in time`;
    return new EngineUnavailableError(text, { cause: failure });
  }

  /** The server where it stands takes no writes (any more): find the way anew. */
  misplaced(link: Link): void {
    this.#standing.replace(link, "Redis takes no writes any more; connecting anew");
  }

  #up(facts: ServerFacts): void {
    this.#facts = facts;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const call of waiting) call.begin();
  }

  #failed(error: Error): void {
    if (isPassing(error)) return;
    for (const call of [...this.#waiting]) call.fail(error);
  }

  #closed(): ClosedError {
    return new ClosedError(`the connection to Redis at ${this.where}`);
  }
}

/** One request on its way: it waits, is sent, and settles once, at its deadline at the latest. */
class Call implements Receiver {
  readonly #node: RedisNode;
  readonly #commands: readonly Buffer[];
  readonly #options: RequestOptions;
  readonly #resolve: (replies: RedisReply[]) => void;
  readonly #reject: (error: Error) => void;
  #cancelTimer: () => void;
  #settled = false;
  /** The link that carries it, once written. */
  link: Link | undefined;

  constructor(
    node: RedisNode,
    commands: readonly Buffer[],
    options: RequestOptions,
    resolve: (replies: RedisReply[]) => void,
    reject: (error: Error) => void,
  ) {
    this.#node = node;
    this.#commands = commands;
    this.#options = options;
    this.#resolve = resolve;
    this.#reject = reject;
    node.options.underWay.begin();
    this.#cancelTimer = node.deadlines.set(options.sendBy ?? options.deadline, () => {
      if (this.link === undefined || options.sendBy === undefined) this.#timeUp();
      else this.#cancelTimer = node.deadlines.set(options.deadline, () => this.#timeUp());
    });
    options.signal?.addEventListener("abort", this.#giveUp, { once: true });
  }

  begin(): void {
    if (this.#options.signal?.aborted) this.#giveUp();
    else this.#node.dispatch(this, this.#commands);
  }

  fail(error: Error): void {
    if (this.#settle()) this.#reject(error);
  }

  answered(replies: RedisReply[]): void {
    const { link } = this;
    if (link !== undefined && replies.some((reply) => reply instanceof Error && isMisplaced(reply))) {
      this.#node.misplaced(link);
    }
    if (this.#settle()) this.#resolve(replies);
    else this.#options.onLateReply?.(replies);
  }

  lost(): void {
    this.fail(
      new UnansweredError(`the connection to Redis at ${this.#node.where} broke before the answer came`),
    );
  }

  #timeUp(): void {
    this.link?.suspect(this.#node.options.timeout);
    this.#giveUp();
  }

  readonly #giveUp = (): void => {
    if (this.link === undefined) this.fail(this.#node.whyWaiting());
    else this.fail(new UnansweredError(`Redis at ${this.#node.where} did not answer in time`));
  };

  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#cancelTimer();
    this.#options.signal?.removeEventListener("abort", this.#giveUp);
    this.#node.forget(this);
    this.#node.options.underWay.end();
    return true;
  }
}
