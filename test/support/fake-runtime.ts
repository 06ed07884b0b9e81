import type { Clock } from "../../src/runtime/clock.ts";
import type { Runtime } from "../../src/runtime/runtime.ts";

interface FakeTimer {
  readonly due: number;
  readonly callback: () => void;
}

/** A clock whose hands the test turns. Wall and monotonic time move together, but only the wall can be set. */
export class FakeClock implements Clock {
  #wall: number;
  #monotonic = 0;
  readonly #timers = new Set<FakeTimer>();

  constructor(startMs: number = Date.UTC(2024, 0, 1)) {
    this.#wall = startMs;
  }

  now(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  setTimer(ms: number, callback: () => void): () => void {
    const timer: FakeTimer = { due: this.#monotonic + Math.max(0, ms), callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** How many timers wait. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /**
   * Lets `ms` pass: fires what becomes due in order of its due time, also what is set on the way, and lets promises,
   * immediates and sockets settle after each timer.
   */
  async advance(ms: number): Promise<void> {
    const end = this.#monotonic + ms;
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
    const step = Math.max(0, monotonic - this.#monotonic);
    this.#monotonic += step;
    this.#wall += step;
  }
}

const TURNS_TO_SETTLE = 10;

/** Gives chains of promises, and replies that already lie in a socket, a few turns of the event loop. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < TURNS_TO_SETTLE; turn += 1) await new Promise(setImmediate);
}

export interface FakeRuntimeOptions {
  /** Where the wall clock starts, in milliseconds. */
  readonly now?: number;
  /** The same seed gives the same chance and the same ids. */
  readonly seed?: number;
}

/** A runtime in which nothing happens by itself and chance repeats. */
export function fakeRuntime(options: FakeRuntimeOptions = {}): Runtime & { readonly clock: FakeClock } {
  const random = seededRandom(options.seed ?? 1);
  const hex = (digits: number) => {
    let text = "";
    for (let i = 0; i < digits; i += 1) text += Math.floor(random() * 16).toString(16);
    return text;
  };
  return {
    clock: new FakeClock(options.now),
    random,
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-${"89ab"[Math.floor(random() * 4)]}${hex(3)}-${hex(12)}`,
  };
}

/** Mulberry32: small, fast, and good enough for tests. */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
