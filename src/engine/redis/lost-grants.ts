import type { ExtendAnswer, Leased, Outcome } from "../../broker/broker.ts";
import { ClosedError } from "../../errors.ts";
import { sleep } from "../../runtime/clock.ts";
import type { RedisContext } from "./redis-context.ts";

type Context = Pick<RedisContext, "runtime" | "logger" | "commandTimeout">;

/** What an exchange leased: id, message and `pending_since` of each task, which is null where it is not known. */
export type Grants = readonly (Buffer | null)[];

/** An exchange that was to lease tasks and got no answer. */
export interface LostExchange {
  readonly score: string;
  readonly nonce: string;
  /** Unix milliseconds, by the clock of its node; after it, the script leases nothing. */
  readonly deadline: number;
  /** The same instant, by the monotonic clock. */
  readonly endsAt: number;
  /** It is known what it leased, or that it leased nothing and never will. */
  closed: boolean;
}

/** Grants, read. */
export interface Accepted {
  readonly leased: readonly Leased[];
  /** Ids of tasks that nobody can read; archived. */
  readonly quarantined: readonly string[];
}

/** Each call that may take its time ends at `giveUpAt`, an instant of the monotonic clock. */
export interface LostGrantsDoors {
  /** What that exchange leased and still has, and what time it is in the store. */
  recall(queue: string, lost: LostExchange, giveUpAt: number): Promise<{ time: number; grants: Grants }>;
  /** Never rejects. */
  accept(queue: string, lost: LostExchange, grants: Grants): Promise<Accepted>;
  extend(queue: string, leased: readonly Leased[], giveUpAt: number): Promise<ExtendAnswer[]>;
  /** Puts tasks back at the head of their queue. */
  handBack(queue: string, requeues: readonly Outcome[], giveUpAt: number): Promise<void>;
}

interface QueueLosses {
  readonly exchanges: Set<LostExchange>;
  /** Tasks that are leased by us and that nobody was told of. */
  readonly found: Leased[];
  /** Sent back without an answer: perhaps obeyed, so they may run elsewhere and are not ours to hand out. */
  readonly returning: Leased[];
  readonly quarantined: string[];
}

/** How much later than its deadline an exchange is asked for on its own account, and how soon after a failure. */
const PATIENCE = 250;
/** How long closing waits for a Redis that does not answer, once no lost exchange can reach it any more. */
const LAST_PATIENCE = 1_000;

/**
 * Tasks that an exchange leased while its reply was lost, docs/protocol.md 18.9.4. Without it they would wait for a
 * recovery, which counts as a failure.
 *
 * Each lost exchange is asked for again before the next exchange of its queue, or by a timer if there is none. What
 * it had leased is known once, however many replies tell of it: no task is handed out twice.
 */
export class LostGrants {
  readonly #context: Context;
  readonly #doors: LostGrantsDoors;
  readonly #queues = new Map<string, QueueLosses>();
  readonly #timers = new Map<string, () => void>();

  constructor(context: Context, doors: LostGrantsDoors) {
    this.#context = context;
    this.#doors = doors;
  }

  has(queue: string): boolean {
    return this.#queues.has(queue);
  }

  add(queue: string, lost: LostExchange): void {
    if (lost.closed) return;
    this.#of(queue).exchanges.add(lost);
    this.#tidyLater(queue, lost.endsAt - this.#context.runtime.clock.monotonic() + PATIENCE);
  }

  /** The reply of a lost exchange, come late. */
  lateReply(queue: string, lost: LostExchange, grants: Grants): void {
    void this.#settle(queue, lost, grants);
  }

  /** Takes in tasks that are leased but could not be handed out; `returning` were sent back without an answer. */
  keep(queue: string, { leased, quarantined }: Accepted, returning: readonly Leased[] = []): void {
    if (leased.length + quarantined.length + returning.length === 0) return;
    const losses = this.#of(queue);
    losses.found.push(...leased);
    losses.returning.push(...returning);
    losses.quarantined.push(...quarantined);
    this.#tidyLater(queue, PATIENCE);
  }

  /** Up to `limit` of the tasks found, with fresh leases; the others go back to the head of the queue. */
  async claim(queue: string, limit: number, giveUpAt: number): Promise<Accepted> {
    for (const lost of [...this.#of(queue).exchanges]) {
      const { time, grants } = await this.#doors.recall(queue, lost, giveUpAt);
      // Found nothing: it may still be on its way, until it is too late for it to lease.
      if (grants.length > 0 || time > lost.deadline) await this.#settle(queue, lost, grants);
    }
    const losses = this.#of(queue);
    const wanted = losses.found.splice(0);
    const quarantined = losses.quarantined.splice(0);
    const unwanted = wanted.splice(limit);
    const returning = losses.returning.splice(0);
    if (losses.exchanges.size === 0) this.#queues.delete(queue);
    const tasks = wanted.length + unwanted.length;
    if (tasks > 0) this.#context.logger.info({ queue, tasks }, "found tasks that a lost reply had leased");
    try {
      const requeues = [
        ...returning.map((leased) => requeueOf(leased, true)),
        ...unwanted.map((leased) => requeueOf(leased, false)),
      ];
      if (requeues.length > 0) await this.#doors.handBack(queue, requeues, giveUpAt);
    } catch (error) {
      this.keep(queue, { leased: wanted, quarantined }, [...returning, ...unwanted]);
      throw error;
    }
    if (wanted.length === 0) return { leased: [], quarantined };
    try {
      const answers = await this.#doors.extend(queue, wanted, giveUpAt);
      return { leased: wanted.filter((_, i) => answers[i] === "extended"), quarantined };
    } catch (error) {
      this.keep(queue, { leased: wanted, quarantined });
      throw error;
    }
  }

  /** Hands everything back. Gives up where Redis stays silent longer than a lost exchange may be under way. */
  async close(): Promise<void> {
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    const { runtime, logger } = this.#context;
    const now = runtime.clock.monotonic();
    const exchanges = [...this.#queues.values()].flatMap(({ exchanges }) => [...exchanges]);
    const last = Math.max(now, ...exchanges.map(({ endsAt }) => endsAt));
    const patience = new AbortController();
    await Promise.race([
      Promise.all([...this.#queues.keys()].map((queue) => this.#handBackAll(queue, patience.signal))),
      sleep(runtime.clock, last - now + LAST_PATIENCE, patience.signal),
    ]);
    patience.abort();
    for (const queue of this.#queues.keys()) {
      logger.warn({ queue }, "tasks that a lost reply had leased are left to recovery");
    }
    this.#queues.clear();
  }

  async #handBackAll(queue: string, patience: AbortSignal): Promise<void> {
    const { runtime, logger } = this.#context;
    while (!patience.aborted) {
      try {
        await this.#giveBack(queue);
      } catch (error) {
        logger.debug({ queue, error }, "lost grants cannot be handed back yet");
      }
      if (!this.has(queue)) return;
      await sleep(runtime.clock, PATIENCE, patience);
    }
  }

  /** Claims, with no caller who could tell what was found. */
  async #giveBack(queue: string): Promise<void> {
    const { quarantined } = await this.claim(queue, 0, this.#giveUpAt());
    if (quarantined.length === 0) return;
    this.#context.logger.error({ queue, taskIds: quarantined }, "tasks archived: undecodable messages");
  }

  async #settle(queue: string, lost: LostExchange, grants: Grants): Promise<void> {
    if (lost.closed) return;
    lost.closed = true;
    this.#of(queue).exchanges.delete(lost);
    this.keep(queue, await this.#doors.accept(queue, lost, grants));
  }

  /** For a queue of which no exchange comes by: nobody waits for its tasks, so they go back. */
  #tidyLater(queue: string, ms: number): void {
    if (this.#timers.has(queue)) return;
    const cancel = this.#context.runtime.clock.setTimer(ms, () => {
      this.#timers.delete(queue);
      void this.#tidy(queue);
    });
    this.#timers.set(queue, cancel);
  }

  async #tidy(queue: string): Promise<void> {
    if (!this.#queues.has(queue)) return;
    try {
      await this.#giveBack(queue);
    } catch (error) {
      if (error instanceof ClosedError) this.#queues.delete(queue);
      else this.#context.logger.debug({ queue, error }, "lost grants cannot be looked for yet");
    }
    if (this.#queues.has(queue)) this.#tidyLater(queue, PATIENCE);
  }

  #of(queue: string): QueueLosses {
    let losses = this.#queues.get(queue);
    if (losses === undefined) {
      losses = { exchanges: new Set(), found: [], returning: [], quarantined: [] };
      this.#queues.set(queue, losses);
    }
    return losses;
  }

  #giveUpAt(): number {
    const { runtime, commandTimeout } = this.#context;
    return runtime.clock.monotonic() + commandTimeout;
  }
}

function requeueOf(leased: Leased, repeated: boolean): Outcome {
  return { leased, settlement: { kind: "requeue" }, repeated };
}
