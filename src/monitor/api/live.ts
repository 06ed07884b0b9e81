import type { EngineState } from "./engine.ts";
import type { Health } from "./health.ts";
import type { Operation } from "./operations.ts";
import type { QueueRow, RatePoint } from "./queues.ts";
import type { ServerCard } from "./servers.ts";
import type { Instant } from "./words.ts";

/**
 * `GET api/live?topics=overview,servers,queue:low` is a stream of server-sent events, `GET api/snapshot?topics=…` the
 * first of them alone. Topics: `overview`, `servers`, `operations`, and `queue:` with a name (percent-encoded in it: `%`
 * and `,`). An event's id, sent back as `Last-Event-ID`, lets a stream go on where it broke off.
 *
 * event `snapshot`: all of the topics. event `delta`: what has changed since the event before.
 */
export interface Snapshot {
  now: Instant;
  engine: EngineState;
  overview?: Overview;
  servers?: ServerCard[];
  operations?: Operation[];
  /** By name; `null`: no such queue. */
  queues?: { [queue: string]: QueueLive | null };
}

export interface Overview {
  health: Health;
  totals: Totals;
  queues: QueueRow[];
  /** All queues together; the last 15 minutes as far as anybody listened, oldest first. */
  series: RatePoint[];
}

export interface QueueLive {
  row: QueueRow;
  series: RatePoint[];
}

export interface Totals {
  queues: number;
  /** `null`: not known. */
  servers: number | null;
  slots: number | null;
  slotsBusy: number | null;
  /** Groups of failures are counted on their page; this is all archived and retried tasks. */
  failures: number;
  oldestAt: Instant | null;
  processedToday: number;
  failedToday: number;
  /** Of the whole of yesterday (UTC): only days are counted. `null`: not known (yet). */
  processedYesterday: number | null;
  failedYesterday: number | null;
}

/** What is missing has not changed. */
export interface Delta {
  now: Instant;
  engine?: EngineState;
  overview?: OverviewDelta;
  servers?: ServerCard[];
  /** Those that changed. */
  operations?: Operation[];
  queues?: { [queue: string]: QueueDelta | null };
}

export interface OverviewDelta {
  health?: Health;
  totals?: Totals;
  /** Rows that are new or have changed. */
  queues?: QueueRow[];
  /** Queues that are gone. */
  removed?: string[];
  /** Goes at the end of `series`. */
  point?: RatePoint;
}

export interface QueueDelta {
  row?: QueueRow;
  point?: RatePoint;
}

export interface TopicQuery {
  /** Separated by commas. */
  topics: string;
}

export interface LiveRoutes {
  /** Server-sent events; see `Snapshot`. */
  "GET /api/live": { query: TopicQuery; answer: Snapshot };
  /** What a stream would begin with. */
  "GET /api/snapshot": { query: TopicQuery; answer: Snapshot };
}
