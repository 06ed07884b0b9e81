import type { RatePoint } from "../../api/types.ts";

/** Points further apart than this, in milliseconds, have nothing known between them. */
const GAP = 5_000;
const MINUTE = 60_000;
const SHORTEST = 120_000;
const LONGEST = 900_000;

export interface RateLines {
  readonly at: readonly number[];
  readonly inRate: readonly (number | null)[];
  readonly outRate: readonly (number | null)[];
}

/** Rates as lines of a chart: where nothing is known, a gap. */
export function rateLines(series: readonly RatePoint[]): RateLines {
  const at: number[] = [];
  const inRate: (number | null)[] = [];
  const outRate: (number | null)[] = [];
  let before: number | undefined;
  for (const point of series) {
    if (before !== undefined && point.at - before > GAP) {
      at.push(before + 1);
      inRate.push(null);
      outRate.push(null);
    }
    at.push(point.at);
    inRate.push(point.inRate);
    outRate.push(point.outRate);
    before = point.at;
  }
  return { at, inRate, outRate };
}

export interface FailureBars {
  /** The middle of each minute. */
  readonly at: readonly number[];
  readonly failures: readonly (number | null)[];
}

/** Failures in each minute that something is known of; `null`: nothing is. */
export function failuresPerMinute(
  series: readonly RatePoint[],
  [from, to]: readonly [number, number],
): FailureBars {
  const sums = new Map<number, number>();
  let before: number | undefined;
  for (const { at, failureRate } of series) {
    const length = before === undefined || at - before > GAP ? 1_000 : at - before;
    const minute = Math.floor(at / MINUTE);
    sums.set(minute, (sums.get(minute) ?? 0) + (failureRate * length) / 1_000);
    before = at;
  }
  const at: number[] = [];
  const failures: (number | null)[] = [];
  for (let minute = Math.floor(from / MINUTE); minute <= Math.floor(to / MINUTE); minute++) {
    const sum = sums.get(minute);
    at.push(minute * MINUTE + MINUTE / 2);
    failures.push(sum === undefined ? null : Math.round(sum));
  }
  return { at, failures };
}

/** The same, in whole minutes. */
export function wholeMinutes([from, to]: readonly [number, number]): readonly [from: number, to: number] {
  return [Math.floor(from / MINUTE) * MINUTE, Math.ceil(to / MINUTE) * MINUTE];
}

/** What charts of the last minutes show: all that is known, two minutes at least. */
export function rangeOf(series: readonly RatePoint[], now: number): readonly [from: number, to: number] {
  const first = series[0]?.at ?? now;
  return [Math.max(now - LONGEST, Math.min(first, now - SHORTEST)), now];
}
