import type { TaskMessage } from "../protocol/task-message.ts";

export interface EnqueueEntry {
  readonly message: TaskMessage;
  /** Not before this instant; absent or past: now. With a group key, the task joins its group when it is due. */
  readonly processAt?: number;
  /** Milliseconds the unique lock lives; given exactly when the message has a unique key. */
  readonly uniqueTtl?: number;
  /** A completed or archived task of the same id makes room for this one. */
  readonly replaceFinished?: boolean;
}

export type EnqueueAnswer =
  | { readonly status: "enqueued"; readonly state: "pending" | "scheduled" | "aggregating" }
  /** An equal task, `holder`, has the unique lock. Decided before `conflict` where both hold. */
  | { readonly status: "duplicate"; readonly holder: string }
  /** The id is taken in that queue. */
  | { readonly status: "conflict" }
  /** Not stored (`EngineUnavailableError`, …) or perhaps stored (`AmbiguousEnqueueError`). */
  | { readonly status: "failed"; readonly error: Error };
