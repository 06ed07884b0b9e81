import type { TaskMessage } from "../protocol/task-message.ts";

export type TaskState =
  | "active"
  | "pending"
  | "scheduled"
  | "retry"
  | "archived"
  | "completed"
  | "aggregating";

/** Looks at tasks and queues, and holds queues. Instants are milliseconds. */
export interface Inspection {
  /** Every queue that something was enqueued to, in no order. */
  queues(): Promise<string[]>;

  /** `undefined`: no such queue. */
  queueInfo(queue: string): Promise<QueueRecord | undefined>;

  /** `undefined`: no such task. */
  taskInfo(queue: string, taskId: string): Promise<TaskRecord | undefined>;

  /**
   * One page of the tasks in `state`, the next to run (or to end) first. `page` counts from 0. `group` is required
   * for `aggregating` and means nothing else. `undefined`: no such queue.
   */
  listTasks(queue: string, state: TaskState, page: Page): Promise<TaskRecord[] | undefined>;

  /** False: it was paused already. */
  pauseQueue(queue: string): Promise<boolean>;
  /** False: it was not paused. */
  unpauseQueue(queue: string): Promise<boolean>;
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
  readonly result?: Uint8Array;
  /** Active, but its lease has run out: its server is gone. Only in lists of active tasks. */
  readonly orphaned?: boolean;
}
