import type { Logger } from "../runtime/logger.ts";
import type { Headers } from "../task.ts";

/** What a handler knows about its task, and can do for it, beside the payload. */
export interface TaskContext<R = unknown> {
  /**
   * Aborts when the handler should end: its time is over, the task was canceled, its lease is lost, or the server's
   * shutdown no longer waits. `signal.reason` is an error whose `code` is `TASK_TIMEOUT`, `TASK_CANCELED`,
   * `LEASE_LOST` or `SHUTTING_DOWN`. Hand it on to whatever you wait for.
   *
   * A handler then has the server's `abortGrace` to return or throw, and that counts; but nothing counts any more
   * once the lease is lost.
   */
  readonly signal: AbortSignal;
  /** Aborts when the server begins to shut down: a good moment to save how far a long task has come. */
  readonly stopping: AbortSignal;
  readonly taskId: string;
  readonly queue: string;
  /** Which attempt this is, from 1: one more than the retries so far. */
  readonly attempt: number;
  /** Retries so far. */
  readonly retried: number;
  readonly maxRetry: number;
  /** When this attempt's time is over; `undefined` = no limit. */
  readonly deadline: Date | undefined;
  /** Which tick of its periodic task this is; `undefined`: it is of none. */
  readonly tick: Date | undefined;
  /** The task's headers; an object without prototype. */
  readonly headers: Headers;
  readonly result: ResultWriter<R>;
  /** Logs with the task's type, id, queue and attempt. */
  readonly log: Logger;
}

export interface ResultWriter<R> {
  /**
   * Stores an interim result, which shows while the task runs; each replaces the one before. It is kept after
   * success if the task has a retention, unless the handler returns a value, which then wins.
   *
   * @throws {@link PayloadNotSerializableError} JSON cannot hold the value, or it is over 8 MB.
   * @throws {@link LeaseLostError} the attempt is no longer ours; nothing was written.
   */
  write(value: R): Promise<void>;
}
