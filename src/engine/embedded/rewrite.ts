import type { RewriteAnswer } from "../../broker/inspection.ts";
import { encodeTaskMessage } from "../../protocol/codec.ts";
import type { TaskMessage } from "../../protocol/task-message.ts";
import type { EmbeddedQueue } from "./embedded-store.ts";
import { storedMessage } from "./stored-message.ts";

/** Replaces the message of a scheduled task. A lock that it holds follows the unique key, if nobody else has that one. */
export function rewriteTask(
  queue: EmbeddedQueue,
  id: string,
  rewrite: (message: TaskMessage) => TaskMessage,
  now: number,
): RewriteAnswer {
  const task = queue.find(id);
  if (task === undefined) return { status: "missing" };
  if (task.state !== "scheduled") return { status: "not-scheduled" };
  const old = storedMessage(queue, task);
  if (old === undefined) return { status: "damaged" };
  const message = rewrite(old);
  if (message.uniqueKey !== task.uniqueKey && queue.lock(task.uniqueKey, now)?.holder === id) {
    const holder = queue.lock(message.uniqueKey, now)?.holder;
    if (holder !== undefined && holder !== id) return { status: "duplicate", holder };
  }
  queue.rewrite(task, encodeTaskMessage(message), message.uniqueKey);
  return { status: "rewritten" };
}
