import type { Engine } from "../broker/engine.ts";
import type { Change, QueueRecord, TaskState } from "../broker/inspection.ts";
import { resolveEngine } from "../create-engine.ts";
import type { Duration } from "../duration.ts";
import { ClosedError, InvalidOptionError, QueueNotFoundError, TaskNotFoundError } from "../errors.ts";
import type { Logger } from "../runtime/logger.ts";
import { type Runtime, systemRuntime } from "../runtime/runtime.ts";
import { requireKnownNames } from "../suggestion.ts";
import { type TaskInfo, taskInfo } from "../task-info.ts";
import { requireNonBlank } from "../task-options.ts";
import { type CancelAnswer, type CancelOptions, cancelTask } from "./cancel.ts";
import { type BulkResult, type ChangeAllOptions, changeAll } from "./change-all.ts";
import { type ChangeListOptions, type ChangeResult, changeList, changeOne, type TaskRef } from "./changes.ts";
import { type DeleteQueueOptions, deleteQueue } from "./delete-queue.ts";
import { type DoctorReport, doctor } from "./doctor.ts";
import { type CopyOptions, enqueueCopy, updateTaskPayload } from "./edit.ts";
import type { Filter } from "./filter.ts";
import { type FsckOptions, type FsckReport, fsck } from "./fsck.ts";
import {
  changeMatching,
  type MatchingOptions,
  type MatchingResult,
  type RedriveOptions,
  redrive,
} from "./matching.ts";
import { type MetricsOptions, type MetricsReport, metrics } from "./metrics.ts";
import { type ArchivedFrom, restoreList } from "./restore.ts";
import {
  type SchedulerEntryInfo,
  type SchedulerEvent,
  schedulerEntries,
  schedulerEvent,
} from "./scheduler-entries.ts";
import { type SearchOptions, type SearchPage, search } from "./search.ts";
import { type ServerRecord, serverRecord } from "./servers.ts";
import { groupOf, requireState } from "./states.ts";
import { type CountOptions, countByType } from "./types.ts";
import { getUniqueLock, type UniqueLock } from "./unique-lock.ts";

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

const DEFAULT_PAGE_SIZE = 30;
const MAX_PAGE_SIZE = 1_000;
/** Days for which attempts are counted. */
const MAX_DAYS = 90;

/** Attempts of one UTC day. */
export interface DailyStats {
  readonly queue: string;
  /** The day, as `2026-11-24`. */
  readonly date: string;
  /** Attempts that ended, failures included. */
  readonly processed: number;
  readonly failed: number;
}

/** A group that has tasks waiting. */
export interface GroupInfo {
  readonly queue: string;
  readonly group: string;
  readonly size: number;
}

/**
 * Looks at queues, tasks and servers, and changes them as an operator wishes.
 *
 * Everything is bounded: whatever there may be many of is done in steps of a few milliseconds of the engine's time, with
 * progress, and may be stopped between two steps.
 *
 * @example
 * await using inspector = new Inspector("redis://127.0.0.1:6379");
 * const { pending, latency } = await inspector.getQueueInfo("default");
 */
export class Inspector implements AsyncDisposable {
  readonly #engine: Engine;
  readonly #release: () => Promise<void>;
  readonly #runtime: Runtime;
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
    this.#runtime = options.runtime ?? systemRuntime;
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
   * The lock of a task's unique key, which another task may hold, or nobody. `undefined`: the task is not unique, cannot be
   * read, or is not there.
   *
   * @throws {@link RedisWrongTypeError} something else lies where the lock should be.
   */
  async getUniqueLock(task: TaskRef): Promise<UniqueLock | undefined> {
    return getUniqueLock(this.#engine, task);
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

  /**
   * Looks for damage in the stored data, in bounded steps, beside servers and producers at work; with `repair`, mends
   * it. What looks damaged is looked at once more, at one instant, before it is reported or touched.
   */
  async fsck(options: FsckOptions = {}): Promise<FsckReport> {
    this.#requireOpen();
    return fsck(this.#engine.repair, options);
  }

  /**
   * What the store says of itself, who serves what, and what to do about it. What the store's user may not ask for is
   * said to be unseen, and fails nothing.
   */
  async doctor(): Promise<DoctorReport> {
    this.#requireOpen();
    return doctor(this.#engine);
  }

  /**
   * Bytes that the queue takes in the store, estimated from some of its tasks. `undefined`: the store cannot tell.
   *
   * @throws {@link QueueNotFoundError} nothing was ever enqueued to it.
   */
  async getMemoryUsage(queue: string): Promise<number | undefined> {
    requireNonBlank("queue", queue);
    const bytes = await this.#inspection.memoryUsage(queue);
    if (bytes === undefined && (await this.#inspection.queueInfo(queue)) === undefined) {
      throw new QueueNotFoundError(queue);
    }
    return bytes;
  }

  /**
   * Attempts of the last `days` UTC days, today first.
   *
   * @param days - 1 to 90: older ones are not kept
   * @throws {@link QueueNotFoundError} nothing was ever enqueued to it.
   */
  async history(queue: string, days: number): Promise<DailyStats[]> {
    requireNonBlank("queue", queue);
    const records = await this.#inspection.history(queue, requireCount("days", days, MAX_DAYS));
    if (records === undefined) throw new QueueNotFoundError(queue);
    return records.map(({ day, processed, failed }) => {
      return { queue, date: new Date(day).toISOString().slice(0, 10), processed, failed };
    });
  }

  /**
   * Throughput, and how long tasks waited and ran, by queue and type, as servers have measured it: Go's do not. Comes up to
   * a minute late.
   *
   * @param queue - without one, all of them
   * @throws {@link QueueNotFoundError} nothing was ever enqueued to it.
   * @example
   * const { series } = await inspector.metrics("default", { from: new Date(Date.now() - 6 * 3_600_000) });
   */
  async metrics(queue?: string, options: MetricsOptions = {}): Promise<MetricsReport> {
    this.#requireOpen();
    if (
      queue !== undefined &&
      (await this.#inspection.queueInfo(requireNonBlank("queue", queue))) === undefined
    ) {
      throw new QueueNotFoundError(queue);
    }
    const queues = queue === undefined ? await this.queues() : [queue];
    return metrics(this.#engine.rollups, queues, options, this.#now());
  }

  /**
   * The groups that have tasks waiting, in alphabetical order.
   *
   * @throws {@link QueueNotFoundError} nothing was ever enqueued to it.
   */
  async groups(queue: string): Promise<GroupInfo[]> {
    requireNonBlank("queue", queue);
    const sizes = new Map<string, number>();
    let cursor: string | undefined;
    do {
      const page = await this.#inspection.groups(queue, cursor);
      if (page === undefined) throw new QueueNotFoundError(queue);
      for (const { group, size } of page.groups) if (size > 0) sizes.set(group, size);
      cursor = page.cursor;
    } while (cursor !== undefined);
    return [...sizes].sort(([a], [b]) => (a < b ? -1 : 1)).map(([group, size]) => ({ queue, group, size }));
  }

  /** The servers that are alive, ours and Go's, each with what it runs; by host, then process. */
  async servers(): Promise<ServerRecord[]> {
    const records = (await this.#inspection.servers()).map(serverRecord);
    return records.sort((a, b) => (a.host === b.host ? a.pid - b.pid : a.host < b.host ? -1 : 1));
  }

  /**
   * Periodic tasks: of the schedulers that are alive, ours and Go's, each once; and those that are stored in the engine,
   * also while nobody sees to them. By type, then id.
   */
  async schedulerEntries(): Promise<SchedulerEntryInfo[]> {
    this.#requireOpen();
    return schedulerEntries(this.#engine.schedules);
  }

  /**
   * What schedulers enqueued for an entry, the newest first: up to 1,000 events, for 90 days. Empty for an id that nobody
   * knows.
   */
  async schedulerEvents(
    entryId: string,
    options: Omit<ListOptions, "group"> = {},
  ): Promise<SchedulerEvent[]> {
    this.#requireOpen();
    requireNonBlank("entryId", entryId);
    requireKnownNames("schedulerEvents", options, ["page", "pageSize"]);
    const page = requireCount("page", options.page ?? 1, Number.MAX_SAFE_INTEGER) - 1;
    const size = requireCount("pageSize", options.pageSize ?? DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE);
    return (await this.#engine.schedules.listEvents(entryId, { page, size })).map(schedulerEvent);
  }

  /**
   * Puts a task in its queue now, whatever it waits for: its time, a retry, its group, or nothing any more.
   *
   * An archived task keeps its count of retries: one that has used them up has one attempt.
   *
   * @throws {@link TaskNotFoundError} there is no such task.
   * @throws {@link TaskActiveError} it runs already.
   * @throws {@link TaskStateError} it is pending already.
   */
  async runTask(task: TaskRef): Promise<void> {
    await changeOne(this.#inspection, "run", task);
  }

  /**
   * Sets a task aside: it is kept, for 90 days at most, and does not run. It keeps its unique lock.
   *
   * @throws {@link TaskNotFoundError} there is no such task.
   * @throws {@link TaskActiveError} it runs now: `cancelTask`.
   * @throws {@link TaskStateError} it is archived already.
   */
  async archiveTask(task: TaskRef): Promise<void> {
    await changeOne(this.#inspection, "archive", task);
  }

  /**
   * Deletes a task, and frees its unique lock. Also deletes what is left of a damaged one.
   *
   * @throws {@link TaskNotFoundError} there is no such task.
   * @throws {@link TaskActiveError} it runs now: `cancelTask`.
   */
  async deleteTask(task: TaskRef): Promise<void> {
    await changeOne(this.#inspection, "delete", task);
  }

  /** {@link Inspector.runTask} for any number of tasks of any queues; answers in the same order, and never throws for one. */
  async runTasks(tasks: readonly TaskRef[], options?: ChangeListOptions): Promise<ChangeResult[]> {
    return changeList(this.#inspection, "run", tasks, options);
  }

  /** {@link Inspector.archiveTask}, as {@link Inspector.runTasks}. */
  async archiveTasks(tasks: readonly TaskRef[], options?: ChangeListOptions): Promise<ChangeResult[]> {
    return changeList(this.#inspection, "archive", tasks, options);
  }

  /** {@link Inspector.deleteTask}, as {@link Inspector.runTasks}. */
  async deleteTasks(tasks: readonly TaskRef[], options?: ChangeListOptions): Promise<ChangeResult[]> {
    return changeList(this.#inspection, "delete", tasks, options);
  }

  /**
   * Undoes {@link Inspector.archiveTask} for tasks that were pending, scheduled or in retry: the first wait behind all
   * others, the second for their time, which Redis may keep to the second only. Answers in the same order, and never throws
   * for one; of one that is archived no more, with {@link TaskStateError}.
   *
   * @param tasks - as they were before
   */
  async restoreTasks(tasks: readonly ArchivedFrom[]): Promise<ChangeResult[]> {
    return restoreList(this.#inspection, tasks);
  }

  /**
   * Sees to it that a task does not run, whatever state it is in. One that waits is archived, or as `then` says; one that
   * runs is signaled, as by {@link Inspector.cancelProcessing}, and what becomes of it is its server's `cancelPolicy`.
   *
   * @throws {@link TaskNotFoundError} there is no such task.
   */
  async cancelTask(task: TaskRef, options: CancelOptions = {}): Promise<CancelAnswer> {
    this.#requireOpen();
    return cancelTask(this.#engine, task, options);
  }

  /**
   * Runs all `scheduled`, `retry` or `archived` tasks, or those of one group, the next one first: as many as there were
   * when it began.
   *
   * @throws {@link QueueNotFoundError} nothing was ever enqueued to it.
   * @throws {@link InvalidOptionError} tasks of that state cannot be run.
   */
  async runAll(queue: string, state: TaskState, options?: ChangeAllOptions): Promise<BulkResult> {
    return this.#changeAll("run", queue, state, options);
  }

  /**
   * Archives all `pending`, `scheduled` or `retry` tasks, or those of one group. The archive holds the newest 10,000:
   * servers delete what is beyond.
   *
   * @throws as {@link Inspector.runAll}
   */
  async archiveAll(queue: string, state: TaskState, options?: ChangeAllOptions): Promise<BulkResult> {
    return this.#changeAll("archive", queue, state, options);
  }

  /**
   * Deletes all tasks of a state but `active`, or those of one group.
   *
   * @throws as {@link Inspector.runAll}
   */
  async deleteAll(queue: string, state: TaskState, options?: ChangeAllOptions): Promise<BulkResult> {
    return this.#changeAll("delete", queue, state, options);
  }

  /**
   * A page of the tasks that meet a filter; whatever there is, is looked at in small parts. A task that stays in its state
   * from the first page to the last is on one of them.
   *
   * A filter is words, all of which must hold: `id:` `type:email:*` `state:retry` `queue:` `group:`
   * `payload.user.id:42` `payload:~text` `error:~timeout` `since:1h` `before:2030-01-31`. `~` stands for "holds", `-` before a
   * word for "not"; a value with spaces stands in double quotes. `since` and `before` go by when a task ended, failed
   * last, or is due, in this order.
   *
   * @param options.signal - ends the page early: it has what was found so far, and a cursor
   * @throws {@link FilterInvalidError} with the position, and what to write.
   * @throws {@link QueueNotFoundError} nothing was ever enqueued to one of the `queues`.
   * @example
   * const { tasks } = await inspector.search("type:email:* error:~timeout since:1h");
   */
  async search(filter: string | Filter, options: SearchOptions = {}): Promise<SearchPage> {
    return search(this.#inspection, this.#now(), filter, options);
  }

  /**
   * Runs all tasks that meet a filter, as {@link Inspector.search} has it, of those that are `scheduled`, `retry` or
   * `archived`, or in the states that filter or options name. With `dryRun`, nothing is changed.
   *
   * @throws as {@link Inspector.search}
   * @example
   * const { matched, sample } = await inspector.runMatching("error:~timeout", { dryRun: true });
   */
  async runMatching(filter: string | Filter, options: MatchingOptions = {}): Promise<MatchingResult> {
    return this.#changeMatching("run", filter, options);
  }

  /** Archives all tasks that meet a filter, of those that are `pending`, `scheduled` or `retry`, as {@link Inspector.runMatching}. */
  async archiveMatching(filter: string | Filter, options: MatchingOptions = {}): Promise<MatchingResult> {
    return this.#changeMatching("archive", filter, options);
  }

  /** Deletes all tasks that meet a filter, but for running and grouped ones, as {@link Inspector.runMatching}. */
  async deleteMatching(filter: string | Filter, options: MatchingOptions = {}): Promise<MatchingResult> {
    return this.#changeMatching("delete", filter, options);
  }

  /**
   * Puts archived tasks back in their queue: those that have been there longest first, or those that meet a filter.
   *
   * @throws as {@link Inspector.search}
   * @example await inspector.redrive("default", { filter: "error:~timeout", rate: 100 });
   */
  async redrive(queue: string, options: RedriveOptions = {}): Promise<MatchingResult> {
    requireNonBlank("queue", queue);
    return redrive(this.#inspection, this.#runtime.clock, this.#now(), queue, options);
  }

  /**
   * How many tasks of each type are in a state. Looks at all of them, in small parts; `signal` makes it reject with its
   * reason. Tasks that cannot be read count under the empty name.
   *
   * @throws {@link QueueNotFoundError} nothing was ever enqueued to it.
   */
  async countByType(
    queue: string,
    state: TaskState,
    options: CountOptions = {},
  ): Promise<Record<string, number>> {
    return countByType(this.#inspection, queue, state, options);
  }

  /**
   * Replaces the payload of a scheduled task. If its unique key was made from its payload, it is made from the new one.
   *
   * @param payload - any JSON value, or bytes, which are stored as they are; schemas are not asked
   * @throws {@link TaskNotFoundError} there is no such task.
   * @throws {@link TaskStateError} it is not scheduled.
   * @throws {@link DuplicateTaskError} another task has the lock of the new key; nothing was changed.
   */
  async updateTaskPayload(task: TaskRef, payload: unknown): Promise<void> {
    this.#requireOpen();
    await updateTaskPayload(this.#engine, task, payload);
  }

  /**
   * Enqueues a task that has ended, or any other, once more as a new one, perhaps with another payload or other options.
   * It has an id of its own and no failures yet; a unique lock, a deadline that has passed and the time that the old one
   * was scheduled for are not copied.
   *
   * @throws {@link TaskNotFoundError} there is no such task.
   * @throws what `Client.enqueue` throws
   */
  async enqueueCopy(task: TaskRef, copy: CopyOptions = {}): Promise<TaskInfo> {
    this.#requireOpen();
    return enqueueCopy(this.#engine, this.#runtime, task, copy);
  }

  /**
   * Deletes a queue with all that belongs to it: completed tasks, counters, locks, its pause. Whatever interrupts it
   * (`signal` makes it reject with its reason), calling it again goes on: the queue's name goes last, and until then it
   * is paused. A queue comes back with the next task that is enqueued to it.
   *
   * @throws {@link QueueNotFoundError} nothing was ever enqueued to it.
   * @throws {@link QueueNotEmptyError} it holds tasks, and `force` was not given.
   * @throws {@link QueueActiveError} tasks of it run now.
   */
  async deleteQueue(queue: string, options: DeleteQueueOptions = {}): Promise<void> {
    await deleteQueue(this.#inspection, queue, options);
  }

  /** Leaves the engine, which closes with its last user. Closing twice is harmless. */
  close(): Promise<void> {
    this.#closed ??= this.#release();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #changeAll(
    change: Change,
    queue: string,
    state: TaskState,
    options: ChangeAllOptions = {},
  ): Promise<BulkResult> {
    return changeAll(this.#inspection, this.#runtime.clock, change, queue, state, options);
  }

  async #changeMatching(
    change: Change,
    filter: string | Filter,
    options: MatchingOptions,
  ): Promise<MatchingResult> {
    return changeMatching(this.#inspection, this.#runtime.clock, this.#now(), change, filter, options);
  }

  #now(): number {
    return this.#engine.broker.now();
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

function requireCount(option: string, value: number, most: number): number {
  if (!Number.isSafeInteger(value) || value < 1 || value > most) {
    throw new InvalidOptionError(option, `expected a whole number from 1 to ${most}; got ${String(value)}`);
  }
  return value;
}
