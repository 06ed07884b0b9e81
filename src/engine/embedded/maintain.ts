import { ARCHIVE_AGE, ARCHIVE_SIZE } from "../archive-bounds.ts";
import type { EmbeddedQueue, EmbeddedTask } from "./embedded-store.ts";

export function deleteExpired(queue: EmbeddedQueue, limit: number, now: number): number {
  return removeWhile(queue, "completed", limit, (task) => task.score <= now);
}

export function trimArchive(queue: EmbeddedQueue, limit: number, now: number): number {
  let over = queue.size("archived") - ARCHIVE_SIZE;
  return removeWhile(queue, "archived", limit, (task) => {
    over -= 1;
    return over >= 0 || task.score <= now - ARCHIVE_AGE;
  });
}

/** Deletes from the low end of a set as long as `isOver`, at most `limit`; answers how many. */
function removeWhile(
  queue: EmbeddedQueue,
  state: "archived" | "completed",
  limit: number,
  isOver: (task: EmbeddedTask) => boolean,
): number {
  let removed = 0;
  for (const task of queue.slice(state, 0, limit)) {
    if (!isOver(task)) break;
    queue.remove(task);
    removed += 1;
  }
  return removed;
}
