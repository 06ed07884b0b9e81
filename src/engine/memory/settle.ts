import type { Settlement } from "../../broker/broker.ts";
import { encodeTaskMessage } from "../../protocol/codec.ts";
import type { StoredQueue, StoredTask } from "./stored-queue.ts";

/** Ends the attempt at an active task as `settlement` says. The caller has checked whose attempt it is. */
export function settle(queue: StoredQueue, task: StoredTask, settlement: Settlement, now: number): void {
  switch (settlement.kind) {
    case "done":
      queue.remove(task);
      queue.counters.count("success", now);
      return;
    case "complete":
      task.message = encodeTaskMessage(settlement.message);
      if (settlement.result !== undefined) task.result = Buffer.from(settlement.result);
      queue.toFinished(task, "completed", settlement.expireAt);
      queue.releaseLock(task);
      queue.counters.count("success", now);
      return;
    case "retry":
      task.message = encodeTaskMessage(settlement.message);
      queue.toDelayed(task, "retry", settlement.retryAt);
      if (settlement.isFailure) queue.counters.count("failure", now);
      return;
    case "archive":
      task.message = encodeTaskMessage(settlement.message);
      archive(queue, task, now);
      return;
    case "requeue":
      queue.toHead(task, now);
      return;
  }
}

/** A failure for good. The unique lock stays until its time is up: an archived task still stands for its work. */
function archive(queue: StoredQueue, task: StoredTask, now: number): void {
  queue.toFinished(task, "archived", now);
  queue.counters.count("failure", now);
}

/** Archives a task whose message cannot be read, bytes untouched, so that it stops nothing else. */
export { archive as quarantine };
