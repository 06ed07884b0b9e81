import { InvalidOptionError } from "../errors.ts";
import { type Clock, sleep } from "../runtime/clock.ts";

/** How far a long operation has come. */
export interface Progress {
  /** Tasks looked at. */
  readonly done: number;
  /** Tasks that there were when it began. */
  readonly total: number;
}

/** How a long operation is watched, slowed down and stopped. */
export interface BulkOptions {
  /** Stops it between two steps. What was done is done; call again to go on. */
  signal?: AbortSignal | undefined;
  /** Called after each step. */
  onProgress?: ((progress: Progress) => void) | undefined;
  /** Tasks changed in a second, at most. @defaultValue as many as the engine can */
  rate?: number | undefined;
}

export const BULK_OPTIONS = ["signal", "onProgress", "rate"] as const;

/** Tasks that are changed in one step: a few milliseconds of the engine's time. */
const STEP = 200;
/** Steps in a second, when a rate is given. */
const BEATS = 10;

/** Counts what a long operation has done, and holds it back where it is to be slow. */
export class Pace {
  readonly #clock: Clock;
  readonly #options: BulkOptions;
  readonly #rate: number | undefined;
  readonly #beganAt: number;
  readonly total: number;
  done = 0;
  changed = 0;

  constructor(clock: Clock, total: number, options: BulkOptions) {
    this.#clock = clock;
    this.#options = options;
    this.#rate = checkedRate(options.rate);
    this.#beganAt = clock.monotonic();
    this.total = total;
  }

  /** How many tasks the next step may change. */
  get step(): number {
    return this.#rate === undefined ? STEP : Math.max(1, Math.min(STEP, Math.ceil(this.#rate / BEATS)));
  }

  get stopped(): boolean {
    return this.#options.signal?.aborted ?? false;
  }

  /** A step is over. Resolves when it is time for the next one. */
  async took(done: number, changed: number): Promise<void> {
    // More may come than there were.
    this.done = Math.min(this.total, this.done + done);
    this.changed += changed;
    this.#options.onProgress?.({ done: this.done, total: this.total });
    if (this.#rate === undefined || changed === 0) return;
    const due = this.#beganAt + (this.changed / this.#rate) * 1_000;
    const left = due - this.#clock.monotonic();
    if (left > 0) await sleep(this.#clock, left, this.#options.signal);
  }
}

function checkedRate(rate: number | undefined): number | undefined {
  if (rate !== undefined && !(Number.isFinite(rate) && rate > 0)) {
    throw new InvalidOptionError("rate", `expected tasks in a second, more than 0; got ${String(rate)}`);
  }
  return rate;
}
