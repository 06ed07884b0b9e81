import type { ForwardResult } from "../../broker/broker.ts";
import type { StoredQueue, StoredTask } from "./stored-queue.ts";

/** Moves due tasks in the order they fell due, whether they were scheduled or wait for a retry. */
export function forward(queue: StoredQueue, limit: number, now: number): ForwardResult {
  let moved = 0;
  let next = nextDue(queue);
  while (next !== undefined && next.score <= now && moved < limit) {
    if (next.group === "") queue.toTail(next, now);
    else queue.toGroup(next, now);
    moved += 1;
    next = nextDue(queue);
  }
  return { moved, nextDueAt: next?.score };
}

function nextDue({ sets }: StoredQueue): StoredTask | undefined {
  const scheduled = sets.scheduled.first();
  const retry = sets.retry.first();
  if (scheduled === undefined || retry === undefined) return scheduled ?? retry;
  return retry.score < scheduled.score ? retry : scheduled;
}
