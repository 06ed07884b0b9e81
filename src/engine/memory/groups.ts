import type { StoredQueue } from "./stored-queue.ts";

/** Returns the members of overdue aggregation sets to their groups, each with the time it joined. */
export function reclaimAggregationSets(queue: StoredQueue, now: number): number {
  let reclaimed = 0;
  for (const set of queue.aggregationSets) {
    if (set.deadline > now) continue;
    for (const task of set.members.slice(0, set.members.size)) queue.toGroup(task, task.score);
    queue.aggregationSets.delete(set);
    reclaimed += 1;
  }
  return reclaimed;
}
