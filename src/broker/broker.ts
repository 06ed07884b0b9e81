import type { AttemptRecord } from "../protocol/attempt-log.ts";
import type { ServerInfo } from "../protocol/server-info.ts";
import type { TaskMessage } from "../protocol/task-message.ts";
import type { WorkerInfo } from "../protocol/worker-info.ts";
import type { Aggregation } from "./aggregation.ts";
import type { EnqueueAnswer, EnqueueEntry } from "./enqueue-entry.ts";

/**
 * Moves tasks through their life. The door is drawn for batches: every call carries many tasks, answers each of
 * them, is atomic for one queue, and can be repeated after a lost reply.
 *
 * All instants are milliseconds of {@link Broker.now}. Every call settles within the engine's command timeout;
 * it rejects with `EngineUnavailableError` or another error of `errors.ts`, never with a driver's own.
 */
export interface Broker extends Aggregation {
  /** The engine's clock: this process's wall clock, corrected by what the store's own clock says. Milliseconds. */
  now(): number;

  /** Stores new tasks, of any mix of queues; answers in the same order. Never rejects for one entry. */
  enqueue(entries: readonly EnqueueEntry[], options?: CallOptions): Promise<EnqueueAnswer[]>;

  /**
   * One atomic round trip: settles finished attempts and leases up to `limit` pending tasks (none with 0, or while
   * the queue is paused).
   *
   * When it rejects, the outcomes may or may not have been recorded: send them again with `repeated`, but after an
   * `EngineUnavailableError` that is not `inDoubt`, when surely none was, without it. Tasks that a lost reply had granted come back from a later call for the same queue, within that call's limit; what does not
   * fit is handed back to the queue's head.
   */
  exchange(queue: string, outcomes: readonly Outcome[], limit: number): Promise<ExchangeResult>;

  /** Renews leases to 30 s from now and says which are no longer ours; answers in the same order. */
  extendLeases(queue: string, leased: readonly Leased[]): Promise<ExtendAnswer[]>;

  /** Stores a running task's result (kept if the task has a retention). `fenced` or `gone`: nothing was written. */
  writeResult(leased: Leased, result: Uint8Array): Promise<OutcomeAnswer>;

  /** Moves up to `limit` due scheduled and retrying tasks to pending, or into their group. */
  forward(queue: string, limit: number): Promise<ForwardResult>;

  /** Up to `limit` attempts whose lease ran out more than the grace (30 s) ago. Undecodable ones are quarantined. */
  listExpired(queue: string, limit: number): Promise<ExpiredLease[]>;

  /** Ends expired attempts, each only if its lease is still the one listed; answers in the same order. */
  recover(queue: string, recoveries: readonly Recovery[]): Promise<OutcomeAnswer[]>;

  /** Repairs up to `limit` ids that are active but have no lease. Looks at a bounded part; the next call goes on there. */
  sweep(queue: string, limit: number): Promise<SweepResult>;

  /**
   * Returns members of aggregation sets that nobody committed in time to their groups; answers the number of sets. Also
   * looks, a little in each call, for groups with tasks that no aggregator would look at, and lists them.
   */
  reclaimAggregationSets(queue: string): Promise<number>;

  /** Deletes up to `limit` completed tasks whose retention is over; answers how many. */
  deleteExpired(queue: string, limit: number): Promise<number>;

  /** Deletes up to `limit` archived tasks that are over 90 days old or beyond the newest 10,000; answers how many. */
  trimArchive(queue: string, limit: number): Promise<number>;

  /** Watches queues for work, whoever puts it there. */
  watch(wake: Wake): QueueWatch;

  /** Announces a server and what it is running, for `ttl` milliseconds. */
  writeServerState(info: ServerInfo, workers: readonly WorkerInfo[], ttl: number): Promise<void>;
  clearServerState(info: Pick<ServerInfo, "host" | "pid" | "serverId">): Promise<void>;

  /** Asks whichever server runs a task of that id to cancel it. Best effort: nobody answers. */
  publishCancelation(taskId: string): Promise<void>;

  /**
   * Calls `onCancel` with each task id published from now on; resolves once listening, and listens again by itself
   * after a broken connection. The answer ends it.
   */
  subscribeCancelations(onCancel: (taskId: string) => void): Promise<() => Promise<void>>;
}

export interface CallOptions {
  /** Gives up waiting: the call rejects as if its time were up. */
  readonly signal?: AbortSignal;
}

declare const leaseToken: unique symbol;
/** What the engine needs to know one attempt from every other. Opaque: hand it back as it came. */
export type LeaseToken = { readonly [leaseToken]: true };

/** One attempt at a task. */
export interface Leased {
  readonly message: TaskMessage;
  readonly token: LeaseToken;
  /** When it became pending. Unknown where the answer that leased it was lost. */
  readonly pendingSince?: number | undefined;
}

/** An instant that is no finite number fails the call with `InvalidOptionError`, before anything is written. */
export type Settlement =
  /** Succeeded, or revoked: delete it, release its lock. */
  | { readonly kind: "done" }
  /** Succeeded and kept until `expireAt`; the message has its `completedAt`. */
  | {
      readonly kind: "complete";
      readonly message: TaskMessage;
      readonly expireAt: number;
      readonly result?: Uint8Array;
    }
  /** Failed, to be tried again at `retryAt`; the message has its error. */
  | {
      readonly kind: "retry";
      readonly message: TaskMessage;
      readonly retryAt: number;
      readonly isFailure: boolean;
      /** Kept with the task, of a failure; absent: nothing is. */
      readonly attempt?: AttemptRecord;
    }
  /** Failed for good; the message has its error. */
  | { readonly kind: "archive"; readonly message: TaskMessage; readonly attempt?: AttemptRecord }
  /** Not run to its end: back to the head of the queue, untouched. */
  | { readonly kind: "requeue" };

export interface Outcome {
  readonly leased: Leased;
  readonly settlement: Settlement;
  /** This outcome was sent before, and may have been recorded: the answer was lost. */
  readonly repeated?: boolean;
}

/**
 * `settled`: recorded. `fenced`: the attempt is no longer ours, nothing was touched. `gone`: the task is not active
 * any more (settled before, deleted, recovered); nothing was touched.
 */
export type OutcomeAnswer = "settled" | "fenced" | "gone";
export type ExtendAnswer = "extended" | "lost";

export interface ExchangeResult {
  readonly answers: OutcomeAnswer[];
  readonly leased: Leased[];
  /** The queue may hold more pending tasks than were asked for. */
  readonly more: boolean;
  /** Tasks may wait that cannot be leased for now: ask again later, not at once. */
  readonly unready?: boolean;
  /** Leased messages that cannot be decoded: already archived with their bytes untouched. */
  readonly quarantined: string[];
  /** Pending ids that had no task, or were listed twice: already removed. */
  readonly dropped: string[];
}

export interface ForwardResult {
  readonly moved: number;
  /** When the next task of this queue falls due, if any waits. In the past when `limit` was reached. */
  readonly nextDueAt: number | undefined;
}

export interface ExpiredLease {
  readonly message: TaskMessage;
  /** The lease exactly as listed. */
  readonly token: LeaseToken;
}

export interface Recovery {
  readonly expired: ExpiredLease;
  readonly settlement: Extract<Settlement, { kind: "retry" | "archive" }>;
}

export interface SweepResult {
  /** Active tasks that were given a lease again. */
  readonly leased: string[];
  /** Ids that were removed because they had no task or were not active. */
  readonly dropped: string[];
  /** This round is not over: the next call looks at more. */
  readonly more: boolean;
}

/**
 * Something may have happened in `queue`: `pending` has work or was resumed, `delayed` got an earlier task, or there is a
 * new one among the `groups`.
 */
export type Wake = (queue: string, kind: WatchKind) => void;
export type WatchKind = "pending" | "delayed" | "groups";

export interface QueueWatch {
  /**
   * Calls `wake(queue, kind)` once, as soon as there is reason to: for `pending` at once if the queue has work and is
   * not paused. May also wake for nothing. Arming an armed one changes nothing.
   */
  arm(queue: string, kind: WatchKind): void;
  /** Changes of other processes are seen at once. While false, poll. */
  readonly live: boolean;
  close(): Promise<void>;
}
