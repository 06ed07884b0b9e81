import { createHash } from "node:crypto";
import type { ArchivedFrom, Inspector, Runtime, TaskInfo } from "../index.ts";
import { TaskNotFoundError } from "../index.ts";
import type { Logger } from "../runtime/logger.ts";
import { HttpError } from "./http-error.ts";

/** How long a deletion can be undone, in milliseconds. */
const UNDO_TIME = 600_000;
/** Tasks of all deletions that can be undone: more would take too much memory. */
const MOST_HELD = 20_000;
/** Servers delete the oldest of more than 10,000 archived tasks of a queue, and others may come meanwhile. */
const MOST_ARCHIVED = 9_000;
/** Tasks that are looked at, archived, put back or deleted side by side. */
const STEP = 100;
/** After a deletion has failed, in milliseconds. */
const RETRY = 10_000;

/** A task that is to be deleted, as it was before it was archived. */
export interface Doomed extends ArchivedFrom {
  /** Differs once it has failed again, or its id is another task's: what somebody enqueued since is not ours to touch. */
  readonly mark: string;
}

interface Sentence {
  readonly until: number;
  readonly mark: string;
}

interface Batch {
  /** Those that are still to be deleted, or to be put back. */
  tasks: Doomed[];
  readonly until: number;
  cancelTimer: () => void;
  busy: boolean;
}

export interface DeletionsOptions {
  readonly inspector: Inspector;
  readonly runtime: Pick<Runtime, "clock">;
  readonly logger: Logger;
  /** The engine's clock. */
  readonly now: () => number;
  /** So many tasks of an operation were deleted for good. */
  readonly onDeleted: (operation: string, count: number) => void;
}

/**
 * Tasks that were archived instead of being deleted, until their deletion cannot be undone any more. In memory: when this
 * process ends before, they stay archived, and nothing is lost.
 */
export class Deletions {
  readonly #options: DeletionsOptions;
  readonly #batches = new Map<string, Batch>();
  /** Deletions that have begun and are not held yet. */
  readonly #reserved = new Set<{ readonly tasks: readonly Doomed[] }>();
  /** Of every task that is to be deleted. */
  readonly #sentences = new Map<string, Sentence>();

  constructor(options: DeletionsOptions) {
    this.#options = options;
  }

  /** When a task is deleted, unless that is undone; `null`: it is not going to be. */
  deleteAt(task: TaskInfo): number | null {
    if (task.state !== "archived" && task.state !== "completed") return null;
    const sentence = this.#sentences.get(keyOf(task));
    return sentence !== undefined && sentence.mark === markOf(task) ? sentence.until : null;
  }

  /** Whether a deletion of these tasks could be undone. Asks before anything is changed. */
  async canUndo(tasks: readonly Doomed[]): Promise<boolean> {
    const release = await this.reserve(tasks);
    release?.();
    return release !== undefined;
  }

  /**
   * Sets room aside for these tasks, here and in the archives of their queues, which others would take meanwhile.
   *
   * @returns what gives it back, once they are held or will not be; `undefined`: their deletion could not be undone
   */
  async reserve(tasks: readonly Doomed[]): Promise<(() => void) | undefined> {
    if (tasks.length > this.room || tasks.some(({ state }) => state === "aggregating")) return undefined;
    const reservation = { tasks };
    const release = () => void this.#reserved.delete(reservation);
    this.#reserved.add(reservation);
    try {
      // With those of all others: of two that ask at once, each sees the other.
      const coming = countByQueue([...this.#reserved].flatMap((each) => each.tasks).filter(isMoved));
      for (const queue of countByQueue(tasks.filter(isMoved)).keys()) {
        const { archived } = await this.#options.inspector.getQueueInfo(queue);
        if (archived + (coming.get(queue) ?? 0) <= MOST_ARCHIVED) continue;
        release();
        return undefined;
      }
      return release;
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Tasks that can be held beside those that are, or will be. */
  get room(): number {
    const taken = [...this.#batches.values(), ...this.#reserved];
    return taken.reduce((left, { tasks }) => left - tasks.length, MOST_HELD);
  }

  /**
   * Archives tasks that are still in the state in which they were seen. Those that have ended are left where they are.
   *
   * @returns of each task whether it is out of the way, or why not
   */
  async archive(tasks: readonly Doomed[]): Promise<(Error | undefined)[]> {
    const results = new Map<Doomed, Error>();
    for (const from of new Set(tasks.filter(isMoved).map(({ state }) => state))) {
      const some = tasks.filter(({ state }) => state === from);
      const answers = await this.#options.inspector.archiveTasks(some, { from });
      for (const [i, answer] of answers.entries())
        if (!answer.ok) results.set(some[i] as Doomed, answer.error);
    }
    return tasks.map((task) => results.get(task));
  }

  /**
   * Deletes them when that can no longer be undone; answers when that is. A task that another operation is to delete stays
   * with that one, which alone can put it back to where it was.
   */
  hold(operation: string, tasks: readonly Doomed[]): number {
    const until = this.#options.now() + UNDO_TIME;
    const own = tasks.filter((task) => this.#sentences.get(keyOf(task))?.mark !== task.mark);
    const batch: Batch = { tasks: own, until, cancelTimer: () => undefined, busy: false };
    for (const task of own) this.#sentences.set(keyOf(task), { until, mark: task.mark });
    this.#batches.set(operation, batch);
    this.#schedule(operation, batch, UNDO_TIME);
    return until;
  }

  /**
   * Puts the tasks of an operation back. What cannot be put back, because somebody has run, replaced or deleted it, is let go.
   *
   * @returns how many are where they were
   * @throws {@link HttpError} it cannot be undone (any more). @throws what the engine throws; it can then be tried again.
   */
  async undo(operation: string): Promise<number> {
    const batch = this.#batches.get(operation);
    if (batch === undefined || batch.busy || this.#options.now() >= batch.until) {
      throw new HttpError(409, "NOT_UNDOABLE", "this cannot be undone (any more)");
    }
    batch.busy = true;
    batch.cancelTimer();
    let restored = 0;
    try {
      while (batch.tasks.length > 0) {
        const some = batch.tasks.slice(0, STEP);
        const untouched = await this.#untouched(some);
        const moved = untouched.filter(isMoved);
        const answers = await this.#options.inspector.restoreTasks(moved);
        const failed = answers.find(
          (each) => !each.ok && "code" in each.error && each.error.code !== "TASK_STATE",
        );
        if (failed?.ok === false) throw failed.error;
        restored += untouched.length - answers.filter(({ ok }) => !ok).length;
        this.#letGo(batch, some);
      }
    } finally {
      batch.busy = false;
      if (batch.tasks.length === 0) this.#batches.delete(operation);
      else this.#schedule(operation, batch, Math.max(RETRY, batch.until - this.#options.now()));
    }
    return restored;
  }

  /** Nothing is deleted any more: what was archived stays so. */
  close(): void {
    for (const { cancelTimer } of this.#batches.values()) cancelTimer();
    const left = this.#sentences.size;
    if (left > 0) this.#options.logger.info({ tasks: left }, "tasks that were to be deleted stay archived");
    this.#batches.clear();
    this.#sentences.clear();
  }

  #schedule(operation: string, batch: Batch, delay: number): void {
    batch.cancelTimer = this.#options.runtime.clock.setTimer(
      delay,
      () => void this.#delete(operation, batch),
    );
  }

  async #delete(operation: string, batch: Batch): Promise<void> {
    batch.busy = true;
    let deleted = 0;
    try {
      while (batch.tasks.length > 0 && this.#batches.has(operation)) {
        const some = batch.tasks.slice(0, STEP);
        deleted += await this.#deleteUntouched(some);
        this.#letGo(batch, some);
      }
      this.#batches.delete(operation);
    } catch (error) {
      this.#options.logger.warn({ error, operation }, "tasks could not be deleted; trying again");
      if (this.#batches.has(operation)) this.#schedule(operation, batch, RETRY);
    } finally {
      batch.busy = false;
      if (deleted > 0) this.#options.onDeleted(operation, deleted);
    }
  }

  /** What somebody has run, or changed otherwise, since it was put aside is somebody's wish. */
  async #deleteUntouched(tasks: readonly Doomed[]): Promise<number> {
    const { inspector } = this.#options;
    const untouched = await this.#untouched(tasks);
    let deleted = 0;
    for (const from of ["archived", "completed"] as const) {
      const some = untouched.filter((task) => wantedState(task) === from);
      if (some.length === 0) continue;
      const answers = await inspector.deleteTasks(some, { from });
      deleted += answers.filter(({ ok }) => ok).length;
    }
    return deleted;
  }

  /** Those that still are where they were put, and the same. */
  async #untouched(tasks: readonly Doomed[]): Promise<Doomed[]> {
    const seen = await Promise.all(tasks.map((task) => this.#look(task)));
    return tasks.filter((task, i) => {
      const now = seen[i];
      return now !== undefined && now.state === wantedState(task) && markOf(now) === task.mark;
    });
  }

  async #look(task: Doomed): Promise<TaskInfo | undefined> {
    try {
      return await this.#options.inspector.getTaskInfo(task);
    } catch (error) {
      if (error instanceof TaskNotFoundError) return undefined;
      throw error;
    }
  }

  #letGo(batch: Batch, some: readonly Doomed[]): void {
    for (const task of some) {
      const key = keyOf(task);
      if (this.#sentences.get(key)?.mark === task.mark) this.#sentences.delete(key);
    }
    batch.tasks = batch.tasks.slice(some.length);
  }
}

export function doomed(task: TaskInfo): Doomed {
  const { queue, id, state, nextProcessAt } = task;
  return { queue, id, state, nextProcessAt, mark: markOf(task) };
}

function markOf({ type, retried, lastFailedAt, bytes }: TaskInfo): string {
  const facts = JSON.stringify([type, retried, lastFailedAt?.getTime()]);
  return createHash("sha1")
    .update(facts)
    .update(bytes ?? "")
    .digest("base64");
}

function wantedState(task: Doomed): TaskInfo["state"] {
  return isMoved(task) ? "archived" : task.state;
}

function countByQueue(tasks: readonly Doomed[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { queue } of tasks) counts.set(queue, (counts.get(queue) ?? 0) + 1);
  return counts;
}

/** Those that are archived to get them out of the way; others have ended before. */
function isMoved({ state }: Doomed): boolean {
  return state !== "archived" && state !== "completed";
}

function keyOf({ queue, id }: Pick<Doomed, "queue" | "id">): string {
  return `${queue}\n${id}`;
}
