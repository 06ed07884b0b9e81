import type { Settlement } from "../../broker/broker.ts";
import { encodeAttempt, withAttempt } from "../../protocol/attempt-log.ts";
import { encodeTaskMessage } from "../../protocol/codec.ts";
import type { EmbeddedQueue, EmbeddedTask, Rewrite } from "./embedded-store.ts";

/** Ends the attempt at an active task as `settlement` says. The caller has checked whose attempt it is. */
export function settle(queue: EmbeddedQueue, task: EmbeddedTask, settlement: Settlement, now: number): void {
  switch (settlement.kind) {
    case "done":
      queue.remove(task);
      queue.count("success", now);
      return;
    case "complete": {
      const { expireAt, result } = settlement;
      queue.toFinished(task, "completed", expireAt, rewritten(settlement, result));
      queue.releaseLock(task);
      queue.count("success", now);
      return;
    }
    case "retry":
      queue.toDelayed(task, "retry", settlement.retryAt, {
        ...rewritten(settlement),
        ...(settlement.isFailure && logged(queue, task, settlement)),
      });
      if (settlement.isFailure) queue.count("failure", now);
      return;
    case "archive":
      archive(queue, task, now, { ...rewritten(settlement), ...logged(queue, task, settlement) });
      return;
    case "requeue":
      queue.toHead(task, now);
      return;
  }
}

/** Archives a task whose message cannot be read, bytes untouched, so that it stops nothing else. */
export function quarantine(queue: EmbeddedQueue, task: EmbeddedTask, now: number): void {
  archive(queue, task, now, {});
}

/** A failure for good. The unique lock stays until its time is up: an archived task still stands for its work. */
export function archive(queue: EmbeddedQueue, task: EmbeddedTask, now: number, rewrite: Rewrite): void {
  queue.toFinished(task, "archived", now, rewrite);
  queue.count("failure", now);
}

function rewritten({ message }: Extract<Settlement, { message: unknown }>, result?: Uint8Array): Rewrite {
  return { message: encodeTaskMessage(message), ...(result && { result }) };
}

type Failed = Extract<Settlement, { attempt?: unknown }>;

function logged(queue: EmbeddedQueue, task: EmbeddedTask, { attempt }: Failed): Pick<Rewrite, "log"> {
  return attempt === undefined ? {} : { log: withAttempt(queue.log(task), encodeAttempt(attempt)) };
}
