import type { Clock } from "../runtime/clock.ts";

/** Rings at most this often, so that thousands of different instants do not cost a look at everything each. */
const LEAST_GAP = 10;

/**
 * One timer for any number of instants: it waits for the earliest, and `ring` answers the next one. Instants that
 * have become void are not taken back; the alarm then rings once for nothing.
 */
export class Alarm {
  readonly #clock: Clock;
  readonly #ring: (now: number) => number;
  #due = Number.POSITIVE_INFINITY;
  #rangAt = Number.NEGATIVE_INFINITY;
  #cancel: () => void = () => undefined;

  /** @param ring - does what is due at `now`, and answers the earliest instant that is left, or infinity */
  constructor(clock: Clock, ring: (now: number) => number) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** Rings no later than at this monotonic instant. */
  at(instant: number): void {
    if (instant >= this.#due) return;
    this.#due = Math.max(instant, this.#rangAt + LEAST_GAP);
    this.#cancel();
    this.#cancel = this.#clock.setTimer(Math.max(0, this.#due - this.#clock.monotonic()), () => this.#fire());
  }

  stop(): void {
    this.#cancel();
    this.#due = Number.NEGATIVE_INFINITY;
  }

  #fire(): void {
    this.#due = Number.POSITIVE_INFINITY;
    this.#rangAt = this.#clock.monotonic();
    this.at(this.#ring(this.#rangAt));
  }
}
