import type { Page, QueueRecord, TaskRecord, TaskState } from "../../broker/inspection.ts";
import type { EmbeddedQueue, EmbeddedTask } from "./embedded-store.ts";
import { storedMessage } from "./stored-message.ts";

export function queueInfo(queue: EmbeddedQueue, now: number): QueueRecord {
  const [oldest] = queue.slice("pending", 0, 1);
  return {
    queue: queue.name,
    ...queue.sizes(),
    ...queue.counted(now),
    paused: queue.paused,
    latency: oldest === undefined ? 0 : Math.max(0, now - oldest.pendingSince),
    at: now,
  };
}

export function listTasks(
  queue: EmbeddedQueue,
  state: TaskState,
  { page, size, group = "" }: Page,
  now: number,
): TaskRecord[] {
  const tasks =
    state === "aggregating"
      ? queue.sliceGroup(group, page * size, size)
      : queue.slice(state, page * size, size);
  return tasks.map((task) => {
    const record = taskInfo(queue, task, now);
    return state === "active" && task.score <= now ? { ...record, orphaned: true } : record;
  });
}

export function taskInfo(queue: EmbeddedQueue, task: EmbeddedTask, now: number): TaskRecord {
  const message = storedMessage(queue, task);
  const result = queue.result(task);
  return {
    queue: queue.name,
    id: task.id,
    state: task.state,
    message,
    ...(message === undefined && { undecodable: queue.message(task) }),
    ...(task.state === "pending" && { nextProcessAt: now }),
    ...((task.state === "scheduled" || task.state === "retry") && { nextProcessAt: task.score }),
    ...(result !== undefined && { result }),
  };
}
