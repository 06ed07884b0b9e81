import { writeSync } from "node:fs";

const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";

/**
 * The terminal's second screen, without a cursor, with keys as they are pressed. The first screen comes back however the
 * process ends, but for SIGKILL.
 */
export class Screen {
  #entered = false;
  readonly #leaveLate = () => this.leave();

  enter(onKeys: (text: string) => void, onResize: () => void): void {
    process.on("exit", this.#leaveLate);
    process.stdin.setEncoding("utf8").on("data", onKeys);
    process.stdout.on("resize", onResize);
    this.#show();
  }

  /** Gives the terminal back, so that the process may be stopped; `resume` takes it again. */
  leave(): void {
    if (!this.#entered) return;
    this.#entered = false;
    process.stdin.setRawMode(false);
    process.stdin.pause();
    // The process may be about to end: what is written must be there by then.
    writeSync(process.stdout.fd, LEAVE);
  }

  resume(): void {
    if (!this.#entered) this.#show();
  }

  draw(lines: readonly string[]): void {
    if (!this.#entered) return;
    // Each line is cleared as it is written: a screen that is cleared as a whole flickers.
    process.stdout.write(`\x1b[H${lines.map((line) => `${line}\x1b[K`).join("\r\n")}\x1b[J`);
  }

  get size(): { readonly width: number; readonly height: number } {
    return { width: process.stdout.columns || 80, height: process.stdout.rows || 24 };
  }

  #show(): void {
    this.#entered = true;
    process.stdin.setRawMode(true);
    process.stdin.resume();
    writeSync(process.stdout.fd, ENTER);
  }
}
