import type { Operation } from "./operations.ts";
import type { Instant, Length } from "./words.ts";

/** One line of the table of queues. */
export interface QueueRow {
  queue: string;
  paused: boolean;
  /** All tasks it holds. */
  size: number;
  pending: number;
  active: number;
  scheduled: number;
  retry: number;
  archived: number;
  completed: number;
  aggregating: number;
  /** Groups that have tasks waiting. */
  groups: number;
  /** Since when the oldest pending task waits; `null`: none does. */
  oldestAt: Instant | null;
  /** Attempts that ended today (UTC), failures included. */
  processedToday: number;
  failedToday: number;
  processedTotal: number;
  failedTotal: number;
  /** Tasks per second that came in, and that left the backlog; `null` until two looks have been taken. */
  inRate: number | null;
  outRate: number | null;
  /** Failed attempts per second. */
  failureRate: number | null;
  /** When nothing waits, and when there is no telling, `null`; never, if the rates stay as they are: `"never"`. */
  drainsIn: Length | "never" | null;
  /** The highest priority that a live server gives it; `null`: no server serves it, or servers are not known. */
  priority: number | null;
  /** Live servers that serve it; `null`: not known. */
  servers: number | null;
}

export interface QueueList {
  now: Instant;
  queues: QueueRow[];
}

export interface QueueDetail {
  now: Instant;
  row: QueueRow;
  /** Estimated; `null` where the store cannot tell. */
  memoryBytes: number | null;
  servedBy: ServedBy[];
  /** Points of the last 15 minutes, oldest first; a gap in `at` is a gap in what is known. */
  series: RatePoint[];
}

export interface ServedBy {
  serverId: string;
  host: string;
  pid: number;
  priority: number;
  strict: boolean;
}

/** Rates over the time since the point before it. */
export interface RatePoint {
  at: Instant;
  inRate: number;
  outRate: number;
  failureRate: number;
}

export interface History {
  /** Today first. */
  days: DailyStats[];
}

export interface DailyStats {
  queue: string;
  /** `2026-11-24`, UTC. */
  date: string;
  processed: number;
  failed: number;
}

export interface DeleteQueueRequest {
  /** The queue's name once more, typed by whoever asks. */
  confirm: string;
  /** Also when it holds tasks. */
  force?: boolean;
}

export interface HistoryQuery {
  /**
   * @minimum 1
   * @maximum 90
   * @default 30
   */
  days?: number;
}

export interface QueueRoutes {
  /** All queues. */
  "GET /api/queues": { answer: QueueList };
  /** One queue. */
  "GET /api/queues/{queue}": { answer: QueueDetail };
  /** Deletes a queue with all that is in it. */
  "DELETE /api/queues/{queue}": { body: DeleteQueueRequest; answer: Operation };
  /** Servers take no more tasks from it. */
  "POST /api/queues/{queue}/pause": { answer: null };
  /** Servers take tasks from it again. */
  "POST /api/queues/{queue}/unpause": { answer: null };
  /** What was processed on each of the last days. */
  "GET /api/queues/{queue}/history": { query: HistoryQuery; answer: History };
}
