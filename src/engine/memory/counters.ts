const DAY = 86_400_000;

/** How many attempts a queue has seen, ever and on the current UTC day. `processed` counts successes and failures. */
export class Counters {
  processedTotal = 0;
  failedTotal = 0;
  #day = 0;
  #processedToday = 0;
  #failedToday = 0;

  count(outcome: "success" | "failure", now: number): void {
    this.#turnTo(now);
    const failed = outcome === "failure" ? 1 : 0;
    this.processedTotal += 1;
    this.#processedToday += 1;
    this.failedTotal += failed;
    this.#failedToday += failed;
  }

  today(now: number): { processed: number; failed: number } {
    this.#turnTo(now);
    return { processed: this.#processedToday, failed: this.#failedToday };
  }

  #turnTo(now: number): void {
    const day = Math.floor(now / DAY);
    if (day === this.#day) return;
    this.#day = day;
    this.#processedToday = 0;
    this.#failedToday = 0;
  }
}
