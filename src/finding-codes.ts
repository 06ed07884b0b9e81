import type { FindingCode } from "./broker/repair.ts";

/** Every code of a finding of `Inspector.fsck`, and what it means. */
export const FINDING_CODES: Readonly<Record<FindingCode, string>> = {
  GHOST: "an id is in a list or set, or has a lease, and there is no such task",
  STUB: "what is left of a task has no message and is in no list or set",
  ORPHAN: "a task is stored, and is in no list or set",
  DOUBLE: "a task is in more than one list or set, or more than once in one",
  WRONG_STATE: "a task's state is not that of the list or set it is in",
  WRONG_GROUP: "a task waits in one group and names another",
  ACTIVE_WITHOUT_LEASE: "a task is active, and no lease says until when",
  LEASE_WITHOUT_ACTIVE: "a lease belongs to a task that is not in the list of active ones",
  LEASE_TOO_LONG: "a lease ends later than any server could have set it",
  STALE_TIME:
    "the exact instant at which a task was due outlived its waiting: harmless, and left so by Go servers",
  LOCK_LEAKED: "a unique lock is held by a task that is gone, has completed, or does not know of it",
  GROUP_NOT_LISTED: "a group has tasks, and is not listed: no aggregator would look at it",
  GROUP_EMPTY: "a group is listed, and has no tasks",
  SET_NOT_LISTED: "an aggregation set has tasks, and is not listed: nobody would return them",
  SET_MISSING: "an aggregation set is listed, and does not exist",
  QUEUE_NOT_LISTED: "a queue has tasks, and is not among the queues",
  UNDECODABLE: "a task's message cannot be decoded, or is another task's",
  WRONG_TYPE: "a key is not of the type that it should be: another program writes to it",
  FILE_DAMAGED: "the file of SQLite is damaged",
};
