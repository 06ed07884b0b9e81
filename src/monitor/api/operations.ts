import type { TaskRow } from "./tasks.ts";
import type { ErrorFacts, Instant, TaskState } from "./words.ts";

/** What to do to all tasks that match. `redrive` moves archived ones back to pending. */
export type BulkAction = "run" | "archive" | "delete" | "redrive";

export interface BulkRequest {
  action: BulkAction;
  /** The language of the search box. Empty: all of them. */
  filter: string;
  /** Left out: all queues. */
  queues?: string[];
  /** Left out: all states that the action is for. */
  states?: TaskState[];
  /** Only failed tasks of this group of `GET api/failures`: in retry, or archived. */
  fingerprint?: string;
  /** Only tasks that wait in this group to be aggregated. Takes the one queue that it is of. */
  group?: string;
  /**
   * Of `delete`: tasks are archived first, and deleted ten minutes later; `POST api/operations/{id}/undo` puts them back
   * until then. Pending tasks return to the end of their queue, scheduled ones and those in retry to their time; archived and
   * completed ones stay where they are until they are deleted. Tasks in groups cannot be undone. A task that somebody has
   * run, or changed otherwise, in these ten minutes is not deleted. Should the monitor end before, nothing is deleted:
   * tasks stay archived. Where there are too many to be undone (see `Operation.canUndo`), the operation fails with
   * `NOT_UNDOABLE` before it has changed anything.
   */
  undoable?: boolean;
  /** Only counts, and shows samples. */
  dryRun?: boolean;
  /**
   * Tasks per second.
   * @minimum 1
   * @maximum 100000
   */
  rate?: number;
  /**
   * Stops after so many.
   * @minimum 1
   */
  limit?: number;
}

/** A change of many tasks that goes on while others are answered. Kept in memory for an hour after its end. */
export interface Operation {
  id: string;
  action: BulkAction | "delete-queue";
  filter: string;
  queues: string[] | null;
  states: TaskState[] | null;
  dryRun: boolean;
  status: "running" | "done" | "stopped" | "failed";
  startedBy: string | null;
  startedAt: Instant;
  endedAt: Instant | null;
  /** Looked at so far. */
  done: number;
  /** All that there is to look at; `null`: not known yet. */
  total: number | null;
  /** `null` until it ends, for operations that cannot tell before. */
  matched: number | null;
  changed: number;
  /** Up to five of the tasks that match; of a dry run, once it is done. */
  sample: TaskRow[];
  error: ErrorFacts | null;
  /** The group of tasks that wait to be aggregated that it is for; `null`: it is not for one. */
  group: string | null;
  /** The group of failures that it is for; `null`: it is not for one. */
  fingerprint: string | null;
  /** Whether a dry run has found that all that match can be undone; `null`: it was not asked, or does not know yet. */
  canUndo: boolean | null;
  /** Until when it can be undone, which is also when its tasks are deleted; `null`: it cannot be, or not any more. */
  undoUntil: Instant | null;
  /** Tasks that were put back; `null`: it was not undone. */
  undone: number | null;
  /** The command that does the same; `null`: none does exactly that. */
  command: string | null;
}

export interface OperationList {
  operations: Operation[];
}

export interface OperationRoutes {
  /** Operations that run, or ended within the hour. */
  "GET /api/operations": { answer: OperationList };
  /** Begins to change all tasks that match. */
  "POST /api/operations": { body: BulkRequest; answer: Operation };
  /** One operation. */
  "GET /api/operations/{id}": { answer: Operation };
  /** Stops one; what it has done stays. */
  "POST /api/operations/{id}/stop": { answer: Operation };
  /** Puts back what one was to delete. */
  "POST /api/operations/{id}/undo": { answer: Operation };
}
