import type { MetricsPoint, MetricsQuery, MetricsReport, MetricsSeries } from "../../api/types.ts";

export type Range = NonNullable<MetricsQuery["range"]>;
export const RANGES: readonly Range[] = ["1h", "6h", "24h"];
export type Percentile = "p50" | "p95" | "p99";
export const PERCENTILES: readonly Percentile[] = ["p50", "p95", "p99"];
/** What each line is: a queue, a type of task, or one percentile of all there is. */
export type By = "queue" | "type" | "all";

/** What the address asks for. */
export interface MetricsView {
  readonly range: Range;
  readonly queue: string | null;
  readonly type: string | null;
  readonly by: By;
  readonly percentile: Percentile;
}

/** What it does not say, or says wrongly, is as by default. */
export function readView(search: URLSearchParams): MetricsView {
  const queue = search.get("queue");
  const type = queue === null ? null : search.get("type");
  return {
    range: RANGES.find((range) => range === search.get("range")) ?? "1h",
    queue,
    type,
    by: type !== null ? "all" : readBy(search.get("by"), queue),
    percentile: PERCENTILES.find((each) => each === search.get("p")) ?? "p95",
  };
}

function readBy(text: string | null, queue: string | null): By {
  if (queue === null) return text === "type" ? "type" : "queue";
  return text === "all" ? "all" : "type";
}

/** The rows of the table: queues, or types. */
export function rowsOf({ series }: MetricsReport, { queue, by }: MetricsView): readonly MetricsSeries[] {
  return queue === null && by === "queue"
    ? series.filter(({ type }) => type === null)
    : series.filter((each) => each.type !== null && (queue === null || each.queue === queue));
}

/** The one queue or type that is looked at; `undefined`: several are, or nothing is known of it. */
export function chosenOf({ series }: MetricsReport, { queue, type }: MetricsView): MetricsSeries | undefined {
  return queue === null ? undefined : series.find((each) => each.queue === queue && each.type === type);
}

export const seriesKey = ({ queue, type }: MetricsSeries) => JSON.stringify([queue, type]);

/** What a queue or a type is called, where there may be a type of this name in other queues. */
export function nameOf({ queue, type }: MetricsSeries, rows: readonly MetricsSeries[]): string {
  if (type === null) return queue;
  const name = typeName(type);
  const isShared = rows.some((other) => other.queue !== queue && other.type === type);
  return isShared ? `${name} · ${queue}` : name;
}

export function typeName(type: string): string {
  return type === "" ? "other types" : type;
}

/** More lines in one chart could not be told apart. */
const MOST_LINES = 5;
const COLORS = ["--line-1", "--line-2", "--line-3", "--line-4", "--line-5"] as const;
export type LineColor = (typeof COLORS)[number];

/** The busiest, each with its colour. By name, so that a colour stays as long as the same ones are the busiest. */
export function coloursOf(rows: readonly MetricsSeries[]): ReadonlyMap<string, LineColor> {
  const busiest = rows.toSorted((a, b) => b.totals.processed - a.totals.processed).slice(0, MOST_LINES);
  const keys = busiest.map(seriesKey).sort();
  return new Map(keys.map((key, at) => [key, COLORS[at] ?? "--line-5"]));
}

/** Where each step's point stands: in the middle of what it covers. */
export function instantsOf({ from, step }: MetricsReport, { points }: MetricsSeries): readonly number[] {
  return points.map((_, at) => from + at * step + step / 2);
}

export type Values = readonly (number | null)[];

/** Servers write what they have measured once a minute. */
const LATE = 60_000;

/**
 * Attempts per second. Of a step that goes on, not all has been told: it is a gap, unless it is all there is. Then it is
 * what has been told over the time that has passed.
 */
export function ratesOf(
  report: MetricsReport,
  { points }: MetricsSeries,
  count: (point: MetricsPoint) => number = ({ processed }) => processed,
): Values {
  const { now, from, step } = report;
  const isOver = (at: number) => from + (at + 1) * step + LATE <= now;
  const isYoung = points.every((point, at) => point === null || !isOver(at));
  return points.map((point, at) => {
    if (point === null || !(isOver(at) || isYoung)) return null;
    const passed = Math.min(step, now - (from + at * step));
    return passed <= 0 ? null : count(point) / (passed / 1_000);
  });
}

/** Failed ones of all attempts, in percent. */
export function failedShares({ points }: MetricsSeries): Values {
  return points.map((point) => (point === null ? null : shareOf(point)));
}

function shareOf({ processed, failed }: MetricsPoint): number | null {
  return processed === 0 ? null : (failed / processed) * 100;
}

/** One percentile of how long tasks waited or ran, step by step. */
export function lengthsOf({ points }: MetricsSeries, what: "wait" | "run", percentile: Percentile): Values {
  return points.map((point) => point?.[what]?.[percentile] ?? null);
}

const DAY = 86_400_000;

/** The series of the same name and its values, at the same times of day; `undefined`: nothing is known of it. */
export function atTimesOf(
  report: MetricsReport,
  earlier: MetricsReport | undefined,
  { queue, type }: MetricsSeries,
): MetricsSeries | undefined {
  const found = earlier?.series.find((each) => each.queue === queue && each.type === type);
  if (earlier === undefined || found === undefined || earlier.step !== report.step) return undefined;
  const shift = Math.round((report.from - earlier.from - DAY) / report.step);
  const [sample] = report.series;
  return { ...found, points: (sample?.points ?? []).map((_, at) => found.points[at + shift] ?? null) };
}

/** Attempts per second over all that was asked for. */
export function meanRate({ now, from }: MetricsReport, processed: number): number | null {
  return now <= from ? null : processed / ((now - from) / 1_000);
}

export interface Mark {
  readonly at: number;
  readonly label: string;
}

/** Servers that started within this of each other, in milliseconds, are one deploy. */
const ONE_DEPLOY = 120_000;

/** Where servers have started since `from`, those of one deploy under one mark. Those that have ended since are not known. */
export function startsOf(
  servers: readonly { readonly startedAt: number; readonly version: string | null }[],
  from: number,
): readonly Mark[] {
  const starts = servers.filter(({ startedAt }) => startedAt >= from);
  const marks: { at: number; count: number }[] = [];
  for (const { startedAt } of starts.toSorted((a, b) => a.startedAt - b.startedAt)) {
    const last = marks.at(-1);
    if (last !== undefined && startedAt - last.at < ONE_DEPLOY) last.count += 1;
    else marks.push({ at: startedAt, count: 1 });
  }
  return marks.map(({ at, count }) => ({
    at,
    label: count === 1 ? "server started" : `${count} servers started`,
  }));
}
