import type { Inspection } from "../../broker/inspection.ts";
import type { Clock } from "../../runtime/clock.ts";
import { changeSome, changeTask, restoreTask } from "./change.ts";
import type { EmbeddedQueue, Transactions } from "./embedded-store.ts";
import { listGroups, listTasks, memoryUsage, queueInfo, scanTasks, taskInFull } from "./inspect.ts";
import { forgetLimits } from "./limits.ts";
import { rewriteTask } from "./rewrite.ts";

/** Tasks that are changed in one piece of work: other processes wait for its end. */
const MOST_TASKS = 500;

export function embeddedInspection(transactions: Transactions, clock: Clock): Inspection {
  const ofKnown = <T>(name: string, look: (queue: EmbeddedQueue) => T): Promise<T | undefined> =>
    transactions.read((store) => {
      const queue = store.queue(name);
      return queue.registered ? look(queue) : undefined;
    });

  return {
    queues: () => transactions.read((store) => store.queueNames()),
    queueInfo: (name) => ofKnown(name, (queue) => queueInfo(queue, clock.now())),
    taskInfo: (name, taskId) =>
      transactions.read((store) => {
        const queue = store.queue(name);
        const task = queue.find(taskId);
        return task && taskInFull(queue, task, clock.now());
      }),
    uniqueLock: (name, key) => transactions.read((store) => store.queue(name).lock(key, clock.now())),
    listTasks: (name, state, page) => ofKnown(name, (queue) => listTasks(queue, state, page, clock.now())),
    history: (name, days) => ofKnown(name, (queue) => queue.history(clock.now(), days)),
    groups: (name, cursor = "") => ofKnown(name, (queue) => listGroups(queue, cursor)),
    memoryUsage: (name) => ofKnown(name, memoryUsage),
    servers: () =>
      transactions.read((store) =>
        store.servers(clock.now()).map(({ info, workers }) => ({ info, workers })),
      ),
    scanTasks: (name, state, cursor, count) =>
      transactions.read((store) => scanTasks(store.queue(name), state, cursor, count, clock.now())),

    pauseQueue: (name) => transactions.write((store) => store.queue(name).setPaused(true)),
    unpauseQueue: (name) => transactions.write((store) => store.queue(name).setPaused(false)),

    changeTasks: async (name, change, ids, options = {}) => {
      const answers = [];
      for (let at = 0; at < ids.length; at += MOST_TASKS) {
        const some = ids.slice(at, at + MOST_TASKS);
        const changed = await transactions.write((store) => {
          const queue = store.queue(name);
          return some.map((id) => changeTask(queue, change, id, options, clock.now()));
        });
        answers.push(...changed);
      }
      return answers;
    },
    restoreTasks: async (name, tasks) => {
      const restored: boolean[] = [];
      for (let at = 0; at < tasks.length; at += MOST_TASKS) {
        const some = tasks.slice(at, at + MOST_TASKS);
        const answers = await transactions.write((store) =>
          some.map((task) => restoreTask(store.queue(name), task, clock.now())),
        );
        restored.push(...answers);
      }
      return restored;
    },
    changeSome: (name, change, part, limit) =>
      transactions.write((store) =>
        changeSome(store.queue(name), change, part, Math.min(limit, MOST_TASKS), clock.now()),
      ),
    rewriteTask: (name, taskId, rewrite) =>
      transactions.write((store) => rewriteTask(store.queue(name), taskId, rewrite, clock.now())),
    holdsUncounted: (name) => transactions.read((store) => store.queue(name).hasSets()),
    removeQueue: (name) =>
      transactions.write((store) => {
        const queue = store.queue(name);
        const { groups, ...sizes } = queue.sizes();
        const isEmpty = Object.values(sizes).every((size) => size === 0);
        if (isEmpty) {
          queue.forget();
          forgetLimits(store.marks, name);
          store.schedules.clearTicks(name);
          store.rollups.clear(name);
        }
        return { status: isEmpty ? "removed" : "not-empty" };
      }),
  };
}
