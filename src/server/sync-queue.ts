import type { Finished } from "./outcome.ts";

/** Outcomes that the store has not accepted yet, in the order in which they are sent again. */
export class SyncQueue {
  /** By queue: outcome -> monotonic instant at which it was first sent in vain. */
  readonly #queues = new Map<string, Map<Finished, number>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  queues(): string[] {
    return [...this.#queues.keys()];
  }

  /** Keeps outcomes of `queue` that the store was given, or was to be given, in vain. */
  add(queue: string, outcomes: readonly Finished[], now: number): void {
    if (outcomes.length === 0) return;
    const waiting = this.#queues.get(queue) ?? new Map<Finished, number>();
    this.#queues.set(queue, waiting);
    for (const outcome of outcomes) waiting.set(outcome, now);
    this.#size += outcomes.length;
  }

  /** All outcomes of `queue`, in order; they stay until {@link remove}d. */
  outcomes(queue: string): Finished[] {
    return [...(this.#queues.get(queue)?.keys() ?? [])];
  }

  remove(queue: string, outcomes: readonly Finished[]): void {
    const waiting = this.#queues.get(queue);
    if (waiting === undefined) return;
    for (const outcome of outcomes) if (waiting.delete(outcome)) this.#size -= 1;
    if (waiting.size === 0) this.#queues.delete(queue);
  }

  /** Lets all others of `queue` go first. */
  moveToEnd(queue: string, outcomes: readonly Finished[]): void {
    const waiting = this.#queues.get(queue);
    for (const outcome of outcomes) {
      const since = waiting?.get(outcome);
      if (since !== undefined && waiting?.delete(outcome)) waiting.set(outcome, since);
    }
  }

  /** Forgets, and answers, the outcomes that have waited since before `instant`. */
  removeOlderThan(instant: number): Finished[] {
    const removed: Finished[] = [];
    for (const [queue, waiting] of this.#queues) {
      const old = [...waiting].filter(([, since]) => since < instant).map(([outcome]) => outcome);
      this.remove(queue, old);
      removed.push(...old);
    }
    return removed;
  }
}
