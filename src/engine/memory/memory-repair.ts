import type { Repair } from "../../broker/repair.ts";
import type { Transactions } from "../embedded/embedded-store.ts";

/** A store that only its own methods can change holds no damage: all there is to tell is how much was looked at. */
export function memoryRepair({ read }: Pick<Transactions, "read">): Repair {
  return {
    fsck: ({ queues, signal, onProgress }) =>
      read((store) => {
        if (signal?.aborted) return { queues: [], tasks: 0, stopped: true };
        const names = queues === undefined ? store.queueNames() : [...queues];
        let tasks = 0;
        for (const name of names) {
          const { groups: _, ...sizes } = store.queue(name).sizes();
          for (const size of Object.values(sizes)) tasks += size;
        }
        onProgress(tasks, tasks);
        return { queues: names.sort(), tasks, stopped: false };
      }),

    diagnose: () =>
      read(() => ({
        facts: { durable: false },
        advice: [
          {
            code: "NOT_DURABLE",
            severity: "warning",
            finding: "tasks are kept in the memory of this process",
            meaning: "They are gone with it, and no other process sees them. Good for tests and trials.",
            remedy: 'createEngine("sqlite:tasks.db") or createEngine("redis://127.0.0.1:6379")',
          },
        ],
      })),
  };
}
