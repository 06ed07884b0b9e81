import type { Inspection } from "../../broker/inspection.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { EngineDoor } from "./engine-door.ts";
import { listTasks, queueInfo, taskInfo } from "./inspect.ts";
import type { MemoryStore } from "./store.ts";
import type { StoredQueue } from "./stored-queue.ts";

export function memoryInspection(store: MemoryStore, clock: Clock, door: EngineDoor): Inspection {
  const open = (queue: string): StoredQueue => {
    door.check();
    return store.queue(queue);
  };

  return {
    queues: async () => {
      door.check();
      return store.registered().map(({ name }) => name);
    },
    queueInfo: async (name) => {
      const queue = open(name);
      return queue.registered ? queueInfo(queue, clock.now()) : undefined;
    },
    taskInfo: async (name, taskId) => {
      const queue = open(name);
      const task = queue.tasks.get(taskId);
      return task && taskInfo(queue, task, clock.now());
    },
    listTasks: async (name, state, page) => {
      const queue = open(name);
      return queue.registered ? listTasks(queue, state, page, clock.now()) : undefined;
    },

    pauseQueue: async (name) => {
      const queue = open(name);
      const changed = !queue.paused;
      queue.paused = true;
      return changed;
    },
    unpauseQueue: async (name) => {
      const queue = open(name);
      const changed = queue.paused;
      queue.paused = false;
      queue.wake("pending");
      return changed;
    },
  };
}
