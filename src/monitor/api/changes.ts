import type { Operation } from "./operations.ts";
import type { ErrorFacts, TaskRef } from "./words.ts";

/** What may be done to tasks. */
export type TaskAction = "run" | "archive" | "delete";

/** The same change of up to 1,000 tasks that were chosen one by one. */
export interface ChangeRequest {
  action: TaskAction;
  /** Of `delete`, as in `BulkRequest`. Where not all can be undone, nothing is changed (`NOT_UNDOABLE`). */
  undoable?: boolean;
  /** @maxItems 1000 */
  tasks: TaskRef[];
}

export interface ChangeAnswer {
  /** In the order of the request. */
  results: ChangeResult[];
  changed: number;
  /** Undoes it, until its `undoUntil`; `null`: it was not asked to be undoable. */
  operation: Operation | null;
}

export interface ChangeResult {
  task: TaskRef;
  /** `null`: done. */
  error: ErrorFacts | null;
}

export interface ChangeRoutes {
  /** Changes tasks that were chosen one by one. */
  "POST /api/changes": { body: ChangeRequest; answer: ChangeAnswer };
}
