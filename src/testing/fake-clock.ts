import type { Clock } from "../runtime/clock.ts";

interface FakeTimer {
  readonly due: number;
  readonly callback: () => void;
}

/**
 * A clock whose hands the test turns. Hand it to whatever takes a `runtime`: its timers then wait for
 * {@link FakeClock.advance}. Wall and monotonic time move together, but only the wall can be set.
 */
export class FakeClock implements Clock {
  #wall: number;
  #monotonic = 0;
  readonly #passed: () => number;
  readonly #timers = new Set<FakeTimer>();

  /**
   * @param startMs - where the wall clock starts, in milliseconds since the Unix epoch
   * @param along - a clock along with which this one goes, beside being advanced; timers wait for that all the same
   */
  constructor(startMs: number = Date.UTC(2024, 0, 1), along?: Pick<Clock, "monotonic">) {
    this.#wall = startMs;
    const begun = along?.monotonic() ?? 0;
    this.#passed = along === undefined ? () => 0 : () => along.monotonic() - begun;
  }

  now(): number {
    return this.#wall + Math.ceil(this.#passed());
  }

  monotonic(): number {
    return this.#monotonic + this.#passed();
  }

  setTimer(ms: number, callback: () => void): () => void {
    const timer: FakeTimer = { due: this.monotonic() + Math.max(0, ms), callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** How many timers wait. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /**
   * Lets `ms` milliseconds pass: fires what becomes due in order of its due time, also what is set on the way, and lets
   * promises, immediates and sockets settle after each timer.
   */
  async advance(ms: number): Promise<void> {
    const end = this.monotonic() + ms;
    await settle();
    for (let timer = this.#nextDue(end); timer !== undefined; timer = this.#nextDue(end)) {
      this.#timers.delete(timer);
      this.#moveTo(timer.due);
      timer.callback();
      await settle();
    }
    this.#moveTo(end);
  }

  /** Makes the wall clock jump, as an operator or NTP would. Timers and monotonic time do not notice. */
  setWall(ms: number): void {
    this.#wall = ms;
  }

  /** The earliest timer due by `end`; of equals the one set first. */
  #nextDue(end: number): FakeTimer | undefined {
    let next: FakeTimer | undefined;
    for (const timer of this.#timers) {
      if (timer.due <= end && (next === undefined || timer.due < next.due)) next = timer;
    }
    return next;
  }

  /** Never backwards: a callback may itself have advanced the clock. */
  #moveTo(monotonic: number): void {
    const step = Math.max(0, monotonic - this.monotonic());
    this.#monotonic += step;
    this.#wall += step;
  }
}

const TURNS_TO_SETTLE = 10;
/** The real one, whatever a test puts in its place afterwards. */
const nextTurn = setImmediate;

/** Gives chains of promises, and replies that already lie in a socket, a few turns of the event loop. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < TURNS_TO_SETTLE; turn += 1)
    await new Promise<void>((resolve) => nextTurn(resolve));
}
