import { queueKeys } from "../../../src/protocol/keys.ts";
import type { GoldenStore } from "../../engine/redis/golden-store.ts";

/** Differences that show both in what is stored and in what is answered. */

export const ENQUEUE_UNIQUE = ["enqueueUnique", "scheduleUnique", "addToGroupUnique"];

export const LEFT_LOCK = {
  rule: "18.4: a lock that a deleted task of the same id has left does not refuse it",
  asynq: "answers duplicate until the lock's TTL",
  why: "the lock is the task's own; asynq leaves it where all pending or grouped tasks are deleted",
  ops: ENQUEUE_UNIQUE,
};

export const NOT_EMPTY = {
  rule: "15.11: a queue with completed or grouped tasks is not empty",
  asynq: "removes it, and leaves them behind",
  why: "tasks that no tool shows any more, and nothing would ever delete",
  ops: ["removeQueue"],
};

/** What stays active for up to a second more, since the token in the score of its lease is a fraction. */
export const AT_THE_EDGE = {
  rule: "18.1: a lease lasts up to a second longer, by its token",
  asynq: "a lease of a second is over at that second",
  why: "the token is a fraction of the score; 30 s of grace are added anyway",
  ops: ["recover", "listLeaseExpired"],
};

/** Leases that end, for Go, at the very second until which a recoverer looks. */
export function atTheEdge(before: GoldenStore, queue: string, nowMs: number): string[] {
  const cutoff = String(Math.floor(nowMs / 1_000) - 30);
  return (before[queueKeys(queue).lease]?.zset ?? []).flatMap(([id, score]) =>
    score === cutoff ? [id] : [],
  );
}

/** asynq refuses every change of a task whose queue is not in its list. */
export const UNLISTED = {
  rule: "11.2: a task of a queue that is not listed can still be seen and changed",
  asynq: "answers that there is no such queue",
  why: "removing a queue in asynq leaves such tasks behind; an operator must reach them",
  ops: ["getTaskInfo", "runTask", "archiveTask", "deleteTask", "updatePayload"],
};

export const isListed = (store: GoldenStore, queue: string) =>
  store["asynq:queues"]?.set?.includes(queue) === true;
