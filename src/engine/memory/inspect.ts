import type { Page, QueueRecord, TaskRecord, TaskState } from "../../broker/inspection.ts";
import { storedMessage } from "./stored-message.ts";
import type { StoredQueue, StoredTask } from "./stored-queue.ts";

export function queueInfo(queue: StoredQueue, now: number): QueueRecord {
  const { sets, groups, counters } = queue;
  const oldest = sets.pending.first();
  return {
    queue: queue.name,
    pending: sets.pending.size,
    active: sets.active.size,
    scheduled: sets.scheduled.size,
    retry: sets.retry.size,
    archived: sets.archived.size,
    completed: sets.completed.size,
    aggregating: [...groups.values()].reduce((sum, group) => sum + group.size, 0),
    groups: groups.size,
    ...counters.today(now),
    processedTotal: counters.processedTotal,
    failedTotal: counters.failedTotal,
    paused: queue.paused,
    latency: oldest === undefined ? 0 : Math.max(0, now - oldest.pendingSince),
    at: now,
  };
}

export function listTasks(queue: StoredQueue, state: TaskState, page: Page, now: number): TaskRecord[] {
  const set = state === "aggregating" ? queue.groups.get(page.group ?? "") : queue.sets[state];
  const tasks = set?.slice(page.page * page.size, page.size) ?? [];
  return tasks.map((task) => {
    const record = taskInfo(queue, task, now);
    return state === "active" && task.score <= now ? { ...record, orphaned: true } : record;
  });
}

export function taskInfo(queue: StoredQueue, task: StoredTask, now: number): TaskRecord {
  const message = storedMessage(queue, task);
  return {
    queue: queue.name,
    id: task.id,
    state: task.state,
    message,
    ...(message === undefined && { undecodable: Buffer.from(task.message) }),
    ...(task.state === "pending" && { nextProcessAt: now }),
    ...((task.state === "scheduled" || task.state === "retry") && { nextProcessAt: task.score }),
    ...(task.result !== undefined && { result: Buffer.from(task.result) }),
  };
}
