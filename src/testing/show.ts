import { inspect } from "node:util";

/** A value as a test's author would write it, short enough for a line of a failure. */
export function showValue(value: unknown): string {
  return inspect(value, {
    depth: 6,
    compact: true,
    breakLength: Number.POSITIVE_INFINITY,
    maxStringLength: 200,
    maxArrayLength: 20,
  });
}

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
  ["ms", 1],
] as const;

/** A length of time as options have it: `1h30m`. */
export function showLength(ms: number): string {
  let left = Math.round(Math.abs(ms));
  let text = "";
  for (const [unit, size] of UNITS) {
    const amount = Math.floor(left / size);
    left -= amount * size;
    if (amount > 0) text += `${amount}${unit}`;
  }
  return text === "" ? "0s" : text;
}

/** When something is due, as seen from `now`: `in 10m (2024-01-01T00:10:00.000Z)`. */
export function showDue(instant: number, now: number): string {
  const when = new Date(instant).toISOString();
  if (instant === now) return `now (${when})`;
  const away = showLength(instant - now);
  return instant > now ? `in ${away} (${when})` : `${away} ago (${when})`;
}
