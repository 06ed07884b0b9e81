import type { Clock } from "../../runtime/clock.ts";

interface Deadline {
  readonly at: number;
  readonly callback: () => void;
}

/**
 * Deadlines that nearly always are taken back before they come. They share one timer, set for the earliest: a timer
 * for each call would cost more than all else that is done for it here.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #deadlines = new Set<Deadline>();
  /** When the timer fires. What it was set for may be gone by then. */
  #due = Number.POSITIVE_INFINITY;
  #cancel: () => void = () => undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `callback` once at `at` of the monotonic clock, or soon if that has passed; the answer takes it back. */
  set(at: number, callback: () => void): () => void {
    const deadline = { at, callback };
    this.#deadlines.add(deadline);
    if (at < this.#due) this.#wait(at);
    return () => {
      this.#deadlines.delete(deadline);
    };
  }

  #wait(at: number): void {
    this.#cancel();
    this.#due = at;
    this.#cancel = this.#clock.setTimer(Math.max(0, at - this.#clock.monotonic()), () => this.#fire());
  }

  #fire(): void {
    this.#due = Number.POSITIVE_INFINITY;
    // A timer may come a fraction of a millisecond early.
    const now = this.#clock.monotonic() + 1;
    let next = Number.POSITIVE_INFINITY;
    const over: Deadline[] = [];
    for (const deadline of this.#deadlines) {
      if (deadline.at <= now) over.push(deadline);
      else next = Math.min(next, deadline.at);
    }
    for (const deadline of over) this.#deadlines.delete(deadline);
    if (next < this.#due) this.#wait(next);
    for (const deadline of over) deadline.callback();
  }
}
