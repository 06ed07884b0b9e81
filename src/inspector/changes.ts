import type { Change, ChangeAnswer, ChangeOptions, Inspection, TaskState } from "../broker/inspection.ts";
import { InvalidOptionError, TaskActiveError, TaskNotFoundError, TaskStateError } from "../errors.ts";
import { requireKnownNames } from "../suggestion.ts";
import { requireNonBlank } from "../task-options.ts";
import { requireState } from "./states.ts";

/** Names one task. A {@link TaskInfo} fits. */
export interface TaskRef {
  readonly queue: string;
  readonly id: string;
}

/** What became of one task of a list. */
export type ChangeResult =
  | { readonly ok: true; readonly task: TaskRef }
  | { readonly ok: false; readonly task: TaskRef; readonly error: Error };

export interface ChangeListOptions {
  /** Only tasks in this state; others count as not found. @defaultValue any state */
  from?: TaskState | undefined;
}

type Door = Pick<Inspection, "changeTasks">;

/** @throws what the answer says */
export async function changeOne(door: Door, change: Change, ref: TaskRef): Promise<void> {
  const task = checkedRef(ref);
  const [answer] = await door.changeTasks(task.queue, change, [task.id]);
  const error = answer && errorOf(change, task, answer);
  if (error !== undefined) throw error;
}

/** Changes each on its own: what one of them meets concerns no other. */
export async function changeList(
  door: Door,
  change: Change,
  refs: readonly TaskRef[],
  options: ChangeListOptions = {},
): Promise<ChangeResult[]> {
  requireKnownNames(`${change}Tasks`, options, ["from"]);
  const from = options.from === undefined ? undefined : requireState(options.from);
  if (!Array.isArray(refs)) throw new InvalidOptionError("tasks", "expected an array of tasks");
  const tasks = refs.map(checkedRef);
  const results = new Array<ChangeResult>(tasks.length);
  const byQueue = new Map<string, number[]>();
  for (const [i, { queue }] of tasks.entries()) byQueue.set(queue, [...(byQueue.get(queue) ?? []), i]);
  for (const [queue, positions] of byQueue) {
    const listed = positions.map((i) => tasks[i] as TaskRef);
    const answers = await answersFor(door, queue, change, listed, from === undefined ? {} : { from });
    for (const [nth, i] of positions.entries()) {
      const task = tasks[i] as TaskRef;
      const error = errorOf(change, task, answers[nth] ?? { status: "missing" });
      results[i] = error === undefined ? { ok: true, task } : { ok: false, task, error };
    }
  }
  return results;
}

async function answersFor(
  door: Door,
  queue: string,
  change: Change,
  tasks: readonly TaskRef[],
  options: ChangeOptions,
): Promise<ChangeAnswer[]> {
  try {
    return await door.changeTasks(
      queue,
      change,
      tasks.map(({ id }) => id),
      options,
    );
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return tasks.map(() => ({ status: "failed", error }));
  }
}

function errorOf(change: Change, { queue, id }: TaskRef, answer: ChangeAnswer): Error | undefined {
  switch (answer.status) {
    case "changed":
      return undefined;
    case "missing":
      return new TaskNotFoundError(queue, id);
    case "active":
      return new TaskActiveError(queue, id);
    case "unchanged": {
      const state: TaskState = change === "run" ? "pending" : "archived";
      return new TaskStateError(queue, id, `is ${state} already`);
    }
    case "failed":
      return answer.error;
  }
}

export function checkedRef(ref: TaskRef): TaskRef {
  if (typeof ref !== "object" || ref === null) {
    throw new InvalidOptionError("task", "expected an object with queue and id");
  }
  return { queue: requireNonBlank("queue", ref.queue), id: requireNonBlank("id", ref.id) };
}
