import type { GroupStatus } from "../../broker/aggregation.ts";
import type { OutcomeAnswer } from "../../broker/broker.ts";
import type { DayRecord, QueueRecord, TaskState } from "../../broker/inspection.ts";
import type { ServerInfo } from "../../protocol/server-info.ts";
import type { WorkerInfo } from "../../protocol/worker-info.ts";
import type { Marks } from "./marks.ts";
import type { RollupTable } from "./rollup-table.ts";
import type { ScheduleTables } from "./schedule-tables.ts";

/**
 * What an embedded engine keeps. The phases of a task's life are written once, on this; an engine says only where
 * things lie. Every call runs to its end at once, and time is handed in.
 */
export interface EmbeddedStore {
  /** The queue of that name, empty if nobody has mentioned it yet. */
  queue(name: string): EmbeddedQueue;
  readonly schedules: ScheduleTables;
  /** Names of the queues that something was enqueued to. */
  queueNames(): string[];
  /** What limits and semaphores count. */
  readonly marks: Marks;
  /** What servers have measured. */
  readonly rollups: RollupTable;
  /** A number that no other attempt at any task has. */
  nextAttempt(): number;
  /** Announces a server, and forgets those that have not announced themselves in time. */
  writeServer(record: PresenceRecord, now: number): void;
  clearServer(server: ServerName): void;
  /** Servers that have announced themselves in time. */
  servers(now: number): PresenceRecord[];
  publishCancelation(taskId: string, now: number): void;
}

export interface PresenceRecord {
  readonly info: ServerInfo;
  readonly workers: readonly WorkerInfo[];
  readonly expiresAt: number;
}

export type ServerName = Pick<ServerInfo, "host" | "pid" | "serverId">;

/** Runs work on the store, each piece as a whole or not at all, in the order in which it was handed in. */
export interface Transactions {
  /** Work that only looks. */
  read<T>(work: (store: EmbeddedStore) => T): Promise<T>;
  /** `signal` ends the wait of work that has not begun. */
  write<T>(work: (store: EmbeddedStore) => T, signal?: AbortSignal): Promise<T>;
}

/** A task as it is stored now. It is in exactly one set, the one that its state (and group) names. */
export interface EmbeddedTask {
  readonly id: string;
  /** Empty: in no group. */
  readonly group: string;
  /** Empty: not unique. */
  readonly uniqueKey: string;
  readonly state: TaskState;
  /**
   * Its place in its set: the turn of a pending task; when a scheduled or retrying one falls due, a completed one is
   * to be deleted, the lease of an active one ends; when an archived or aggregating one became that.
   */
  readonly score: number;
  /** When it last became pending. */
  readonly pendingSince: number;
  /** Which attempt holds the lease, while active. */
  readonly attempt: number;
}

export interface NewTask extends Pick<EmbeddedTask, "id" | "group" | "uniqueKey"> {
  readonly message: Uint8Array;
  /** Until when it holds the lock of its unique key; `undefined`: it takes none. */
  readonly lockedUntil: number | undefined;
}

/** What else changes when a task moves. */
export interface Rewrite {
  readonly message?: Uint8Array;
  readonly result?: Uint8Array | undefined;
  /** Of its failed attempts, as `protocol/attempt-log.ts` has it. */
  readonly log?: string;
}

export type Ungrouped = Exclude<TaskState, "aggregating">;

/**
 * One queue. Only its methods move a task from one set to another, so state and set always agree. A task that they
 * answer shows what they do to it later on.
 */
export interface EmbeddedQueue {
  readonly name: string;
  /** Something was enqueued to it. */
  readonly registered: boolean;
  readonly paused: boolean;
  /** False: it was so already. */
  setPaused(paused: boolean): boolean;

  find(id: string): EmbeddedTask | undefined;
  /** Up to `count` tasks from rank `from` on, the lowest score first. */
  slice(state: Ungrouped, from: number, count: number): EmbeddedTask[];
  sliceGroup(group: string, from: number, count: number): EmbeddedTask[];
  /** The task with the highest score. */
  last(state: Ungrouped): EmbeddedTask | undefined;
  /** Whether any task is in that state. */
  has(state: Ungrouped): boolean;
  size(state: Ungrouped): number;
  sizes(): Pick<QueueRecord, TaskState | "groups">;
  /**
   * Up to `count` tasks of a state, in an order in which a task that stays never moves back; from the beginning without
   * a cursor. No cursor in the answer: these were the last.
   */
  scan(
    state: TaskState,
    cursor: string | undefined,
    count: number,
  ): { readonly tasks: EmbeddedTask[]; readonly cursor: string | undefined };
  /** Whether the task is in an aggregation set, not in its group. */
  isPicked(task: EmbeddedTask): boolean;
  /** The task's message, in bytes of the caller's own. May be damaged when somebody else wrote it. */
  message(task: EmbeddedTask): Buffer;
  result(task: EmbeddedTask): Buffer | undefined;
  /** Of its failed attempts; `undefined`: none is on record. */
  log(task: EmbeddedTask): string | undefined;

  /** A new task, in no set yet: put it in one at once. */
  create(task: NewTask): EmbeddedTask;
  /** To the end of the line. */
  toTail(task: EmbeddedTask, now: number): void;
  /** Next to be leased. */
  toHead(task: EmbeddedTask, now: number): void;
  toActive(task: EmbeddedTask, attempt: number, leaseEnd: number): void;
  toDelayed(task: EmbeddedTask, state: "scheduled" | "retry", dueAt: number, rewrite?: Rewrite): void;
  toFinished(task: EmbeddedTask, state: "archived" | "completed", score: number, rewrite?: Rewrite): void;
  toGroup(task: EmbeddedTask, addedAt: number): void;
  /** Deletes the task and frees its lock. */
  remove(task: EmbeddedTask): void;
  /** Another message for a task that stays where it is. A lock that it holds is that of `uniqueKey` from now on. */
  rewrite(task: EmbeddedTask, message: Uint8Array, uniqueKey: string): void;
  /** As if nothing had ever been enqueued. */
  forget(): void;
  writeResult(task: EmbeddedTask, result: Uint8Array): void;

  /** Up to `count` groups that have tasks, by name, from behind `after` on. */
  groupsAfter(after: string | undefined, count: number): GroupStatus[];
  /** Nothing of a group without tasks. */
  groupStatus(group: string): GroupStatus | undefined;
  /** Moves the `count` oldest members of a group into a new aggregation set. */
  createSet(id: string, group: string, count: number, deadline: number): void;
  /** When an aggregation set returns, if it is there. */
  setDeadline(id: string): number | undefined;
  /** The members of an aggregation set, the oldest first. */
  setMembers(id: string): EmbeddedTask[];
  /** Whether there is any aggregation set. */
  hasSets(): boolean;
  /** Forgets an aggregation set without members. */
  removeSet(id: string): void;
  /** Returns the members of overdue aggregation sets to their groups, each with the time it joined; how many sets. */
  reclaimAggregationSets(now: number): number;

  /** Who holds the lock of `key` now, and until when; `undefined`: nobody does. */
  lock(key: string, now: number): { readonly holder: string; readonly until: number } | undefined;
  /** Frees the task's lock, unless another task has taken it meanwhile. */
  releaseLock(task: EmbeddedTask): void;

  /** Counts an attempt that ended. */
  count(outcome: "success" | "failure", now: number): void;
  /** Attempts ever and on the current UTC day. `processed` counts successes and failures. */
  counted(now: number): Pick<QueueRecord, "processed" | "failed" | "processedTotal" | "failedTotal">;
  /** Attempts of the last `days` UTC days, today first; of 90 days at most. */
  history(now: number, days: number): DayRecord[];
}

/** Why an attempt may not touch its task. */
export type Refusal = Exclude<OutcomeAnswer, "settled">;
