import type { TaskRow } from "./tasks.ts";
import type { Instant } from "./words.ts";

export interface FailureList {
  now: Instant;
  /** The most frequent first. */
  groups: FailureGroup[];
  scanned: number;
  /** All tasks in retry and archived. */
  total: number;
}

/** Failed tasks of one type whose errors differ only in numbers, ids and quoted words. */
export interface FailureGroup {
  /** Stable over restarts. */
  fingerprint: string;
  type: string;
  /** The error with what differs replaced by `…`. */
  message: string;
  count: number;
  retry: number;
  archived: number;
  queues: string[];
  firstSeen: Instant | null;
  lastSeen: Instant | null;
  /** Failures in each twelfth of the time between `sparkFrom` and `now`, oldest first. */
  spark: number[];
  sparkFrom: Instant;
  sample: TaskRow;
  /** For the search box, and for `POST api/operations`. */
  filter: string;
}

export interface FailuresQuery {
  queue?: string;
}

export interface FailureRoutes {
  /** Failed tasks by what went wrong. */
  "GET /api/failures": { query: FailuresQuery; answer: FailureList };
}
