import type { Rollup, RollupStore } from "../broker/rollups.ts";
import { InvalidOptionError } from "../errors.ts";
import {
  type Histogram,
  type Measured,
  NOTHING_MEASURED,
  percentiles,
  ROLLUP_LENGTH,
  ROLLUP_TTL,
  sumOf,
} from "../protocol/rollup.ts";
import { requireKnownNames } from "../suggestion.ts";

export interface MetricsOptions {
  /** Not more than 49 hours ago: nothing is kept longer. @defaultValue an hour before `to` */
  from?: Date | undefined;
  /** @defaultValue now */
  to?: Date | undefined;
}

/** What servers have measured. */
export interface MetricsReport {
  /** When the first step begins. */
  readonly from: Date;
  /** Milliseconds of one step: five minutes, or fifteen where more than six hours are asked for. */
  readonly step: number;
  /** By queue; in each of them all types first, then each, the busiest first. Queues in which nothing ended have none. */
  readonly series: readonly MetricsSeries[];
}

export interface MetricsSeries {
  readonly queue: string;
  /**
   * `undefined`: all of them. Empty: those that were not counted by themselves, which a queue has beyond 50 in five
   * minutes.
   */
  readonly type: string | undefined;
  readonly totals: MetricsPoint;
  /** One for each step; `undefined`: nothing ended in it. */
  readonly points: readonly (MetricsPoint | undefined)[];
}

export interface MetricsPoint {
  /** Attempts that ended, failures included. */
  readonly processed: number;
  readonly failed: number;
  /** From pending to start; `undefined`: not known of any. */
  readonly wait: Percentiles | undefined;
  /** From start to end; `undefined`: not known of any. */
  readonly run: Percentiles | undefined;
}

/** Milliseconds, to within 13 %. */
export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

const HOUR = 3_600_000;
/** Beyond that, a step is three rollups. */
const FINE_SPAN = 6 * HOUR;
/** Queues that are asked about at once. */
const CHUNK = 20;

export async function metrics(
  store: Pick<RollupStore, "read">,
  queues: readonly string[],
  options: MetricsOptions,
  now: number,
): Promise<MetricsReport> {
  requireKnownNames("metrics", options, ["from", "to"]);
  const to = Math.min(instantOf("to", options.to) ?? now, now);
  const asked = instantOf("from", options.from) ?? to - HOUR;
  if (asked >= to) throw new InvalidOptionError("from", "expected an instant in the past, before `to`");
  const start = Math.max(asked, now - ROLLUP_TTL);
  const step = to - start <= FINE_SPAN ? ROLLUP_LENGTH : 3 * ROLLUP_LENGTH;
  const from = Math.floor(start / step) * step;
  const count = Math.max(0, Math.ceil((to - from) / step));

  const series: MetricsSeries[] = [];
  for (let at = 0; at < queues.length; at += CHUNK) {
    const some = queues.slice(at, at + CHUNK);
    const read = some.map(async (queue) =>
      seriesOf(queue, await store.read(queue, from, to), { from, step, count }),
    );
    series.push(...(await Promise.all(read)).flat());
  }
  return { from: new Date(from), step, series };
}

interface Steps {
  readonly from: number;
  readonly step: number;
  readonly count: number;
}

function seriesOf(queue: string, rollups: readonly Rollup[], { from, step, count }: Steps): MetricsSeries[] {
  if (rollups.length === 0) return [];
  const all: Measurements = [];
  const byType = new Map<string, Measurements>();
  for (const { at, type, measured } of rollups) {
    const place = Math.floor((at - from) / step);
    const own = byType.get(type) ?? [];
    byType.set(type, own);
    for (const measurements of [all, own]) {
      measurements[place] = sumOf(measurements[place] ?? NOTHING_MEASURED, measured);
    }
  }
  const shown = (type: string | undefined, measurements: Measurements): MetricsSeries => ({
    queue,
    type,
    totals: pointOf(
      measurements.reduce<Measured>((sum, each) => (each ? sumOf(sum, each) : sum), NOTHING_MEASURED),
    ),
    points: Array.from({ length: count }, (_, i) => {
      const measured = measurements[i];
      return measured && pointOf(measured);
    }),
  });
  const types = [...byType].map(([type, measurements]) => shown(type, measurements));
  return [shown(undefined, all), ...types.sort((a, b) => b.totals.processed - a.totals.processed)];
}

/** By step; holes where nothing ended. */
type Measurements = (Measured | undefined)[];

function pointOf({ processed, failed, wait, run }: Measured): MetricsPoint {
  return { processed, failed, wait: percentilesOf(wait), run: percentilesOf(run) };
}

function percentilesOf(histogram: Histogram): Percentiles | undefined {
  const found = percentiles(histogram, [0.5, 0.95, 0.99]);
  if (found === undefined) return undefined;
  // More digits would say what nobody knows.
  const [p50 = 0, p95 = 0, p99 = 0] = found.map((ms) => Number(ms.toPrecision(3)));
  return { p50, p95, p99 };
}

function instantOf(name: string, value: unknown): number | undefined {
  if (value === undefined) return undefined;
  if (!(value instanceof Date) || Number.isNaN(value.getTime())) {
    throw new InvalidOptionError(name, "expected a Date");
  }
  return value.getTime();
}
