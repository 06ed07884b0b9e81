import type { GroupStatus } from "../../broker/aggregation.ts";
import type { WatchKind } from "../../broker/broker.ts";
import type { TaskState } from "../../broker/inspection.ts";
import { isObject, readCursor } from "../../runtime/scan-cursor.ts";
import type { EmbeddedQueue, EmbeddedTask, NewTask, Rewrite, Ungrouped } from "../embedded/embedded-store.ts";
import { Counters } from "./counters.ts";
import { type Scored, SortedSet } from "./sorted-set.ts";
import { UniqueLocks } from "./unique-locks.ts";

/** A task as it lies in the store. */
export interface StoredTask extends EmbeddedTask {
  /** Never changed in place. */
  message: Uint8Array;
  uniqueKey: string;
  result: Uint8Array | undefined;
  /** Of its failed attempts. */
  log: string | undefined;
  state: TaskState;
  score: number;
  pendingSince: number;
  attempt: number;
  /** The aggregation set that it is a member of, instead of its group. */
  set: AggregationSet | undefined;
}

/** Members of a group that were picked for one aggregate. Back to the group when nobody commits it in time. */
export interface AggregationSet {
  readonly deadline: number;
  readonly members: SortedSet<StoredTask>;
}

/** One queue, on plain maps. */
export class StoredQueue implements EmbeddedQueue {
  readonly name: string;
  /** Something was enqueued to it. */
  registered = false;
  paused = false;
  readonly tasks = new Map<string, StoredTask>();
  readonly sets: Readonly<Record<Ungrouped, SortedSet<StoredTask>>> = {
    active: new SortedSet(),
    pending: new SortedSet(),
    scheduled: new SortedSet(),
    retry: new SortedSet(),
    archived: new SortedSet(),
    completed: new SortedSet(),
  };
  /** None of them is empty. */
  readonly groups = new Map<string, SortedSet<StoredTask>>();
  /** By id. */
  readonly aggregationSets = new Map<string, AggregationSet>();
  readonly locks = new UniqueLocks();
  counters = new Counters();
  /** Called once, and forgotten, when there is reason to look at the queue. */
  readonly armed: Readonly<Record<WatchKind, Set<() => void>>> = {
    pending: new Set(),
    delayed: new Set(),
    groups: new Set(),
  };
  /** Turns already dealt at either end of `pending`. */
  #head = 0;
  #tail = 0;

  constructor(name: string) {
    this.name = name;
  }

  setPaused(paused: boolean): boolean {
    const changed = this.paused !== paused;
    this.paused = paused;
    if (!paused) this.wake("pending");
    return changed;
  }

  find(id: string): StoredTask | undefined {
    return this.tasks.get(id);
  }

  slice(state: Ungrouped, from: number, count: number): StoredTask[] {
    return this.sets[state].slice(from, count);
  }

  sliceGroup(group: string, from: number, count: number): StoredTask[] {
    return this.groups.get(group)?.slice(from, count) ?? [];
  }

  last(state: Ungrouped): StoredTask | undefined {
    return this.sets[state].last();
  }

  has(state: Ungrouped): boolean {
    return this.sets[state].size > 0;
  }

  size(state: Ungrouped): number {
    return this.sets[state].size;
  }

  sizes(): ReturnType<EmbeddedQueue["sizes"]> {
    const { active, pending, scheduled, retry, archived, completed } = this.sets;
    return {
      active: active.size,
      pending: pending.size,
      scheduled: scheduled.size,
      retry: retry.size,
      archived: archived.size,
      completed: completed.size,
      aggregating: [...this.groups.values()].reduce((sum, group) => sum + group.size, 0),
      groups: this.groups.size,
    };
  }

  scan(state: TaskState, cursor: string | undefined, count: number): ReturnType<EmbeddedQueue["scan"]> {
    const set = state === "aggregating" ? this.#aggregating() : this.sets[state];
    const tasks = cursor === undefined ? set.slice(0, count) : set.after(readCursor(cursor, isScored), count);
    const last = tasks.at(-1);
    const next = last && JSON.stringify({ score: last.score, id: last.id });
    return { tasks, cursor: tasks.length < count ? undefined : next };
  }

  isPicked(task: StoredTask): boolean {
    return task.state === "aggregating" && !this.groups.get(task.group)?.has(task);
  }

  message(task: StoredTask): Buffer {
    return Buffer.from(task.message);
  }

  result({ result }: StoredTask): Buffer | undefined {
    return result && Buffer.from(result);
  }

  log({ log }: StoredTask): string | undefined {
    return log;
  }

  create({ id, message, group, uniqueKey, lockedUntil }: NewTask): StoredTask {
    const stored: StoredTask = {
      id,
      message,
      group,
      uniqueKey,
      state: "pending",
      score: 0,
      pendingSince: 0,
      attempt: 0,
      result: undefined,
      log: undefined,
      set: undefined,
    };
    this.tasks.set(id, stored);
    if (lockedUntil !== undefined) this.locks.take(uniqueKey, id, lockedUntil);
    this.registered = true;
    return stored;
  }

  toTail(task: StoredTask, now: number): void {
    this.#tail += 1;
    this.#toPending(task, this.#tail, now);
  }

  toHead(task: StoredTask, now: number): void {
    this.#toPending(task, this.#head, now);
    this.#head -= 1;
  }

  toActive(task: StoredTask, attempt: number, leaseEnd: number): void {
    task.attempt = attempt;
    this.#move(task, "active", leaseEnd);
  }

  toDelayed(task: StoredTask, state: "scheduled" | "retry", dueAt: number, rewrite?: Rewrite): void {
    Object.assign(task, rewrite);
    this.#move(task, state, dueAt);
    if (this.sets[state].first() === task) this.wake("delayed");
  }

  toFinished(task: StoredTask, state: "archived" | "completed", score: number, rewrite?: Rewrite): void {
    Object.assign(task, rewrite);
    // The caller's bytes are his own, to write to again.
    if (rewrite?.result !== undefined) this.writeResult(task, rewrite.result);
    this.#move(task, state, score);
  }

  toGroup(task: StoredTask, addedAt: number): void {
    this.#move(task, "aggregating", addedAt);
    this.wake("groups");
  }

  groupsAfter(after: string | undefined, count: number): GroupStatus[] {
    return [...this.groups.keys()]
      .filter((group) => after === undefined || group > after)
      .sort()
      .slice(0, count)
      .flatMap((group) => this.groupStatus(group) ?? []);
  }

  groupStatus(group: string): GroupStatus | undefined {
    const members = this.groups.get(group);
    const [oldest, newest] = [members?.first(), members?.last()];
    if (members === undefined || oldest === undefined || newest === undefined) return undefined;
    return { group, size: members.size, oldestAt: oldest.score, newestAt: newest.score };
  }

  createSet(id: string, group: string, count: number, deadline: number): void {
    const set: AggregationSet = { deadline, members: new SortedSet() };
    for (const task of this.sliceGroup(group, 0, count)) {
      this.#takeOut(task);
      task.set = set;
      set.members.add(task);
    }
    this.aggregationSets.set(id, set);
  }

  setDeadline(id: string): number | undefined {
    return this.aggregationSets.get(id)?.deadline;
  }

  setMembers(id: string): StoredTask[] {
    const members = this.aggregationSets.get(id)?.members;
    return members?.slice(0, members.size) ?? [];
  }

  hasSets(): boolean {
    return this.aggregationSets.size > 0;
  }

  removeSet(id: string): void {
    this.aggregationSets.delete(id);
  }

  remove(task: StoredTask): void {
    this.#takeOut(task);
    this.tasks.delete(task.id);
    this.releaseLock(task);
  }

  writeResult(task: StoredTask, result: Uint8Array): void {
    task.result = Buffer.from(result);
  }

  rewrite(task: StoredTask, message: Uint8Array, uniqueKey: string): void {
    if (uniqueKey !== task.uniqueKey) this.locks.move(task.uniqueKey, uniqueKey, task.id);
    task.message = message;
    task.uniqueKey = uniqueKey;
  }

  forget(): void {
    this.clear();
  }

  reclaimAggregationSets(now: number): number {
    let reclaimed = 0;
    for (const [id, set] of this.aggregationSets) {
      if (set.deadline > now) continue;
      for (const task of set.members.slice(0, set.members.size)) this.toGroup(task, task.score);
      this.aggregationSets.delete(id);
      reclaimed += 1;
    }
    return reclaimed;
  }

  lock(key: string, now: number): ReturnType<EmbeddedQueue["lock"]> {
    return this.locks.get(key, now);
  }

  releaseLock(task: StoredTask): void {
    this.locks.release(task.uniqueKey, task.id);
  }

  count(outcome: "success" | "failure", now: number): void {
    this.counters.count(outcome, now);
  }

  counted(now: number): ReturnType<EmbeddedQueue["counted"]> {
    const { processedTotal, failedTotal } = this.counters;
    return { ...this.counters.today(now), processedTotal, failedTotal };
  }

  history(now: number, days: number): ReturnType<EmbeddedQueue["history"]> {
    return this.counters.history(now, days);
  }

  /** As if nothing had ever been enqueued. Who waits for news of the queue goes on waiting. */
  clear(): void {
    for (const task of this.tasks.values()) this.#takeOut(task);
    this.tasks.clear();
    this.aggregationSets.clear();
    this.locks.clear();
    this.counters = new Counters();
    this.registered = false;
    this.paused = false;
  }

  wake(kind: WatchKind): void {
    const armed = this.armed[kind];
    for (const wake of armed) queueMicrotask(wake);
    armed.clear();
  }

  /** Those of all groups, and of all aggregation sets. */
  #aggregating(): SortedSet<StoredTask> {
    const all = new SortedSet<StoredTask>();
    for (const task of this.tasks.values()) if (task.state === "aggregating") all.add(task);
    return all;
  }

  #toPending(task: StoredTask, turn: number, now: number): void {
    task.pendingSince = now;
    this.#move(task, "pending", turn);
    this.wake("pending");
  }

  #move(task: StoredTask, state: TaskState, score: number): void {
    this.#takeOut(task);
    task.state = state;
    task.score = score;
    this.#setFor(task).add(task);
  }

  #takeOut(task: StoredTask): void {
    if (task.state !== "aggregating") {
      this.sets[task.state].delete(task);
      return;
    }
    if (task.set !== undefined) {
      task.set.members.delete(task);
      task.set = undefined;
      return;
    }
    const group = this.groups.get(task.group);
    group?.delete(task);
    if (group?.size === 0) this.groups.delete(task.group);
  }

  #setFor(task: StoredTask): SortedSet<StoredTask> {
    if (task.state !== "aggregating") return this.sets[task.state];
    let group = this.groups.get(task.group);
    if (group === undefined) {
      group = new SortedSet();
      this.groups.set(task.group, group);
    }
    return group;
  }
}

function isScored(value: unknown): value is Scored {
  return isObject(value) && typeof value["id"] === "string" && typeof value["score"] === "number";
}
