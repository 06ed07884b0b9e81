import type { Broker, Leased } from "../../broker/broker.ts";
import { ClosedError } from "../../errors.ts";
import { sleep } from "../../runtime/clock.ts";
import type { RedisContext } from "./redis-context.ts";

/** An exchange that was to lease tasks and got no answer. */
export interface LostExchange {
  readonly score: string;
  readonly nonce: string;
  /** Unix milliseconds; after it, the script leases nothing. */
  readonly deadline: number;
  /** It is known what it leased, or that it leased nothing and never will. */
  closed: boolean;
}

export interface LostGrantsDoors {
  /** What that exchange leased and still has, and what time it is in the store. */
  recall(queue: string, lost: LostExchange): Promise<{ time: number; grants: Buffer[] }>;
  /** Reads grants; never rejects. */
  accept(queue: string, lost: LostExchange, grants: readonly Buffer[]): Promise<Leased[]>;
  extend: Broker["extendLeases"];
  /** Puts tasks back at the head of their queue. */
  handBack(queue: string, leased: readonly Leased[]): Promise<void>;
}

interface QueueLosses {
  readonly exchanges: Set<LostExchange>;
  /** Tasks that are leased by us and that nobody was told of. */
  readonly found: Leased[];
}

/** How much later than its deadline an exchange is asked for on its own account, and how soon after a failure. */
const PATIENCE = 250;

/**
 * Tasks that an exchange leased while its reply was lost, docs/protocol.md 18.9.4. Without it they would wait for a
 * recovery, which counts as a failure.
 *
 * Each lost exchange is asked for again before the next exchange of its queue, or by a timer if there is none. What
 * it had leased is known once, however many replies tell of it: no task is handed out twice.
 */
export class LostGrants {
  readonly #context: Pick<RedisContext, "clock" | "runtime" | "logger">;
  readonly #doors: LostGrantsDoors;
  readonly #queues = new Map<string, QueueLosses>();
  readonly #timers = new Map<string, () => void>();

  constructor(context: Pick<RedisContext, "clock" | "runtime" | "logger">, doors: LostGrantsDoors) {
    this.#context = context;
    this.#doors = doors;
  }

  has(queue: string): boolean {
    return this.#queues.has(queue);
  }

  add(queue: string, lost: LostExchange): void {
    if (lost.closed) return;
    this.#of(queue).exchanges.add(lost);
    this.#tidyLater(queue, lost.deadline - this.#context.clock.now() + PATIENCE);
  }

  /** The reply of a lost exchange, come late. */
  lateReply(queue: string, lost: LostExchange, grants: readonly Buffer[]): void {
    void this.#settle(queue, lost, grants);
  }

  /** Takes in tasks that are leased but could not be handed out. */
  keep(queue: string, leased: readonly Leased[]): void {
    if (leased.length === 0) return;
    this.#of(queue).found.push(...leased);
    this.#tidyLater(queue, PATIENCE);
  }

  /** Up to `limit` of the tasks found, with fresh leases; the others go back to the head of the queue. */
  async claim(queue: string, limit: number): Promise<Leased[]> {
    for (const lost of [...this.#of(queue).exchanges]) {
      const { time, grants } = await this.#doors.recall(queue, lost);
      // Found nothing: it may still be on its way, until it is too late for it to lease.
      if (grants.length > 0 || time > lost.deadline) await this.#settle(queue, lost, grants);
    }
    const losses = this.#of(queue);
    const found = losses.found.splice(0);
    if (losses.exchanges.size === 0) this.#queues.delete(queue);
    if (found.length === 0) return [];
    this.#context.logger.info({ queue, tasks: found.length }, "found tasks that a lost reply had leased");
    const wanted = found.slice(0, limit);
    try {
      if (found.length > limit) await this.#doors.handBack(queue, found.slice(limit));
      if (wanted.length === 0) return [];
      const answers = await this.#doors.extend(queue, wanted);
      return wanted.filter((_, i) => answers[i] === "extended");
    } catch (error) {
      this.keep(queue, found);
      throw error;
    }
  }

  /** Hands everything back; gives up where Redis does not answer. */
  async close(): Promise<void> {
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    await Promise.all([...this.#queues.keys()].map((queue) => this.#handBackAll(queue)));
    this.#queues.clear();
  }

  async #handBackAll(queue: string): Promise<void> {
    const { clock, runtime, logger } = this.#context;
    try {
      await this.claim(queue, 0);
      const deadlines = [...(this.#queues.get(queue)?.exchanges ?? [])].map(({ deadline }) => deadline);
      if (deadlines.length === 0) return;
      await sleep(runtime.clock, Math.max(...deadlines) - clock.now() + PATIENCE);
      await this.claim(queue, 0);
    } catch (error) {
      logger.warn({ queue, error }, "tasks that a lost reply had leased are left to recovery");
    }
  }

  async #settle(queue: string, lost: LostExchange, grants: readonly Buffer[]): Promise<void> {
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
      await this.claim(queue, 0);
    } catch (error) {
      if (error instanceof ClosedError) this.#queues.delete(queue);
      else this.#context.logger.debug({ queue, error }, "lost grants cannot be looked for yet");
    }
    if (this.#queues.has(queue)) this.#tidyLater(queue, PATIENCE);
  }

  #of(queue: string): QueueLosses {
    let losses = this.#queues.get(queue);
    if (losses === undefined) {
      losses = { exchanges: new Set(), found: [] };
      this.#queues.set(queue, losses);
    }
    return losses;
  }
}
