import type { EnqueueAnswer, EnqueueEntry } from "../../broker/enqueue-entry.ts";
import { encodeTaskMessage } from "../../protocol/codec.ts";
import type { EmbeddedQueue } from "./embedded-store.ts";

/**
 * Stores one new task. Everything is checked before anything is written: a refusal leaves no trace. Who stores several
 * as one hands in the bytes of each, so that what cannot be encoded is known before the first is stored.
 */
export function enqueue(
  queue: EmbeddedQueue,
  entry: EnqueueEntry,
  now: number,
  encoded?: Uint8Array,
): EnqueueAnswer {
  const { message, processAt, uniqueTtl } = entry;

  const holder = uniqueTtl === undefined ? undefined : queue.lock(message.uniqueKey, now)?.holder;
  if (holder !== undefined && holder !== message.id) return { status: "duplicate", holder };

  const taken = queue.find(message.id);
  if (taken !== undefined) {
    const finished = taken.state === "completed" || taken.state === "archived";
    if (!(entry.replaceFinished && finished)) return { status: "conflict" };
  }
  // What cannot be encoded must not cost the task that it was to replace.
  const bytes = encoded ?? encodeTaskMessage(message);
  if (taken !== undefined) queue.remove(taken);

  const task = queue.create({
    id: message.id,
    message: bytes,
    group: message.groupKey,
    uniqueKey: message.uniqueKey,
    lockedUntil: uniqueTtl === undefined ? undefined : now + uniqueTtl,
  });

  if (processAt !== undefined && processAt > now) {
    queue.toDelayed(task, "scheduled", processAt);
    return { status: "enqueued", state: "scheduled" };
  }
  if (task.group !== "") {
    queue.toGroup(task, now);
    return { status: "enqueued", state: "aggregating" };
  }
  queue.toTail(task, now);
  return { status: "enqueued", state: "pending" };
}
