import type { AttemptRecord } from "../protocol/attempt-log.ts";
import type { ServerInfo } from "../protocol/server-info.ts";
import type { TaskMessage } from "../protocol/task-message.ts";
import type { WorkerInfo } from "../protocol/worker-info.ts";

export type TaskState =
  | "active"
  | "pending"
  | "scheduled"
  | "retry"
  | "archived"
  | "completed"
  | "aggregating";

/** What an operator does to a task: puts it in its queue now, sets it aside, or removes it. */
export type Change = "run" | "archive" | "delete";

/**
 * Looks at tasks and queues, and changes them as an operator wishes. Instants are milliseconds. Every call does bounded
 * work; what may be long is asked for in parts.
 */
export interface Inspection {
  /** Every queue that something was enqueued to, in no order. */
  queues(): Promise<string[]>;

  /** `undefined`: no such queue. */
  queueInfo(queue: string): Promise<QueueRecord | undefined>;

  /** `undefined`: no such task. */
  taskInfo(queue: string, taskId: string): Promise<TaskRecord | undefined>;

  /** The unique lock of that name, whoever holds it. `undefined`: it is free. */
  uniqueLock(queue: string, key: string): Promise<LockRecord | undefined>;

  /**
   * One page of the tasks in `state`, the next to run (or to end) first. `page` counts from 0. `group` is required
   * for `aggregating` and means nothing else. `undefined`: no such queue.
   */
  listTasks(queue: string, state: TaskState, page: Page): Promise<TaskRecord[] | undefined>;

  /** False: it was paused already. */
  pauseQueue(queue: string): Promise<boolean>;
  /** False: it was not paused. */
  unpauseQueue(queue: string): Promise<boolean>;

  /** Attempts of the last `days` UTC days, today first. `undefined`: no such queue. */
  history(queue: string, days: number): Promise<DayRecord[] | undefined>;

  /** A part of the groups that have tasks; the first one without a cursor. `undefined`: no such queue. */
  groups(queue: string, cursor?: string): Promise<GroupPage | undefined>;

  /** Bytes that the queue takes, estimated from a sample. `undefined`: no such queue, or the store cannot tell. */
  memoryUsage(queue: string): Promise<number | undefined>;

  /** Servers that are alive, ours and Go's, with what each runs. */
  servers(): Promise<PresenceRecord[]>;

  /**
   * Changes tasks by their ids, each on its own; answers in the same order. A task that no set holds, as a damaged store
   * may have it, is changed all the same.
   *
   * @param options.from - only tasks in this state: others are `missing`
   * @param options.near - of each {@link ScanPage} that showed some of the tasks: finds them faster in a long queue
   */
  changeTasks(
    queue: string,
    change: Change,
    ids: readonly string[],
    options?: ChangeOptions,
  ): Promise<ChangeAnswer[]>;

  /**
   * Puts archived tasks back to where they were before they were archived, each on its own; in the same order, whether it
   * was archived and is back. To the end of the line, or to its time, perhaps to the second.
   */
  restoreTasks(queue: string, tasks: readonly Restored[]): Promise<boolean[]>;

  /**
   * Changes the next tasks of a state, at most `limit` of them; fewer `handled` means that there are no more. `part.group`
   * is required for `aggregating`. A change that the state does not admit must not be asked for.
   */
  changeSome(queue: string, change: Change, part: StatePart, limit: number): Promise<ChangedPart>;

  /**
   * A part of the tasks in a state, in no order; the first one without a cursor. A task that stays in its state from
   * the first part to the last is seen at least once.
   *
   * @param count - about how many; there may be none although there are more parts
   * @throws {@link InvalidOptionError} the cursor is none that a scan has answered.
   */
  scanTasks(queue: string, state: TaskState, cursor: string | undefined, count: number): Promise<ScanPage>;

  /**
   * Replaces the message of a scheduled task by what `rewrite` makes of it; nothing comes in between. A unique lock that
   * the task holds follows the message's unique key.
   */
  rewriteTask(
    queue: string,
    taskId: string,
    rewrite: (message: TaskMessage) => TaskMessage,
  ): Promise<RewriteAnswer>;

  /**
   * Whether it holds tasks that no state counts: members of groups that are being aggregated, or were when a server died, or
   * whose group is not listed yet.
   */
  holdsUncounted(queue: string): Promise<boolean>;

  /**
   * Removes what a queue without tasks has left: counters, locks, records of ours. In steps, each with the cursor of the
   * one before; the queue's name goes last, so that an interrupted removal can be taken up again.
   */
  removeQueue(queue: string, cursor?: string): Promise<RemovalStep>;
}

export interface LockRecord {
  /** Id of a task, which may be gone. */
  readonly holder: string;
  /** `undefined`: it does not end by itself. */
  readonly until: number | undefined;
}

export interface DayRecord {
  /** Midnight at which the UTC day began. */
  readonly day: number;
  /** Successes and failures. */
  readonly processed: number;
  readonly failed: number;
}

export interface GroupPage {
  readonly groups: readonly { readonly group: string; readonly size: number }[];
  /** Where the next part begins. Absent: this was the last one. */
  readonly cursor: string | undefined;
}

export interface PresenceRecord {
  readonly info: ServerInfo;
  readonly workers: readonly WorkerInfo[];
}

export interface ChangeOptions {
  readonly from?: TaskState;
  readonly near?: readonly string[] | undefined;
}

/**
 * `missing`: no such task. `active`: it runs now, or is being aggregated. `unchanged`: it is so already. `failed`: something
 * stands in its way, of which the other tasks know nothing.
 */
export type ChangeAnswer =
  | { readonly status: "changed" | "missing" | "active" | "unchanged" }
  | { readonly status: "failed"; readonly error: Error };

/** Where an archived task returns to. */
export interface Restored {
  readonly id: string;
  readonly state: "pending" | "scheduled" | "retry";
  /** When it is due; of a pending one, it means nothing. */
  readonly at: number;
}

export interface StatePart {
  readonly state: TaskState;
  readonly group?: string;
}

export interface ChangedPart {
  /** Tasks that left the state, ids that had no task included. */
  readonly handled: number;
  readonly changed: number;
}

export interface ScanPage {
  readonly tasks: readonly TaskRecord[];
  /** Where the next part begins. Absent: this was the last one. */
  readonly cursor: string | undefined;
  /** Where these tasks were, for {@link Inspection.changeTasks}. */
  readonly near?: string;
}

/**
 * `damaged`: its message cannot be read. `outdated`: others kept changing it. `duplicate`: the task `holder` has the lock of
 * the new unique key.
 */
export type RewriteAnswer =
  | { readonly status: "rewritten" | "missing" | "damaged" | "not-scheduled" | "outdated" }
  | { readonly status: "duplicate"; readonly holder: string };

/** `not-empty`: tasks have come meanwhile; nothing was removed by this step. */
export interface RemovalStep {
  readonly status: "removed" | "more" | "not-empty";
  readonly cursor?: string | undefined;
}

export interface Page {
  readonly page: number;
  readonly size: number;
  readonly group?: string;
}

export interface QueueRecord {
  readonly queue: string;
  readonly pending: number;
  readonly active: number;
  readonly scheduled: number;
  readonly retry: number;
  readonly archived: number;
  readonly completed: number;
  readonly aggregating: number;
  readonly groups: number;
  /** Today (UTC). `processed` counts successes and failures. */
  readonly processed: number;
  readonly failed: number;
  readonly processedTotal: number;
  readonly failedTotal: number;
  readonly paused: boolean;
  /** Milliseconds that the oldest pending task has waited; 0 when none waits. */
  readonly latency: number;
  readonly at: number;
}

export interface TaskRecord {
  readonly queue: string;
  readonly id: string;
  readonly state: TaskState;
  /** `undefined`: the stored bytes cannot be decoded, or are missing. */
  readonly message: TaskMessage | undefined;
  /** The stored bytes, when they cannot be decoded. */
  readonly undecodable?: Uint8Array;
  /** When it will run: now for pending, its instant for scheduled and retry. */
  readonly nextProcessAt?: number;
  /** Scheduled for no instant: it waits until a limit has room for it. */
  readonly parked?: boolean;
  readonly result?: Uint8Array;
  /** The last failed attempts, oldest first. Only where one task was asked for, and any are on record. */
  readonly attempts?: readonly AttemptRecord[];
  /** Active, but its lease has run out: its server is gone. Only in lists of active tasks. */
  readonly orphaned?: boolean;
}
