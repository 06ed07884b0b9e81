/** The wire counts in whole seconds, the house in milliseconds. */

/** When a task falls due that waits for a limit, `docs/protocol.md` 18.11: the last second of the year 9999. */
export const PARKED_UNTIL = 253_402_300_799_000;

/** Whole seconds, none of it lost: for a length or an instant that must not come early. */
export function ceilSeconds(ms: number): number {
  return Math.ceil(ms / 1_000);
}

/** Whole seconds that have passed: for the present, as Go writes it. */
export function floorSeconds(ms: number): number {
  return Math.floor(ms / 1_000);
}

/** The UTC day of an instant, `YYYY-MM-DD`, as the counters of a day are named. */
export function utcDay(ms: number): string {
  const day = Math.floor(ms / 86_400_000);
  if (day !== lastDay) {
    lastDay = day;
    lastDayText = new Date(ms).toISOString().slice(0, 10);
  }
  return lastDayText;
}

/** Asked for on every exchange, and nearly always the same. */
let lastDay = Number.NaN;
let lastDayText = "";

/** An instant as the hash field `pending_since` has it: nanoseconds, 19 digits, beyond what a number holds. */
export function pendingSinceNs(ms: number): string {
  return `${Math.floor(ms)}000000`;
}

/** The instant in a hash field `pending_since`, in milliseconds; `undefined` if there is none. */
export function pendingSinceMs(ns: string): number | undefined {
  const ms = Number(ns) / 1_000_000;
  return ms > 0 ? ms : undefined;
}
