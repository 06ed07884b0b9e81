import type { ForwardResult } from "../../broker/broker.ts";
import type { EmbeddedQueue, EmbeddedTask } from "./embedded-store.ts";

/** Moves due tasks in the order they fell due, whether they were scheduled or wait for a retry. */
export function forward(queue: EmbeddedQueue, limit: number, now: number): ForwardResult {
  const first = nextDue(queue);
  if (first === undefined || first.score > now) return { moved: 0, nextDueAt: first?.score };

  const due = [...queue.slice("scheduled", 0, limit), ...queue.slice("retry", 0, limit)]
    .filter(({ score }) => score <= now)
    .sort((a, b) => a.score - b.score)
    .slice(0, limit);
  for (const task of due) {
    if (task.group === "") queue.toTail(task, now);
    else queue.toGroup(task, now);
  }
  return { moved: due.length, nextDueAt: nextDue(queue)?.score };
}

/** The scheduled or retrying task that falls due first. */
export function nextDue(queue: EmbeddedQueue): EmbeddedTask | undefined {
  const [scheduled] = queue.slice("scheduled", 0, 1);
  const [retry] = queue.slice("retry", 0, 1);
  if (scheduled === undefined || retry === undefined) return scheduled ?? retry;
  return retry.score < scheduled.score ? retry : scheduled;
}
