const DAY = 86_400_000;
/** Days that are kept, as in Redis. */
const KEPT = 90;

/** How many attempts a queue has seen, ever and on each of the last UTC days. `processed` counts successes and failures. */
export class Counters {
  processedTotal = 0;
  failedTotal = 0;
  /** By day since the epoch, the last {@link KEPT} that anything was counted on. */
  readonly #days = new Map<number, { processed: number; failed: number }>();

  count(outcome: "success" | "failure", now: number): void {
    const day = Math.floor(now / DAY);
    let counted = this.#days.get(day);
    if (counted === undefined) {
      counted = { processed: 0, failed: 0 };
      this.#days.set(day, counted);
      for (const old of this.#days.keys()) if (old <= day - KEPT) this.#days.delete(old);
    }
    const failed = outcome === "failure" ? 1 : 0;
    this.processedTotal += 1;
    counted.processed += 1;
    this.failedTotal += failed;
    counted.failed += failed;
  }

  today(now: number): { processed: number; failed: number } {
    return { ...(this.#days.get(Math.floor(now / DAY)) ?? { processed: 0, failed: 0 }) };
  }

  /** Of the last `days` days, today first. */
  history(now: number, days: number): { day: number; processed: number; failed: number }[] {
    const today = Math.floor(now / DAY);
    return Array.from({ length: days }, (_, back) => {
      const { processed = 0, failed = 0 } = this.#days.get(today - back) ?? {};
      return { day: (today - back) * DAY, processed, failed };
    });
  }
}
