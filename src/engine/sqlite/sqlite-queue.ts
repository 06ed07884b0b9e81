import type { GroupStatus } from "../../broker/aggregation.ts";
import type { TaskState } from "../../broker/inspection.ts";
import { readCursor } from "../../runtime/scan-cursor.ts";
import type { EmbeddedQueue, NewTask, Rewrite, Ungrouped } from "../embedded/embedded-store.ts";
import { PICKED, STATE, stateOf } from "./schema.ts";
import { type SqliteTask, type TaskRow, taskOf, type Unsaved } from "./sqlite-task.ts";
import type { Statements } from "./statements.ts";

const DAY = 86_400_000;

/** Attempts are numbers from here on, all equally long; see {@link STATE}. */
export const FIRST_ATTEMPT = 2 ** 52;

/** Before every score. */
const FIRST_SCORE = Number.MIN_SAFE_INTEGER;

/** Where a part of a scan begins: behind this code, score and key. */
type Place = readonly [code: number, score: number, key: number];

/** What whoever lists it is going to read. */
const WITH_MESSAGES: ReadonlySet<TaskState> = new Set<TaskState>(["pending", "active"]);

interface QueueRow {
  readonly registered: number;
  readonly paused: number;
}

/** One queue, for the length of a transaction: nobody else changes it meanwhile, so what was read once stays true. */
export class SqliteQueue implements EmbeddedQueue {
  readonly name: string;
  readonly #sql: Statements;
  /** By id, the tasks that were looked for; `undefined`: there is none. */
  readonly #known = new Map<string, SqliteTask | undefined>();
  #row: QueueRow | undefined;
  /** The first and the last turn that pending tasks may have. */
  #turns: { head: number; tail: number } | undefined;
  #uncounted: { readonly day: number; processed: number; failed: number } | undefined;

  constructor(name: string, sql: Statements) {
    this.name = name;
    this.#sql = sql;
  }

  get registered(): boolean {
    return this.#queueRow().registered === 1;
  }

  get paused(): boolean {
    return this.#queueRow().paused === 1;
  }

  setPaused(paused: boolean): boolean {
    const changed = this.paused !== paused;
    if (changed) {
      this.#sql.setPaused.run(this.name, paused ? 1 : 0);
      this.#row = undefined;
    }
    return changed;
  }

  // ---- looking ------------------------------------------------------------------------------------------------

  find(id: string): SqliteTask | undefined {
    if (this.#known.has(id)) return this.#known.get(id);
    const row = this.#sql.find.get(this.name, id) as TaskRow | undefined;
    const task = row && taskOf(row);
    this.#known.set(id, task);
    return task;
  }

  slice(state: Ungrouped, from: number, count: number): SqliteTask[] {
    const slice = WITH_MESSAGES.has(state) ? this.#sql.sliceWithMessages : this.#sql.slice;
    return this.#tasks(slice.all(this.name, STATE[state], count, from));
  }

  sliceGroup(group: string, from: number, count: number): SqliteTask[] {
    return this.#tasks(this.#sql.sliceGroup.all(this.name, group, count, from));
  }

  last(state: Ungrouped): SqliteTask | undefined {
    return this.#tasks(this.#sql.last.all(this.name, STATE[state]))[0];
  }

  has(state: Ungrouped): boolean {
    return (this.#sql.has.get(this.name, STATE[state]) as { has: number }).has === 1;
  }

  size(state: Ungrouped): number {
    return (this.#sql.size.get(this.name, STATE[state]) as { size: number }).size;
  }

  sizes(): ReturnType<EmbeddedQueue["sizes"]> {
    const sizes: Record<TaskState, number> = {
      active: 0,
      pending: 0,
      scheduled: 0,
      retry: 0,
      archived: 0,
      completed: 0,
      aggregating: 0,
    };
    const rows = this.#sql.sizes.all(this.name) as { state: number; size: number }[];
    for (const { state, size } of rows) if (state !== PICKED) sizes[stateOf(state)] = size;
    const { size: groups } = this.#sql.groups.get(this.name) as { size: number };
    return { ...sizes, groups };
  }

  scan(state: TaskState, cursor: string | undefined, count: number): ReturnType<EmbeddedQueue["scan"]> {
    const beginning: Place = [STATE[state], FIRST_SCORE, 0];
    const [code, score, key] =
      cursor === undefined ? beginning : readCursor(cursor, (value): value is Place => isPlace(state, value));
    const tasks = this.#tasks(this.#sql.scan.all(this.name, code, score, key, count));
    const last = tasks.at(-1);
    if (last !== undefined && tasks.length === count) {
      return { tasks, cursor: JSON.stringify([code, last.score, last.key]) };
    }
    const isOver = code !== STATE.aggregating;
    return { tasks, cursor: isOver ? undefined : JSON.stringify([PICKED, FIRST_SCORE, 0]) };
  }

  isPicked({ key, state }: SqliteTask): boolean {
    if (state !== "aggregating") return false;
    return (this.#sql.code.get(key) as { code: number }).code === PICKED;
  }

  message(task: SqliteTask): Buffer {
    const { message } = task;
    if (message !== undefined) {
      // Handed out once: the next to ask reads bytes of his own.
      task.message = undefined;
      return bufferOf(message);
    }
    return bufferOf((this.#sql.message.get(task.key) as { message: Uint8Array }).message);
  }

  result(task: SqliteTask): Buffer | undefined {
    const { result } = this.#sql.result.get(task.key) as { result: Uint8Array | null };
    return result === null ? undefined : bufferOf(result);
  }

  log(task: SqliteTask): string | undefined {
    return (this.#sql.log.get(task.key) as { log: string | null }).log ?? undefined;
  }

  // ---- moving -------------------------------------------------------------------------------------------------

  create({ id, group, uniqueKey, message, lockedUntil }: NewTask): SqliteTask {
    if (!this.registered) {
      this.#sql.register.run(this.name);
      this.#row = undefined;
    }
    const task: SqliteTask = {
      key: 0,
      id,
      group,
      uniqueKey,
      state: "pending",
      score: 0,
      pendingSince: 0,
      attempt: FIRST_ATTEMPT,
      message: undefined,
      unsaved: { message, lockedUntil },
    };
    this.#known.set(id, task);
    return task;
  }

  toTail(task: SqliteTask, now: number): void {
    const turns = this.#pendingTurns(now);
    turns.tail = Math.max(turns.tail + 1, whole(now));
    task.pendingSince = whole(now);
    this.#move(task, "pending", turns.tail);
  }

  toHead(task: SqliteTask, now: number): void {
    const turns = this.#pendingTurns(now);
    turns.head -= 1;
    task.pendingSince = whole(now);
    this.#move(task, "pending", turns.head);
  }

  toActive(task: SqliteTask, attempt: number, leaseEnd: number): void {
    task.attempt = attempt;
    this.#move(task, "active", leaseEnd);
  }

  toDelayed(task: SqliteTask, state: "scheduled" | "retry", dueAt: number, rewrite?: Rewrite): void {
    this.#move(task, state, dueAt, rewrite);
  }

  toFinished(task: SqliteTask, state: "archived" | "completed", score: number, rewrite?: Rewrite): void {
    this.#move(task, state, score, rewrite);
  }

  toGroup(task: SqliteTask, addedAt: number): void {
    this.#move(task, "aggregating", addedAt);
  }

  remove(task: SqliteTask): void {
    this.#sql.remove.run(task.key);
    this.#known.set(task.id, undefined);
  }

  writeResult(task: SqliteTask, result: Uint8Array): void {
    this.#sql.writeResult.run(result, task.key);
  }

  groupsAfter(after: string | undefined, count: number): GroupStatus[] {
    const rows = this.#sql.groupsAfter.all(this.name, after ?? "", count) as GroupStatus[];
    return rows.map((row) => ({ ...row }));
  }

  groupStatus(group: string): GroupStatus | undefined {
    const status = this.#sql.groupStatus.get(this.name, group) as Omit<GroupStatus, "group">;
    return status.size === 0 ? undefined : { group, ...status };
  }

  /** When a task last joined one of the groups, of those that wait there still. */
  lastJoined(): number | undefined {
    const [last] = this.#sql.last.all(this.name, STATE.aggregating) as TaskRow[];
    return last?.score;
  }

  createSet(id: string, group: string, count: number, deadline: number): void {
    this.#sql.writeSet.run(this.name, id, whole(deadline));
    for (const { key } of this.sliceGroup(group, 0, count)) this.#sql.enterSet.run(id, key);
  }

  setDeadline(id: string): number | undefined {
    return (this.#sql.setDeadline.get(this.name, id) as { deadline: number } | undefined)?.deadline;
  }

  setMembers(id: string): SqliteTask[] {
    const members = this.#tasks(this.#sql.setMembers.all(this.name, id));
    return members.sort((a, b) => a.score - b.score || a.key - b.key);
  }

  hasSets(): boolean {
    return this.#sql.anySet.get(this.name) !== undefined;
  }

  removeSet(id: string): void {
    this.#sql.removeSet.run(this.name, id);
  }

  rewrite(task: SqliteTask, message: Uint8Array, uniqueKey: string): void {
    task.message = undefined;
    task.uniqueKey = uniqueKey;
    this.#sql.rewrite.run(message, uniqueKey, task.key);
  }

  forget(): void {
    this.#sql.forgetTasks.run(this.name);
    this.#sql.forgetSets.run(this.name);
    this.#sql.forgetCounts.run(this.name);
    this.#sql.forgetQueue.run(this.name);
    this.#known.clear();
    this.#row = undefined;
    this.#uncounted = undefined;
    this.#turns = undefined;
  }

  reclaimAggregationSets(now: number): number {
    const sets = this.#sql.overdueSets.all(this.name, now) as { id: string }[];
    for (const { id } of sets) {
      this.#sql.reclaimSet.run(this.name, id);
      this.#sql.removeSet.run(this.name, id);
    }
    return sets.length;
  }

  // ---- locks and counts ---------------------------------------------------------------------------------------

  lock(key: string, now: number): ReturnType<EmbeddedQueue["lock"]> {
    return this.#sql.lock.get(this.name, key, now) as ReturnType<EmbeddedQueue["lock"]>;
  }

  releaseLock(task: SqliteTask): void {
    if (task.uniqueKey !== "") this.#sql.releaseLock.run(task.key);
  }

  count(outcome: "success" | "failure", now: number): void {
    const day = Math.floor(now / DAY);
    if (this.#uncounted?.day !== day) {
      this.flush();
      this.#uncounted = { day, processed: 0, failed: 0 };
    }
    this.#uncounted.processed += 1;
    if (outcome === "failure") this.#uncounted.failed += 1;
  }

  counted(now: number): ReturnType<EmbeddedQueue["counted"]> {
    type Counted = ReturnType<EmbeddedQueue["counted"]>;
    return { ...(this.#sql.counted.get(this.name, Math.floor(now / DAY)) as Counted) };
  }

  history(now: number, days: number): ReturnType<EmbeddedQueue["history"]> {
    const today = Math.floor(now / DAY);
    type Row = { readonly day: number; readonly processed: number; readonly failed: number };
    const rows = this.#sql.history.all(this.name, today - days) as Row[];
    const byDay = new Map(rows.map((row) => [row.day, row]));
    return Array.from({ length: days }, (_, back) => {
      const { processed = 0, failed = 0 } = byDay.get(today - back) ?? {};
      return { day: (today - back) * DAY, processed, failed };
    });
  }

  /** Writes what was counted: once for each piece of work, not for each task. */
  flush(): void {
    if (this.#uncounted === undefined) return;
    const { day, processed, failed } = this.#uncounted;
    this.#uncounted = undefined;
    this.#sql.count.run(this.name, day, processed, failed);
  }

  // ---- rows ---------------------------------------------------------------------------------------------------

  #queueRow(): QueueRow {
    this.#row ??= (this.#sql.queue.get(this.name) as QueueRow | undefined) ?? { registered: 0, paused: 0 };
    return this.#row;
  }

  /** A task that is known already stays the same object, so that all who hold it see what becomes of it. */
  #tasks(rows: unknown[]): SqliteTask[] {
    return (rows as TaskRow[]).map((row) => {
      const known = this.#known.get(row.id);
      if (known !== undefined) return known;
      const task = taskOf(row);
      this.#known.set(task.id, task);
      return task;
    });
  }

  /** Turns are instants, pushed ahead where several tasks come in one millisecond: so all are equally long. */
  #pendingTurns(now: number): { head: number; tail: number } {
    if (this.#turns === undefined) {
      const ends = this.#sql.ends.get(this.name, STATE.pending) as {
        first: number | null;
        last: number | null;
      };
      this.#turns = { head: ends.first ?? whole(now), tail: ends.last ?? whole(now) - 1 };
    }
    return this.#turns;
  }

  #move(task: SqliteTask, state: TaskState, score: number, rewrite: Rewrite = {}): void {
    // It may be in a set, though it does not say so.
    if (task.state === "aggregating") this.#sql.leaveSet.run(task.key);
    task.state = state;
    task.score = whole(score);
    if (task.unsaved !== undefined) {
      this.#insert(task, task.unsaved);
      return;
    }
    const { message, result, log } = rewrite;
    const code = STATE[state];
    if (message === undefined) {
      this.#sql.move.run(code, task.score, task.pendingSince, task.attempt, task.key);
      return;
    }
    task.message = undefined;
    this.#sql.moveAndRewrite.run(
      code,
      task.score,
      task.pendingSince,
      task.attempt,
      message,
      result ?? null,
      log ?? null,
      task.key,
    );
  }

  #insert(task: SqliteTask, { message, lockedUntil }: Unsaved): void {
    const { lastInsertRowid } = this.#sql.insert.run(
      this.name,
      task.id,
      STATE[task.state],
      task.score,
      task.pendingSince || task.score,
      task.attempt,
      lockedUntil === undefined ? 0 : whole(lockedUntil),
      task.group,
      task.uniqueKey,
      message,
    );
    task.key = Number(lastInsertRowid);
    task.unsaved = undefined;
  }
}

/** A time that is never earlier than the one given, as SQLite takes it: a whole number that is exact in JavaScript. */
function whole(ms: number): number {
  return Math.min(Math.ceil(ms), Number.MAX_SAFE_INTEGER);
}

/** The same bytes: whatever SQLite answers, nobody else holds. */
function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** Whether it is a place among the tasks of that state. */
function isPlace(state: TaskState, value: unknown): value is Place {
  if (!Array.isArray(value) || value.length !== 3 || !value.every(Number.isSafeInteger)) return false;
  return value[0] === STATE[state] || (state === "aggregating" && value[0] === PICKED);
}
