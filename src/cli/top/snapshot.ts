import type { Inspector, QueueInfo, ServerRecord } from "titanqueue";

/** The store at one moment. */
export interface Snapshot {
  /** By `Clock.monotonic`. */
  readonly at: number;
  readonly queues: readonly QueueInfo[];
  readonly servers: readonly ServerRecord[];
}

/** Attempts that ended, a second. `undefined`: there is nothing to compare with yet. */
export interface Rates {
  readonly processed: number | undefined;
  readonly failed: number | undefined;
}

export async function look(inspector: Inspector, at: () => number): Promise<Snapshot> {
  const names = await inspector.queues();
  const [queues, servers] = await Promise.all([
    Promise.all(names.map((name) => inspector.getQueueInfo(name))),
    inspector.servers(),
  ]);
  return { at: at(), queues, servers };
}

/** Rates of a queue between two looks. */
export function ratesOf(queue: QueueInfo, now: Snapshot, before: Snapshot | undefined): Rates {
  const earlier = before?.queues.find((each) => each.queue === queue.queue);
  const seconds = (now.at - (before?.at ?? now.at)) / 1_000;
  if (earlier === undefined || seconds <= 0) return { processed: undefined, failed: undefined };
  // Counters begin anew where a queue was removed and made again.
  const rate = (name: "processedTotal" | "failedTotal") => Math.max(0, queue[name] - earlier[name]) / seconds;
  return { processed: rate("processedTotal"), failed: rate("failedTotal") };
}
