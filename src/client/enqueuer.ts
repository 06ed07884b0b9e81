import type { Task } from "../task.ts";
import type { TaskInfo } from "../task-info.ts";
import type { TaskOptions } from "../task-options.ts";

/** Limits one call, not the task. */
export interface EnqueueCallOptions {
  /**
   * Gives up waiting for the engine: the call rejects as if its time were up. A call with a signal travels alone,
   * so that giving it up concerns no other.
   */
  signal?: AbortSignal | undefined;
}

/** One item of a batch: a task, or a task with options of its own. */
export type BatchItem = Task | { readonly task: Task; readonly options?: TaskOptions | undefined };

/** What became of one item of a batch. */
export type BatchResult<R = unknown> =
  | { readonly ok: true; readonly info: TaskInfo<R> }
  | { readonly ok: false; readonly error: Error };

/** Results in the order of their items: a tuple for a tuple. */
export type BatchResults<Items extends readonly BatchItem[]> = {
  -readonly [K in keyof Items]: BatchResult<ItemResult<Items[K]>>;
};

type ItemResult<Item> =
  Item extends Task<unknown, infer R>
    ? R
    : Item extends { readonly task: Task<unknown, infer R> }
      ? R
      : unknown;

/** What code that enqueues asks for, so that its tests may hand in something else than a `Client`. */
export interface Enqueuer {
  /** See {@link Client.enqueue}. */
  enqueue<R>(task: Task<unknown, R>, options?: TaskOptions, call?: EnqueueCallOptions): Promise<TaskInfo<R>>;
  /** See {@link Client.enqueueBatch}. */
  enqueueBatch<const Items extends readonly BatchItem[]>(
    items: Items,
    call?: EnqueueCallOptions,
  ): Promise<BatchResults<Items>>;
}
