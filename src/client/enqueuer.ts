import type { Task } from "../task.ts";
import type { TaskInfo } from "../task-info.ts";
import type { TaskOptions } from "../task-options.ts";

/** Limits one call, not the task. */
export interface EnqueueCallOptions {
  /**
   * Gives up waiting for the engine: the call rejects as if its time were up. What a call with a signal enqueues
   * travels apart from all else, so that giving it up concerns no other.
   */
  signal?: AbortSignal | undefined;
}

/** One item of a batch: a task, or a task with options of its own. */
export type BatchItem<R = unknown> =
  | Task<unknown, R>
  | { readonly task: Task<unknown, R>; readonly options?: TaskOptions | undefined };

/** What became of one item of a batch. */
export type BatchResult<R = unknown> =
  | { readonly ok: true; readonly info: TaskInfo<R> }
  | { readonly ok: false; readonly error: Error };

/** The items of a batch, by the results of their tasks. */
export type BatchItems<Rs extends readonly unknown[]> = readonly [...{ [K in keyof Rs]: BatchItem<Rs[K]> }];

/** Answers in the order of the items: a tuple for a tuple. */
export type BatchResults<Rs extends readonly unknown[]> = { [K in keyof Rs]: BatchResult<Rs[K]> };

/** What code that enqueues asks for, so that its tests may hand in something else than a `Client`. */
export interface Enqueuer {
  /** See {@link Client.enqueue}. */
  enqueue<R>(task: Task<unknown, R>, options?: TaskOptions, call?: EnqueueCallOptions): Promise<TaskInfo<R>>;
  /** See {@link Client.enqueueBatch}. */
  enqueueBatch<Rs extends unknown[]>(
    items: BatchItems<Rs>,
    call?: EnqueueCallOptions,
  ): Promise<BatchResults<Rs>>;
}
