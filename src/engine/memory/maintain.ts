import type { StoredQueue, StoredTask } from "./stored-queue.ts";

const ARCHIVE_TIME = 90 * 86_400_000;
const ARCHIVE_SIZE = 10_000;

export function deleteExpired(queue: StoredQueue, limit: number, now: number): number {
  return removeWhile(queue, "completed", limit, (task) => task.score <= now);
}

export function trimArchive(queue: StoredQueue, limit: number, now: number): number {
  const { archived } = queue.sets;
  const isOver = (task: StoredTask) => archived.size > ARCHIVE_SIZE || task.score <= now - ARCHIVE_TIME;
  return removeWhile(queue, "archived", limit, isOver);
}

/** Deletes from the low end of a set as long as `isOver`, at most `limit`; answers how many. */
function removeWhile(
  queue: StoredQueue,
  state: "archived" | "completed",
  limit: number,
  isOver: (task: StoredTask) => boolean,
): number {
  let removed = 0;
  let task = queue.sets[state].first();
  while (task !== undefined && removed < limit && isOver(task)) {
    queue.remove(task);
    removed += 1;
    task = queue.sets[state].first();
  }
  return removed;
}
