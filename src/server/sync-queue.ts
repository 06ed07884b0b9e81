import type { Finished } from "./outcome.ts";

interface Waiting {
  readonly outcome: Finished;
  /** Monotonic instant at which it was first sent without an answer. */
  readonly since: number;
}

/** Outcomes that the store has not accepted yet, in the order in which they were sent. */
export class SyncQueue {
  readonly #queues = new Map<string, Waiting[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  queues(): string[] {
    return [...this.#queues.keys()];
  }

  /** Keeps outcomes of `queue` that were sent, and whose answer did not come. */
  add(queue: string, outcomes: readonly Finished[], now: number): void {
    if (outcomes.length === 0) return;
    const waiting = this.#queues.get(queue) ?? [];
    this.#queues.set(queue, waiting);
    for (const outcome of outcomes) {
      outcome.repeated = true;
      waiting.push({ outcome, since: now });
    }
    this.#size += outcomes.length;
  }

  /** The oldest outcomes of `queue`, up to `limit`; they stay until {@link remove}d. */
  oldest(queue: string, limit: number): Finished[] {
    return (this.#queues.get(queue) ?? []).slice(0, limit).map(({ outcome }) => outcome);
  }

  /** Forgets the oldest `count` outcomes of `queue`. */
  remove(queue: string, count: number): void {
    const waiting = this.#queues.get(queue);
    if (waiting === undefined) return;
    this.#size -= waiting.splice(0, count).length;
    if (waiting.length === 0) this.#queues.delete(queue);
  }

  /** Forgets, and answers, the outcomes that have waited since before `instant`. */
  removeOlderThan(instant: number): Finished[] {
    const removed: Finished[] = [];
    for (const [queue, waiting] of this.#queues) {
      const young = waiting.findIndex(({ since }) => since >= instant);
      const count = young === -1 ? waiting.length : young;
      removed.push(...waiting.slice(0, count).map(({ outcome }) => outcome));
      this.remove(queue, count);
    }
    return removed;
  }
}
