import type { Clock } from "titanqueue";
import type { Output } from "./output.ts";

export interface Steps {
  readonly done: number;
  readonly total: number;
}

/** Milliseconds between two pictures of the bar, and between two lines where there is none. */
const BAR_EVERY = 80;
const LINE_EVERY = 5_000;
const WIDEST_BAR = 40;

/**
 * Shows how far long work has come, on standard error: a bar on a terminal, now and then a line elsewhere, nothing for
 * programs. Work that is over at once shows nothing.
 */
export class Progress {
  readonly #out: Output;
  readonly #clock: Clock;
  readonly #what: string;
  readonly #bar: boolean;
  #last: number;
  #drawn = false;

  constructor(out: Output, clock: Clock, what: string) {
    this.#out = out;
    this.#clock = clock;
    this.#what = what;
    this.#bar = process.stderr.isTTY === true;
    this.#last = clock.monotonic();
  }

  /** To be handed to whoever does the work. */
  readonly show = ({ done, total }: Steps): void => {
    if (this.#out.mode !== "text") return;
    const now = this.#clock.monotonic();
    if (now - this.#last < (this.#bar ? BAR_EVERY : LINE_EVERY)) return;
    this.#last = now;
    const text = `${this.#what} ${count(done)} of ${count(total)}`;
    const part = total === 0 ? 1 : Math.min(1, done / total);
    if (!this.#bar) {
      process.stderr.write(`${text} (${Math.floor(part * 100)} %)\n`);
      return;
    }
    this.#drawn = true;
    const room = Math.min(WIDEST_BAR, (this.#out.stderr.width ?? 80) - text.length - 3);
    const full = Math.round(Math.max(0, room) * part);
    const bar = room < 4 ? "" : `${"█".repeat(full)}${"░".repeat(room - full)} `;
    process.stderr.write(`\r\x1b[K${bar}${text}`);
  };

  /** Takes the bar away. */
  end(): void {
    if (this.#drawn) process.stderr.write("\r\x1b[K");
    this.#drawn = false;
  }
}

/** So many tasks, in words. */
export function tasks(number: number): string {
  return `${count(number)} ${number === 1 ? "task" : "tasks"}`;
}

/** A number as people write it. */
export function count(value: number): string {
  return value.toLocaleString("en-US");
}
