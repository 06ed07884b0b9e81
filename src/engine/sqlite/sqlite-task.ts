import type { TaskState } from "../../broker/inspection.ts";
import type { EmbeddedTask, NewTask } from "../embedded/embedded-store.ts";
import { stateOf } from "./schema.ts";

/** A task's row without what may be large, as SQL answers it. */
export interface TaskRow {
  readonly key: number;
  readonly id: string;
  readonly state: number;
  readonly score: number;
  readonly pending_since: number;
  readonly attempt: number;
  readonly group_key: string;
  readonly unique_key: string;
  /** Where it was asked for. */
  readonly message?: Uint8Array;
}

/** What a new task has beside that. */
export type Unsaved = Pick<NewTask, "message" | "lockedUntil">;

/** A task as it is stored, for the length of a transaction. */
export interface SqliteTask extends EmbeddedTask {
  /** Of its row. */
  key: number;
  uniqueKey: string;
  state: TaskState;
  score: number;
  pendingSince: number;
  attempt: number;
  /** Its message, where that was read. */
  message: Uint8Array | undefined;
  /** Present while it has no row. */
  unsaved: Unsaved | undefined;
}

export function taskOf(row: TaskRow): SqliteTask {
  return {
    key: row.key,
    id: row.id,
    group: row.group_key,
    uniqueKey: row.unique_key,
    state: stateOf(row.state),
    score: row.score,
    pendingSince: row.pending_since,
    attempt: row.attempt,
    message: row.message,
    unsaved: undefined,
  };
}
