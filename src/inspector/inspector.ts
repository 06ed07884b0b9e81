import type { Engine } from "../broker/engine.ts";
import type { QueueRecord, TaskState } from "../broker/inspection.ts";
import { resolveEngine } from "../create-engine.ts";
import type { Duration } from "../duration.ts";
import { ClosedError, InvalidOptionError, QueueNotFoundError, TaskNotFoundError } from "../errors.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { requireKnownNames } from "../suggestion.ts";
import { type TaskInfo, taskInfo } from "../task-info.ts";
import { requireNonBlank } from "../task-options.ts";

export interface InspectorOptions {
  /**
   * How long one call may take before it rejects. For an inspector made from a URL: an engine that is handed in has
   * its own.
   * @defaultValue `"5s"`
   */
  commandTimeout?: Duration | undefined;
  /** Where the engine of an inspector made from a URL reports. @defaultValue standard error */
  logger?: Logger | undefined;
  /** Time and chance. @defaultValue the real ones */
  runtime?: Runtime | undefined;
}

const OPTIONS = ["commandTimeout", "logger", "runtime"] as const;

/** Names one task. A {@link TaskInfo} fits. */
export interface TaskRef {
  readonly queue: string;
  readonly id: string;
}

/** A queue at one moment. */
export interface QueueInfo {
  readonly queue: string;
  /** All tasks it holds, completed and archived ones included. */
  readonly size: number;
  readonly pending: number;
  readonly active: number;
  readonly scheduled: number;
  readonly retry: number;
  readonly archived: number;
  readonly completed: number;
  /** Tasks that wait in groups. */
  readonly aggregating: number;
  /** Groups that have tasks waiting. */
  readonly groups: number;
  /** Attempts that ended today (UTC), failures included. */
  readonly processed: number;
  /** Attempts that failed today (UTC). */
  readonly failed: number;
  readonly processedTotal: number;
  readonly failedTotal: number;
  /** Servers take no new tasks from it. */
  readonly paused: boolean;
  /** Milliseconds that the oldest pending task has waited; 0 when none waits. */
  readonly latency: number;
  /** When this was. */
  readonly timestamp: Date;
}

export interface ListOptions {
  /** Counts from 1. @defaultValue 1 */
  page?: number | undefined;
  /** Tasks of one page, at most 1,000. @defaultValue 30 */
  pageSize?: number | undefined;
  /** The group, for `aggregating` tasks, which are listed by group. */
  group?: string | undefined;
}

const STATES: Readonly<Record<TaskState, true>> = {
  active: true,
  pending: true,
  scheduled: true,
  retry: true,
  archived: true,
  completed: true,
  aggregating: true,
};
const DEFAULT_PAGE_SIZE = 30;
const MAX_PAGE_SIZE = 1_000;

/**
 * Looks at queues and tasks, and holds queues.
 *
 * @example
 * await using inspector = new Inspector("redis://127.0.0.1:6379");
 * const { pending, latency } = await inspector.getQueueInfo("default");
 */
export class Inspector implements AsyncDisposable {
  readonly #engine: Engine;
  readonly #release: () => Promise<void>;
  #closed: Promise<void> | undefined;

  /**
   * @param source - a URL, or an engine to share with others; without it, the URL in `TITANQUEUE_URL`
   * @throws {@link EngineUrlMissingError} no source, and `TITANQUEUE_URL` is not set.
   * @throws {@link EngineUrlInvalidError} the URL cannot be understood.
   */
  constructor(source?: string | Engine, options: InspectorOptions = {}) {
    requireKnownNames("Inspector", options, OPTIONS);
    this.#engine = resolveEngine(source, options);
    this.#release = this.#engine.use();
  }

  /** Every queue that something was enqueued to, in alphabetical order. */
  async queues(): Promise<string[]> {
    const queues = await this.#inspection.queues();
    return queues.sort();
  }

  /** @throws {@link QueueNotFoundError} nothing was ever enqueued to it. */
  async getQueueInfo(queue: string): Promise<QueueInfo> {
    const record = await this.#inspection.queueInfo(requireNonBlank("queue", queue));
    if (record === undefined) throw new QueueNotFoundError(queue);
    return queueInfo(record);
  }

  /**
   * The task as it is stored now, with its result if it is kept.
   *
   * @throws {@link TaskNotFoundError} it succeeded and was not kept, was deleted, or never existed.
   */
  async getTaskInfo<R = unknown>({ queue, id }: TaskRef | TaskInfo<R>): Promise<TaskInfo<R>> {
    const record = await this.#inspection.taskInfo(
      requireNonBlank("queue", queue),
      requireNonBlank("id", id),
    );
    if (record === undefined) throw new TaskNotFoundError(queue, id);
    return taskInfo<R>(record);
  }

  /**
   * One page of the tasks in one state; the next to run, to be retried or to be deleted comes first.
   *
   * Pages are cut from a list that moves on: tasks may appear twice or not at all across pages.
   *
   * @throws {@link QueueNotFoundError} nothing was ever enqueued to it.
   */
  async listTasks(queue: string, state: TaskState, options: ListOptions = {}): Promise<TaskInfo[]> {
    requireNonBlank("queue", queue);
    requireState(state);
    requireKnownNames("listTasks", options, ["page", "pageSize", "group"]);
    const page = requireCount("page", options.page ?? 1, Number.MAX_SAFE_INTEGER);
    const size = requireCount("pageSize", options.pageSize ?? DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE);
    const records = await this.#inspection.listTasks(queue, state, {
      page: page - 1,
      size,
      ...groupOf(state, options.group),
    });
    if (records === undefined) throw new QueueNotFoundError(queue);
    return records.map((record) => taskInfo(record));
  }

  /**
   * Asks whichever server runs a task of that id to cancel it: its handler's `ctx.signal` aborts. Best effort: nobody
   * answers, ids that are equal in two queues are both meant, and a task that does not run now is left alone.
   */
  async cancelProcessing(task: TaskRef | string): Promise<void> {
    const id = requireNonBlank("id", typeof task === "string" ? task : task.id);
    this.#requireOpen();
    await this.#engine.broker.publishCancelation(id);
  }

  /**
   * Servers take no more tasks from the queue; those that run go on. Tasks can still be enqueued.
   *
   * @returns false: it was paused already
   */
  async pauseQueue(queue: string): Promise<boolean> {
    return this.#inspection.pauseQueue(requireNonBlank("queue", queue));
  }

  /**
   * Servers take tasks from the queue again.
   *
   * @returns false: it was not paused
   */
  async unpauseQueue(queue: string): Promise<boolean> {
    return this.#inspection.unpauseQueue(requireNonBlank("queue", queue));
  }

  /** Leaves the engine, which closes with its last user. Closing twice is harmless. */
  close(): Promise<void> {
    this.#closed ??= this.#release();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #inspection(): Engine["inspection"] {
    this.#requireOpen();
    return this.#engine.inspection;
  }

  #requireOpen(): void {
    if (this.#closed !== undefined) throw new ClosedError("the inspector");
  }
}

function queueInfo({ at, ...record }: QueueRecord): QueueInfo {
  const { pending, active, scheduled, retry, archived, completed, aggregating } = record;
  return {
    ...record,
    size: pending + active + scheduled + retry + archived + completed + aggregating,
    timestamp: new Date(at),
  };
}

function requireState(state: string): void {
  if (!Object.hasOwn(STATES, state)) {
    throw new InvalidOptionError(
      "state",
      `expected one of ${Object.keys(STATES).join(", ")}; got ${String(state)}`,
    );
  }
}

function requireCount(option: string, value: number, most: number): number {
  if (!Number.isSafeInteger(value) || value < 1 || value > most) {
    throw new InvalidOptionError(option, `expected a whole number from 1 to ${most}; got ${String(value)}`);
  }
  return value;
}

function groupOf(state: TaskState, group: string | undefined): { group?: string } {
  if (state === "aggregating") return { group: requireNonBlank("group", group) };
  if (group !== undefined) throw new InvalidOptionError("group", `means nothing for ${state} tasks`);
  return {};
}
