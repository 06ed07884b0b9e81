import type { TaskState } from "../broker/inspection.ts";
import { taskInfo as record } from "../engine/embedded/inspect.ts";
import type { MemoryStore } from "../engine/memory/store.ts";
import type { StoredQueue } from "../engine/memory/stored-queue.ts";
import { type TaskInfo, taskInfo } from "../task-info.ts";

/** States of tasks that are still to be run. */
const WAITING: ReadonlySet<TaskState> = new Set(["pending", "scheduled", "aggregating", "retry"]);

/** The tasks that are still to be run; those of one queue in the order in which they were enqueued. */
export function waitingTasks(store: MemoryStore, now: number): TaskInfo[] {
  return store
    .registered()
    .flatMap((queue) =>
      [...queue.tasks.values()]
        .filter(({ state }) => WAITING.has(state))
        .map((task) => taskInfo(record(queue, task, now))),
    );
}

/** The queues that are meant: all, or the one of that name if anything was ever enqueued to it. */
export function queuesIn(store: MemoryStore, name: string | undefined): StoredQueue[] {
  return store.registered().filter((queue) => name === undefined || queue.name === name);
}

/** The name of the first queue with a task that a server could take. */
export function readyQueue(queues: readonly StoredQueue[]): string | undefined {
  return queues.find((queue) => !queue.paused && queue.size("pending") > 0)?.name;
}

/** When the next task of `queues` in one of these states falls due; milliseconds. */
export function nextDue(
  queues: readonly StoredQueue[],
  states: readonly ("scheduled" | "retry")[],
): number | undefined {
  let next: number | undefined;
  for (const queue of queues) {
    for (const state of states) {
      const [first] = queue.slice(state, 0, 1);
      if (first !== undefined && (next === undefined || first.score < next)) next = first.score;
    }
  }
  return next;
}
