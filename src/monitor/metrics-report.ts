import type { Inspector, MetricsPoint } from "../index.ts";
import type * as api from "./api.ts";

/** Lengths of the ranges that can be asked for, milliseconds. */
const RANGES: Readonly<Record<NonNullable<api.MetricsQuery["range"]>, number>> = {
  "1h": 3_600_000,
  "6h": 6 * 3_600_000,
  "24h": 24 * 3_600_000,
};
/** Queues of one answer. */
const MOST_QUEUES = 50;
/** Series of one answer. */
const MOST_SERIES = 200;

/** As many queues as an answer shows, in alphabetical order: those that have processed most today. */
export function busiestQueues(rows: readonly api.QueueRow[]): { queues: string[]; truncated: boolean } {
  const busiest = rows.toSorted(
    (a, b) => b.processedToday - a.processedToday || b.processedTotal - a.processedTotal,
  );
  const queues = busiest.slice(0, MOST_QUEUES).map(({ queue }) => queue);
  return { queues: queues.sort(), truncated: busiest.length > queues.length };
}

/** What servers have measured of these queues; `truncated` says that there are others. */
export async function metricsReport(
  inspector: Pick<Inspector, "metrics">,
  queues: readonly string[],
  { range = "1h", ago }: Pick<api.MetricsQuery, "range" | "ago">,
  now: number,
  truncated = false,
): Promise<api.MetricsReport> {
  const end = ago === undefined ? now : now - RANGES[ago];
  const span = { from: new Date(end - RANGES[range]), to: new Date(end) };
  const reports = await Promise.all(queues.map((queue) => inspector.metrics(queue, span)));
  // Of no queue, for the time.
  const [first] = reports;
  const all = reports.flatMap(({ series }) => series);
  const kept = new Set(
    all
      .toSorted(
        (a, b) =>
          Number(a.type !== undefined) - Number(b.type !== undefined) ||
          b.totals.processed - a.totals.processed,
      )
      .slice(0, MOST_SERIES),
  );
  return {
    now,
    from: first?.from.getTime() ?? span.from.getTime(),
    step: first?.step ?? 300_000,
    truncated: truncated || kept.size < all.length,
    series: all
      .filter((each) => kept.has(each))
      .map(({ queue, type, totals, points }) => ({
        queue,
        type: type ?? null,
        totals: pointOf(totals),
        points: points.map((point) => (point === undefined ? null : pointOf(point))),
      })),
  };
}

function pointOf({ processed, failed, wait, run }: MetricsPoint): api.MetricsPoint {
  return { processed, failed, wait: wait ?? null, run: run ?? null };
}
