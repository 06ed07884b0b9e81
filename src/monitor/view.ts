import type { Operation, Overview, QueueRow, RatePoint, ServerCard, Totals } from "./api.ts";
import type { Collector, Sight } from "./collector.ts";
import { healthOf } from "./health.ts";
import { visibleOverdue } from "./overdue.ts";
import type { Attempts } from "./queue-track.ts";
import { REDACTED } from "./redaction.ts";
import { maySee, type Visitor } from "./scope.ts";
import { visibleServers } from "./server-cards.ts";

/** What a visitor may know of what was seen. */
export interface View {
  readonly rows: readonly QueueRow[];
  readonly servers: readonly ServerCard[] | null;
  readonly overview: Omit<Overview, "queues" | "series">;
  /** `null`: no rates are known yet. */
  readonly point: RatePoint | null;
}

export function viewOf(sight: Sight, collector: Collector, visitor: Visitor): View {
  const rows = [...sight.rows.values()].filter(({ queue }) => maySee(visitor, queue));
  const servers = sight.servers && visibleServers(sight.servers, visitor);
  const totals = totalsOf(rows, servers, sight.yesterday);
  const { servers: alive, slots, slotsBusy } = totals;
  const health = healthOf({
    now: sight.now,
    engine: sight.engine,
    seen: sight.seen,
    queues: collector.facts(rows, sight.now),
    unreadable: sight.unreadable.filter((queue) => maySee(visitor, queue)),
    slots,
    slotsBusy,
    servers: alive,
    overdue: visibleOverdue(sight.overdue, visitor),
  });
  return { rows, servers, overview: { health, totals }, point: pointOf(rows, sight.now) };
}

function totalsOf(
  rows: readonly QueueRow[],
  servers: readonly ServerCard[] | null,
  yesterday: ReadonlyMap<string, Attempts>,
): Totals {
  const before = rows.map(({ queue }) => yesterday.get(queue));
  const sumBefore = (count: "processed" | "failed") =>
    before.reduce<number | null>(
      (all, each) => (all === null || each === undefined ? null : all + each[count]),
      0,
    );
  const sum = (count: (row: QueueRow) => number) => rows.reduce((all, row) => all + count(row), 0);
  const oldest = rows.flatMap(({ oldestAt }) => oldestAt ?? []);
  return {
    queues: rows.length,
    servers: servers?.length ?? null,
    slots: servers?.reduce((all, { concurrency }) => all + concurrency, 0) ?? null,
    slotsBusy: servers?.reduce((all, { workers }) => all + workers.length, 0) ?? null,
    failures: sum(({ retry, archived }) => retry + archived),
    oldestAt: oldest.length === 0 ? null : oldest.reduce((a, b) => Math.min(a, b)),
    processedToday: sum(({ processedToday }) => processedToday),
    failedToday: sum(({ failedToday }) => failedToday),
    processedYesterday: sumBefore("processed"),
    failedYesterday: sumBefore("failed"),
  };
}

function pointOf(rows: readonly QueueRow[], at: number): RatePoint | null {
  const known = rows.filter(({ inRate }) => inRate !== null);
  if (known.length === 0) return null;
  const sum = (rate: (row: QueueRow) => number | null) =>
    Math.round(known.reduce((all, row) => all + (rate(row) ?? 0), 0) * 10) / 10;
  return {
    at,
    inRate: sum(({ inRate }) => inRate),
    outRate: sum(({ outRate }) => outRate),
    failureRate: sum(({ failureRate }) => failureRate),
  };
}

/** An operation as a visitor may see it; `undefined`: not at all. */
export function visibleOperation(operation: Operation, visitor: Visitor): Operation | undefined {
  const { queues, sample } = operation;
  const visible =
    visitor.queues === null || (queues?.every((queue) => maySee(visitor, queue)) && queues.length > 0);
  if (!visible) return undefined;
  if (visitor.role !== "view") return operation;
  // What somebody searches payloads for is what is in them.
  const told = operation.filter.includes("payload") ? { filter: REDACTED, command: null } : {};
  return { ...operation, ...told, sample: sample.map((row) => ({ ...row, preview: null })) };
}
