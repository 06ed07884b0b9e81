import type { AnyTaskDefinition, PayloadOf, ResultOf } from "../define-task.ts";
import type { Duration } from "../duration.ts";
import type { Task } from "../task.ts";
import type { TaskContext } from "./task-context.ts";

/**
 * Does the work of a task. Returning is success, and the value returned is kept as the task's result if the task has
 * a retention; throwing is failure, and the task is tried again later.
 *
 * Throw `SkipRetry` to archive the task now, `RevokeTask` to drop it, `RetryLater` to choose when it runs again.
 * A task runs at least once: write handlers so that a second run does no harm.
 */
export type Handler<P = unknown, R = unknown> = (
  task: Task<P, R>,
  ctx: TaskContext<R>,
  // biome-ignore lint/suspicious/noConfusingVoidType: a handler may return on some paths only
) => R | undefined | void | PromiseLike<R | undefined | void>;

/** The handler of a task definition. */
export type HandlerOf<D extends AnyTaskDefinition> = Handler<PayloadOf<D>, ResultOf<D>>;

/**
 * Runs around handlers: for logs, traces, context. `next` runs what is inside and answers what it returned.
 *
 * What a middleware returns, unless that is `undefined`, takes the place of the handler's value.
 */
export type Middleware = (task: Task, ctx: TaskContext, next: () => Promise<unknown>) => unknown;

/**
 * How long a failed task waits before it is tried again; `undefined` = as by default.
 *
 * @param retried - how often it was tried again before this failure
 */
export type RetryDelay = (retried: number, error: unknown, task: Task) => Duration | undefined;

/** False: the task is tried again without using up one of its retries, and is not counted as failed. */
export type IsFailure = (error: unknown) => boolean;

/** Policies for one kind of task, in place of the server's. */
export interface HandlerOptions {
  retryDelay?: RetryDelay | undefined;
  isFailure?: IsFailure | undefined;
}
