const FIRST = 1_000;
const LONGEST = 30_000;

/** Milliseconds before the next try, after so many that failed. @param chance - 0 to 1, so that tabs do not come all at once */
export function backoff(failures: number, chance: number): number {
  const longest = Math.min(LONGEST, FIRST * 2 ** Math.max(0, failures - 1));
  return Math.round(longest * (0.75 + 0.25 * chance));
}
