/** Node's longest timer. */
const LONGEST_TIMER = 2 ** 31 - 1;

/**
 * Keeps the process alive while something is under way. Sockets and timers of ours do not: a script that enqueues
 * and does not close its client ends by itself, yet never before its answers have come.
 */
export class UnderWay {
  #underWay = 0;
  #handle: NodeJS.Timeout | undefined;

  /** Something began. */
  begin(): void {
    this.#underWay += 1;
    if (this.#underWay > 1) return;
    // Made once and switched on and off from then on: a request a millisecond makes no timer each.
    this.#handle ??= setInterval(() => undefined, LONGEST_TIMER);
    this.#handle.ref();
  }

  /** Something ended; once for each {@link begin}. */
  end(): void {
    this.#underWay -= 1;
    if (this.#underWay === 0) this.#handle?.unref();
  }
}
