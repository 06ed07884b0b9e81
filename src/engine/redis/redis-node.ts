import { ClosedError, EngineUnavailableError } from "../../errors.ts";
import { type Clock, sleep } from "../../runtime/clock.ts";
import type { KeepAlive } from "../../runtime/keep-alive.ts";
import type { Logger } from "../../runtime/logger.ts";
import { backOff } from "./back-off.ts";
import { type Dialed, dial, type Endpoint, isPassing } from "./endpoint.ts";
import type { Link, Receiver } from "./link.ts";
import { type RedisReply, UnansweredError } from "./redis-commands.ts";
import { isMisplaced } from "./redis-errors.ts";
import type { ServerFacts } from "./server-check.ts";

export interface NodeOptions {
  /** Sockets live in real time, so this is the system's clock, also where a test turns the engine's. */
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly keepAlive: KeepAlive;
  /** Milliseconds: for a connection to be made, and how long a silent one is borne. */
  readonly timeout: number;
  /** How many requests may wait for a connection. */
  readonly maxWaiting: number;
}

export interface RequestOptions {
  /** Instant of the monotonic clock at which the request rejects. */
  readonly deadline: number;
  /** An earlier instant, at which it rejects if it still waits for the connection. */
  readonly sendBy?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onLateReply?: ((replies: RedisReply[]) => void) | undefined;
}

/** A link that lived shorter than this was no success. */
const SETTLED = 5_000;

/**
 * One Redis, connected as long as it can be. Requests wait for the connection within their own time; what was sent
 * and lost is never sent again.
 */
export class RedisNode {
  readonly #endpoint: Endpoint;
  readonly #options: NodeOptions;
  readonly #waiting = new Set<Call>();
  readonly #closing = new AbortController();
  #link: Link | undefined;
  #facts: ServerFacts | undefined;
  /** Why there is no link. */
  #failure: Error | undefined;
  #failures = 0;
  #dialing = false;
  #attempts: ((error: Error | undefined) => void)[] = [];

  constructor(endpoint: Endpoint, options: NodeOptions) {
    this.#endpoint = endpoint;
    this.#options = options;
  }

  get where(): string {
    return this.#endpoint.where;
  }

  get connected(): boolean {
    return this.#link !== undefined;
  }

  /** What the server said of itself when the connection was made last. */
  get facts(): ServerFacts | undefined {
    return this.#facts;
  }

  /** Resolves when connected; rejects with the outcome of the first attempt that fails. */
  async open(): Promise<void> {
    if (this.#link !== undefined) return;
    this.#options.keepAlive.take();
    try {
      const error = await new Promise<Error | undefined>((resolve) => {
        this.#attempts.push(resolve);
        this.#connect();
      });
      if (error !== undefined) throw error;
    } finally {
      this.#options.keepAlive.release();
    }
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
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    for (const call of [...this.#waiting]) call.fail(new ClosedError(`the connection to ${this.where}`));
    this.#attempted(new ClosedError(`the connection to ${this.where}`));
    this.#link?.destroy();
  }

  // ---- for calls ----------------------------------------------------------------------------------------------

  get options(): NodeOptions {
    return this.#options;
  }

  /** Sends the call, or lets it wait, or fails it. */
  dispatch(call: Call, commands: readonly Buffer[]): void {
    if (this.#closing.signal.aborted) {
      call.fail(new ClosedError(`the connection to ${this.where}`));
    } else if (this.#link?.send(commands, call)) {
      call.link = this.#link;
    } else if (this.#waiting.size >= this.#options.maxWaiting) {
      call.fail(new EngineUnavailableError(`${this.#waiting.size} requests wait for Redis already`));
    } else {
      this.#waiting.add(call);
      this.#connect();
    }
  }

  forget(call: Call): void {
    this.#waiting.delete(call);
  }

  /** Why a call that waited was never sent. */
  whyWaiting(): Error {
    const why = this.#failure;
    if (why !== undefined && !(why instanceof EngineUnavailableError)) return why;
    const text = why === undefined ? `Redis at ${this.where} did not take the command in time` : why.message;
    return new EngineUnavailableError(text, { cause: why });
  }

  /** The server where it stands takes no writes (any more): find the way anew. */
  misplaced(link: Link): void {
    if (this.#link !== link) return;
    link.retire(this.#options.timeout);
    this.#lose(link, "Redis takes no writes any more; connecting anew");
  }

  // ---- the connection -----------------------------------------------------------------------------------------

  #connect(): void {
    if (this.#dialing || this.#link !== undefined || this.#closing.signal.aborted) return;
    this.#dialing = true;
    void this.#dial().finally(() => {
      this.#dialing = false;
      // Someone may have begun to wait at the very end of a loop that had nobody left to dial for.
      if (this.#isWanted()) this.#connect();
    });
  }

  #isWanted(): boolean {
    if (this.#closing.signal.aborted || this.#link !== undefined) return false;
    return this.#facts !== undefined || this.#waiting.size > 0 || this.#attempts.length > 0;
  }

  async #dial(): Promise<void> {
    const { clock, random, logger, timeout } = this.#options;
    while (this.#isWanted()) {
      if (this.#failures > 0) {
        await sleep(clock, backOff(this.#failures, random), this.#closing.signal);
        if (!this.#isWanted()) return;
      }
      try {
        this.#adopt(await dial(this.#endpoint, { clock, logger, timeout }));
        return;
      } catch (error) {
        this.#failed(error as Error);
      }
    }
  }

  #adopt({ link, facts }: Dialed): void {
    const { clock, logger } = this.#options;
    if (this.#closing.signal.aborted) {
      link.destroy();
      return;
    }
    if (this.#failure !== undefined) logger.info({ redis: this.where }, "connected to Redis again");
    this.#link = link;
    this.#facts = facts;
    this.#failure = undefined;
    const since = clock.monotonic();
    link.onClose(() => {
      if (clock.monotonic() - since >= SETTLED) this.#failures = 0;
      this.#lose(link, "the connection to Redis broke; connecting anew");
    });
    this.#attempted(undefined);
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const call of waiting) call.begin();
  }

  #lose(link: Link, text: string): void {
    if (this.#link !== link) return;
    this.#link = undefined;
    this.#failures += 1;
    if (this.#closing.signal.aborted) return;
    this.#failure = new EngineUnavailableError(`the connection to Redis at ${this.where} broke`);
    this.#options.logger.warn({ redis: this.where }, text);
    this.#connect();
  }

  #failed(error: Error): void {
    this.#failures += 1;
    // The same news every second or two would only fill the log.
    if (error.message !== this.#failure?.message && this.#facts !== undefined) {
      this.#options.logger.warn({ redis: this.where, error }, "cannot connect to Redis; trying on");
    }
    this.#failure = error;
    this.#attempted(error);
    if (isPassing(error)) return;
    for (const call of [...this.#waiting]) call.fail(error);
  }

  #attempted(error: Error | undefined): void {
    const attempts = this.#attempts;
    this.#attempts = [];
    for (const done of attempts) done(error);
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
    node.options.keepAlive.take();
    this.#cancelTimer = this.#at(options.sendBy ?? options.deadline, () => {
      if (this.link === undefined || options.sendBy === undefined) this.#timeUp();
      else this.#cancelTimer = this.#at(options.deadline, () => this.#timeUp());
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

  #at(instant: number, callback: () => void): () => void {
    const { clock } = this.#node.options;
    return clock.setTimer(Math.max(0, instant - clock.monotonic()), callback);
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
    this.#node.options.keepAlive.release();
    return true;
  }
}
