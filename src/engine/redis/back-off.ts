const FIRST = 100;
const LONGEST = 3_000;

/**
 * Milliseconds to wait before the next attempt after `failures` in a row: anything up to a bound that doubles, so that
 * many who lost the same server do not come back at the same moment. On average one attempt in 1.5 s in the end, and
 * a server that is back is found within 3 s.
 */
export function backOff(failures: number, random: () => number): number {
  return random() * Math.min(LONGEST, FIRST * 2 ** Math.min(failures, 10));
}
