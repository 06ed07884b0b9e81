import type { Clock } from "titanqueue";

/**
 * Signals within so many milliseconds count as one: at a terminal's Ctrl+C, `npm run` sends us another one beside the
 * terminal's own.
 */
const ONE_PRESS = 200;

export interface LeaveActions {
  first(): void;
  second(): void;
  third(): void;
}

/** Acts on the signals that end a command, each time harder than before. */
export class Leaving {
  /** Resolves at the first one. */
  readonly asked: Promise<undefined>;
  readonly #clock: Clock;
  readonly #actions: LeaveActions;
  #begin: (value: undefined) => void = () => undefined;
  #presses = 0;
  #last = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, actions: LeaveActions) {
    this.#clock = clock;
    this.#actions = actions;
    this.asked = new Promise((resolve) => {
      this.#begin = resolve;
    });
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => this.#signaled());
  }

  get begun(): boolean {
    return this.#presses > 0;
  }

  #signaled(): void {
    const now = this.#clock.monotonic();
    const before = this.#last;
    this.#last = now;
    if (now - before < ONE_PRESS) return;
    this.#presses += 1;
    if (this.#presses === 1) this.#actions.first();
    else if (this.#presses === 2) this.#actions.second();
    else this.#actions.third();
    this.#begin(undefined);
  }
}
