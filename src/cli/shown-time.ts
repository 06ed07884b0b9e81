const UNITS = [
  ["day", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000],
] as const;

/** A length of time for people: two digits or so, and its unit. */
export function shownLength(ms: number): string {
  for (const [unit, length] of UNITS) {
    if (ms < length * (unit === "s" ? 1 : 2)) continue;
    const count = ms / length;
    return `${count < 10 ? Math.round(count * 10) / 10 : Math.round(count)} ${unit}${unit === "day" ? "s" : ""}`;
  }
  return `${Math.max(0, Math.round(ms))} ms`;
}

/** An instant, in UTC, as asynq's tools and logs write it. */
export function shownInstant(instant: Date | undefined): string | undefined {
  return instant?.toISOString().replace(/\.\d+Z$/, "Z");
}

/** Bytes at a glance: `1.5 MB`. */
export function shownBytes(bytes: number | undefined): string | undefined {
  if (bytes === undefined) return undefined;
  if (bytes < 1_000) return `${bytes} B`;
  const step = Math.min(4, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1_000 ** step).toFixed(1)} ${["B", "kB", "MB", "GB", "TB"][step]}`;
}
