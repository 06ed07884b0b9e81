import type { TaskMessage } from "../protocol/task-message.ts";
import type { EnqueueEntry } from "./enqueue-entry.ts";

/** Turns groups of tasks into sets, and each set into one task. Instants are milliseconds of the engine's clock. */
export interface Aggregation {
  /** What an aggregator must know of the queue's groups, page by page. A group that changes meanwhile may come twice. */
  listGroups(queue: string, cursor?: string): Promise<GroupPage>;

  /**
   * Moves the oldest members of a group, up to 1,000, into a set of their own if a rule of `rules` says that it is time;
   * else answers `undefined`. Nobody else aggregates them until the set's deadline, after which they return.
   *
   * @param set - `id` is a UUID of the caller's own. Asked for once more, the same set answers as before.
   */
  createAggregationSet(set: SetRef, rules: AggregationRules): Promise<AggregationSet | undefined>;

  /** The members that can be read, the oldest first. `undefined`: the set was committed, or has returned. */
  readAggregationSet(set: SetRef): Promise<TaskMessage[] | undefined>;

  /**
   * One atomic step, `docs/protocol.md` 18.6: members that were aggregated are deleted and their locks freed, and the
   * aggregates take their place; every other member of the set is archived. Nothing happens unless it answers
   * `committed`. After a lost answer, ask again: `gone` then means that it was committed, or that the set has returned.
   */
  commitAggregation(commit: AggregationCommit): Promise<CommitAnswer>;
}

export interface GroupPage {
  readonly groups: readonly GroupStatus[];
  /** Where to go on; `undefined` after the last page. */
  readonly cursor: string | undefined;
}

export interface GroupStatus {
  readonly group: string;
  readonly size: number;
  /** When the first and the last of its tasks joined. */
  readonly oldestAt: number;
  readonly newestAt: number;
}

/** When a group is to be aggregated: the first that fires. Milliseconds, and tasks. */
export interface AggregationRules {
  /** Nobody has joined for so long. */
  readonly gracePeriod: number;
  /** Somebody has waited for so long. @defaultValue no limit */
  readonly maxDelay?: number | undefined;
  /** So many wait; a set holds no more. @defaultValue no limit but 1,000 a set */
  readonly maxSize?: number | undefined;
}

export interface SetRef {
  readonly queue: string;
  readonly group: string;
  readonly id: string;
}

export interface AggregationSet {
  readonly deadline: number;
}

export interface AggregationCommit {
  readonly set: SetRef;
  /** New tasks of the set's queue. */
  readonly aggregates: readonly EnqueueEntry[];
  /** The members that they stand for. Those that are in the set no more are ignored. */
  readonly aggregated: readonly TaskMessage[];
  /** Members that cannot be aggregated, with their error: archived as they are given here. */
  readonly rejected: readonly TaskMessage[];
}

export type CommitAnswer =
  | { readonly status: "committed" }
  /** The set is not there any more. */
  | { readonly status: "gone" }
  /** The id of an aggregate is taken by a task that is not among its members. */
  | { readonly status: "conflict"; readonly taskId: string }
  /** Such a task, `holder`, has the unique lock of an aggregate. */
  | { readonly status: "duplicate"; readonly holder: string };
