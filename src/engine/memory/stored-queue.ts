import type { WatchKind } from "../../broker/broker.ts";
import type { TaskState } from "../../broker/inspection.ts";
import { Counters } from "./counters.ts";
import { SortedSet } from "./sorted-set.ts";
import { UniqueLocks } from "./unique-locks.ts";

/** A task as it lies in the store. It is in exactly one set, the one that its state (and group) names. */
export interface StoredTask {
  readonly id: string;
  /** The encoded message; may be damaged when somebody else wrote it. Never changed in place. */
  message: Uint8Array;
  /** Empty: in no group. */
  readonly group: string;
  /** Empty: not unique. */
  readonly uniqueKey: string;
  state: TaskState;
  /**
   * Its place in its set: the turn of a pending task; when a scheduled or retrying one falls due, a completed one is
   * to be deleted, the lease of an active one ends; when an archived or aggregating one became that.
   */
  score: number;
  /** When it last became pending. */
  pendingSince: number;
  /** Which attempt holds the lease, while active. */
  attempt: number;
  result: Uint8Array | undefined;
}

/** Members of a group that were picked for one aggregate. Back to the group when nobody commits it in time. */
export interface AggregationSet {
  readonly group: string;
  readonly deadline: number;
  readonly members: SortedSet<StoredTask>;
}

type Ungrouped = Exclude<TaskState, "aggregating">;

/** One queue. Only its methods move a task from one set to another, so state and set always agree. */
export class StoredQueue {
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
  readonly aggregationSets = new Set<AggregationSet>();
  readonly locks = new UniqueLocks();
  counters = new Counters();
  /** Called once, and forgotten, when there is reason to look at the queue. */
  readonly armed: Readonly<Record<WatchKind, Set<() => void>>> = { pending: new Set(), delayed: new Set() };
  /** Turns already dealt at either end of `pending`. */
  #head = 0;
  #tail = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** A new task, in no set yet: put it in one at once. */
  create(task: Pick<StoredTask, "id" | "message" | "group" | "uniqueKey">): StoredTask {
    const stored: StoredTask = {
      id: task.id,
      message: task.message,
      group: task.group,
      uniqueKey: task.uniqueKey,
      state: "pending",
      score: 0,
      pendingSince: 0,
      attempt: 0,
      result: undefined,
    };
    this.tasks.set(stored.id, stored);
    this.registered = true;
    return stored;
  }

  /** To the end of the line. */
  toTail(task: StoredTask, now: number): void {
    this.#tail += 1;
    this.#toPending(task, this.#tail, now);
  }

  /** Next to be leased. */
  toHead(task: StoredTask, now: number): void {
    this.#toPending(task, this.#head, now);
    this.#head -= 1;
  }

  toActive(task: StoredTask, attempt: number, leaseEnd: number): void {
    task.attempt = attempt;
    this.#move(task, "active", leaseEnd);
  }

  toDelayed(task: StoredTask, state: "scheduled" | "retry", dueAt: number): void {
    this.#move(task, state, dueAt);
    if (this.sets[state].first() === task) this.wake("delayed");
  }

  toFinished(task: StoredTask, state: "archived" | "completed", score: number): void {
    this.#move(task, state, score);
  }

  toGroup(task: StoredTask, addedAt: number): void {
    this.#move(task, "aggregating", addedAt);
  }

  /** Deletes the task and frees its lock. */
  remove(task: StoredTask): void {
    this.#takeOut(task);
    this.tasks.delete(task.id);
    this.releaseLock(task);
  }

  releaseLock(task: StoredTask): void {
    this.locks.release(task.uniqueKey, task.id);
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
