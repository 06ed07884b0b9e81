import type {
  Delta,
  EngineState,
  Health,
  Operation,
  QueueRow,
  RatePoint,
  ServerCard,
  Snapshot,
  Totals,
} from "../api/types.ts";

/** Milliseconds that charts go back. */
const SERIES_LENGTH = 900_000;

/** What the live stream has told so far. Never changed in place: what is the same object has not changed. */
export interface LiveData {
  /** By the engine's clock. */
  readonly now: number;
  readonly engine: EngineState;
  readonly overview: LiveOverview | null;
  readonly servers: readonly ServerCard[] | null;
  readonly operations: readonly Operation[];
}

export interface LiveOverview {
  readonly health: Health;
  readonly totals: Totals;
  /** By name. */
  readonly queues: ReadonlyMap<string, QueueRow>;
  readonly series: readonly RatePoint[];
}

export function fromSnapshot(snapshot: Snapshot, before: LiveData | null): LiveData {
  const { now, engine, overview, servers, operations } = snapshot;
  return {
    now,
    engine,
    overview:
      overview === undefined
        ? (before?.overview ?? null)
        : {
            health: overview.health,
            totals: overview.totals,
            queues: new Map(overview.queues.map((row) => [row.queue, row])),
            series: overview.series,
          },
    servers: servers ?? null,
    operations: operations ?? before?.operations ?? [],
  };
}

export function applyDelta(data: LiveData, delta: Delta): LiveData {
  return {
    now: delta.now,
    engine: delta.engine ?? data.engine,
    overview: data.overview && applyOverview(data.overview, delta),
    servers: delta.servers ?? data.servers,
    operations: delta.operations === undefined ? data.operations : merged(data.operations, delta.operations),
  };
}

function applyOverview(before: LiveOverview, { overview, now }: Delta): LiveOverview {
  if (overview === undefined) return before;
  const { health, totals, queues, removed, point } = overview;
  return {
    health: health ?? before.health,
    totals: totals ?? before.totals,
    queues: changedQueues(before.queues, queues, removed),
    series: point === undefined ? before.series : withPoint(before.series, point, now),
  };
}

function changedQueues(
  before: ReadonlyMap<string, QueueRow>,
  rows: readonly QueueRow[] = [],
  removed: readonly string[] = [],
): ReadonlyMap<string, QueueRow> {
  if (rows.length === 0 && removed.length === 0) return before;
  const queues = new Map(before);
  for (const name of removed) queues.delete(name);
  for (const row of rows) queues.set(row.queue, row);
  return queues;
}

/** A stream that goes on where it broke off may tell the last point twice. */
export function withPoint(series: readonly RatePoint[], point: RatePoint, now: number): readonly RatePoint[] {
  const last = series.at(-1);
  if (last !== undefined && last.at >= point.at) return series;
  return [...series.filter(({ at }) => at >= now - SERIES_LENGTH), point];
}

function merged(before: readonly Operation[], changed: readonly Operation[]): readonly Operation[] {
  const news = new Map(changed.map((operation) => [operation.id, operation]));
  const kept = before.map((operation) => {
    const now = news.get(operation.id) ?? operation;
    news.delete(operation.id);
    return now;
  });
  return [...kept, ...news.values()];
}
