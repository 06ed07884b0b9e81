import type { Duration } from "./duration.ts";

/** A point in time: a `Date`, or ISO 8601 text with a zone. */
export type Instant = Date | string;

/** How one task is enqueued. Options of the call win over those of its definition; headers add up. */
export interface TaskOptions {
  /** @defaultValue `"default"` */
  queue?: string | undefined;
  /** How many times a failed task is tried again; negative means 0. @defaultValue 25 */
  maxRetry?: number | undefined;
  /** Longest run of one attempt. `"none"`: no limit. @defaultValue `"30m"`, or none when there is a deadline */
  timeout?: Duration | "none" | undefined;
  /** The task must have ended by then, whatever attempts it has left. */
  deadline?: Instant | undefined;
  /** Not before this instant. `processIn` and `processAt` exclude each other. */
  processAt?: Instant | undefined;
  /** Not before this time has passed. */
  processIn?: Duration | undefined;
  /** Refuse an equal task (queue, type, and payload or `key`) for this long, or until this one has succeeded. At least `"1s"`. */
  unique?: Duration | { readonly for: Duration; readonly key?: string | undefined } | undefined;
  /** What an enqueue does when an equal task holds the lock: throw, or answer that task. @defaultValue `"throw"` */
  ifDuplicate?: "throw" | "return" | undefined;
  /** How long to keep the task and its result after success. @defaultValue 0: deleted at once */
  retention?: Duration | undefined;
  /** @defaultValue a fresh UUID */
  taskId?: string | undefined;
  /** With `taskId`: a completed or archived task of that id makes room for this one. @defaultValue false */
  replaceFinished?: boolean | undefined;
  /** Collect the task in this group until it is aggregated. */
  group?: string | undefined;
  headers?: Readonly<Record<string, string>> | undefined;
}
