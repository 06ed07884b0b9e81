import type {
  Change,
  ChangeAnswer,
  ChangedPart,
  ChangeOptions,
  Restored,
  StatePart,
} from "../../broker/inspection.ts";
import type { EmbeddedQueue, EmbeddedTask } from "./embedded-store.ts";

/** Runs, archives or deletes one task, as an operator wishes. */
export function changeTask(
  queue: EmbeddedQueue,
  change: Change,
  id: string,
  { from }: ChangeOptions,
  now: number,
): ChangeAnswer {
  const task = queue.find(id);
  if (task === undefined || (from !== undefined && task.state !== from)) return { status: "missing" };
  if (task.state === "active" || queue.isPicked(task)) return { status: "active" };
  const wanted = change === "run" ? "pending" : change === "archive" ? "archived" : undefined;
  if (task.state === wanted) return { status: "unchanged" };
  apply(queue, change, task, now);
  return { status: "changed" };
}

/** The same for the next tasks of a state. */
export function changeSome(
  queue: EmbeddedQueue,
  change: Change,
  { state, group = "" }: StatePart,
  limit: number,
  now: number,
): ChangedPart {
  const tasks = state === "aggregating" ? queue.sliceGroup(group, 0, limit) : queue.slice(state, 0, limit);
  for (const task of tasks) apply(queue, change, task, now);
  return { handled: tasks.length, changed: tasks.length };
}

/** Puts an archived task back; false: it is archived no more. */
export function restoreTask(queue: EmbeddedQueue, { id, state, at }: Restored, now: number): boolean {
  const task = queue.find(id);
  if (task?.state !== "archived") return false;
  if (state === "pending") queue.toTail(task, now);
  else queue.toDelayed(task, state, at);
  return true;
}

function apply(queue: EmbeddedQueue, change: Change, task: EmbeddedTask, now: number): void {
  if (change === "run") queue.toTail(task, now);
  // The lock stays: an archived task still stands for its work. The janitor keeps the archive within its bounds.
  else if (change === "archive") queue.toFinished(task, "archived", now);
  else queue.remove(task);
}
