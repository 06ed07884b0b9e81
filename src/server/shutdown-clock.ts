import type { Clock } from "../runtime/clock.ts";

/** How a shutdown ended. */
export interface ShutdownResult {
  /** Attempts that ended by themselves since the shutdown began. */
  readonly finished: number;
  /** Attempts that were cut short, or had not begun, and went back to the head of their queue. */
  readonly requeued: number;
  /** Attempts of which the store does not know how they ended: they run again once their leases have run out. */
  readonly left: number;
  /** 0: nothing is left behind. 3: something is, or may be, because the store did not answer or a second signal hurried. */
  readonly exitCode: 0 | 3;
}

/** How long after its timeout a shutdown may take in all, less a little for the way out. */
const AFTER_TIMEOUT = 4_500;
/** The same after a second signal. */
const IN_A_HURRY = 1_900;

/** The two instants of a shutdown, which may come earlier than planned but never later. */
export class ShutdownClock {
  readonly #clock: Clock;
  readonly #abort = new Instant();
  readonly #giveUp = new Instant();
  #hurried = false;
  #crashed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Begins to count. Called again, it only ever shortens. */
  begin(timeout: number): void {
    this.#abort.within(this.#clock, timeout);
    this.#giveUp.within(this.#clock, timeout + AFTER_TIMEOUT);
  }

  /** Aborts what runs now, and ends the shutdown within 2 s. */
  hurry(): void {
    this.#hurried = true;
    this.#giveUp.within(this.#clock, IN_A_HURRY);
    this.#abort.reach();
  }

  /**
   * Ends the shutdown within 2 s, and leaves what still runs then to the recoverers: one of these tasks may have broken
   * the process, and must not come back uncounted.
   */
  crash(): void {
    this.#hurried = true;
    this.#crashed = true;
    this.#abort.cancel();
    this.#giveUp.within(this.#clock, IN_A_HURRY);
  }

  get hurried(): boolean {
    return this.#hurried;
  }

  /** What still runs at the end is neither aborted nor handed back. */
  get crashed(): boolean {
    return this.#crashed;
  }

  /** Resolves when running tasks are to be aborted. */
  get abort(): Promise<void> {
    return this.#abort.reached;
  }

  /** Resolves when nothing more is waited for. */
  get giveUp(): Promise<void> {
    return this.#giveUp.reached;
  }

  /** Ends the count. */
  stop(): void {
    if (!this.#crashed) this.#abort.reach();
    this.#giveUp.reach();
  }
}

/** A moment that is reached once. */
class Instant {
  readonly reached: Promise<void>;
  reach: () => void = () => undefined;
  #at = Number.POSITIVE_INFINITY;
  #cancel: () => void = () => undefined;

  cancel(): void {
    this.#cancel();
  }

  constructor() {
    this.reached = new Promise((resolve) => {
      this.reach = () => {
        this.#cancel();
        resolve();
      };
    });
  }

  within(clock: Clock, ms: number): void {
    const at = clock.monotonic() + ms;
    if (at >= this.#at) return;
    this.#at = at;
    this.#cancel();
    this.#cancel = clock.setTimer(ms, this.reach);
  }
}
