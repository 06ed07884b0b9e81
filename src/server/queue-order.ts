export interface QueueOrderOptions {
  /** Queue name -> weight, a positive whole number. */
  readonly queues: ReadonlyMap<string, number>;
  readonly strict: boolean;
  /** A number in [0, 1). */
  readonly random: () => number;
}

/**
 * Which queues get the free slots. Only queues that may have work take part, so an empty one costs nothing, however
 * many there are, and fairness is exact among the others.
 *
 * By weight, a queue gets its share of the slots, rounded up or down at random so that shares are right on average.
 * Strictly, all slots go to the highest weight that may have work; queues of equal weight share.
 */
export class QueueOrder {
  readonly #weights: ReadonlyMap<string, number>;
  readonly #strict: boolean;
  readonly #random: () => number;
  readonly #mayHaveWork = new Map<string, number>();

  constructor({ queues, strict, random }: QueueOrderOptions) {
    this.#weights = queues;
    this.#strict = strict;
    this.#random = random;
  }

  /** `queue` may have work from now on. */
  add(queue: string): void {
    this.#mayHaveWork.set(queue, this.#weights.get(queue) ?? 1);
  }

  /** `queue` was found empty. */
  remove(queue: string): void {
    this.#mayHaveWork.delete(queue);
  }

  has(queue: string): boolean {
    return this.#mayHaveWork.has(queue);
  }

  get size(): number {
    return this.#mayHaveWork.size;
  }

  /** Calls `take` for each queue that gets some of `slots`, with how many. */
  deal(slots: number, take: (queue: string, slots: number) => void): void {
    if (slots <= 0 || this.#mayHaveWork.size === 0) return;
    if (this.#mayHaveWork.size === 1) {
      for (const queue of this.#mayHaveWork.keys()) take(queue, slots);
      return;
    }
    const floor = this.#strict ? this.#highestWeight() : 0;
    const shares: [queue: string, slots: number][] = [];
    let total = 0;
    for (const weight of this.#mayHaveWork.values()) if (weight >= floor) total += weight;

    // Systematic sampling: queues lie side by side on a line of `slots` unit marks, shifted at random by less than one.
    const shift = this.#random();
    let sum = 0;
    let marks = 0;
    for (const [queue, weight] of this.#mayHaveWork) {
      if (weight < floor) continue;
      sum += weight;
      const reached = Math.min(slots, Math.floor((sum * slots) / total + shift));
      if (reached > marks) shares.push([queue, reached - marks]);
      marks = reached;
    }
    // Only now: whoever takes may change the set.
    for (const [queue, share] of shares) take(queue, share);
  }

  #highestWeight(): number {
    let highest = 0;
    for (const weight of this.#mayHaveWork.values()) highest = Math.max(highest, weight);
    return highest;
  }
}
