import { setTimeout as wait } from "node:timers/promises";
import { EVERYONE, type Ledger } from "./history.ts";

export interface Fault {
  readonly name: string;
  /** The process that it will strike, by name. @defaultValue everyone */
  readonly target?: () => string;
  /** Causes it, and heals it if it lasts. */
  readonly strike: () => unknown;
}

export interface NemesisOptions {
  /** The same seed chooses the same faults, after the same waits. */
  readonly seed: number;
  readonly faults: readonly Fault[];
  /** Milliseconds between faults: the shortest and the longest. */
  readonly every: readonly [least: number, most: number];
  readonly ledger?: Ledger;
}

/** Causes faults, one after the other, until it is stopped. */
export class Nemesis {
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  /** What it did, in order. A run in which nothing happened proves nothing. */
  readonly struck: string[] = [];

  constructor(options: NemesisOptions) {
    this.#running = this.#run(options);
  }

  /** Resolves when the last fault is over; rejects if one could not be caused. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run({ seed, faults, every: [least, most], ledger }: NemesisOptions): Promise<void> {
    const random = randomFrom(seed);
    const { signal } = this.#stopping;
    for (;;) {
      const pause = least + random() * (most - least);
      const fault = faults[Math.floor(random() * faults.length)];
      await wait(pause, undefined, { signal }).catch(() => undefined);
      if (signal.aborted || fault === undefined) return;
      ledger?.write({ type: "nemesis", fault: fault.name, target: fault.target?.() ?? EVERYONE });
      await fault.strike();
      this.struck.push(fault.name);
    }
  }
}

/** mulberry32: numbers in [0, 1), the same ones for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
