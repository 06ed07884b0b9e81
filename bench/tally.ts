/** Counts deliveries of tasks 0 … total-1: the proof that each was delivered exactly once. */
export class Tally {
  readonly total: number;
  readonly complete: Promise<void>;
  private readonly seen: Uint8Array;
  private distinct = 0;
  private again = 0;
  private resolve: () => void = () => undefined;
  firstAt = 0;
  lastAt = 0;

  constructor(total: number) {
    this.total = total;
    this.seen = new Uint8Array(total);
    this.complete = new Promise((resolve) => {
      this.resolve = resolve;
    });
  }

  add(n: number): void {
    if (this.seen[n] !== 0) {
      this.again += 1;
      return;
    }
    this.seen[n] = 1;
    if (this.distinct === 0) this.firstAt = performance.now();
    this.distinct += 1;
    if (this.distinct === this.total) {
      this.lastAt = performance.now();
      this.resolve();
    }
  }

  /** Throws unless every task came once. */
  assertExact(): void {
    if (this.distinct !== this.total || this.again !== 0) {
      throw new Error(
        `delivery is not exact: ${this.distinct} of ${this.total} came, ${this.again} came again`,
      );
    }
  }
}
