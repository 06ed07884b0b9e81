import type { Inspection } from "../../broker/inspection.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Transactions } from "./embedded-store.ts";
import { listTasks, queueInfo, taskInfo } from "./inspect.ts";

export function embeddedInspection(transactions: Transactions, clock: Clock): Inspection {
  return {
    queues: () => transactions.read((store) => store.queueNames()),
    queueInfo: (name) =>
      transactions.read((store) => {
        const queue = store.queue(name);
        return queue.registered ? queueInfo(queue, clock.now()) : undefined;
      }),
    taskInfo: (name, taskId) =>
      transactions.read((store) => {
        const queue = store.queue(name);
        const task = queue.find(taskId);
        return task && taskInfo(queue, task, clock.now());
      }),
    listTasks: (name, state, page) =>
      transactions.read((store) => {
        const queue = store.queue(name);
        return queue.registered ? listTasks(queue, state, page, clock.now()) : undefined;
      }),

    pauseQueue: (name) => transactions.write((store) => store.queue(name).setPaused(true)),
    unpauseQueue: (name) => transactions.write((store) => store.queue(name).setPaused(false)),
  };
}
