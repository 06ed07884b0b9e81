import type { Inspection, Restored } from "../broker/inspection.ts";
import { InvalidOptionError, TaskStateError } from "../errors.ts";
import type { TaskInfo } from "../task-info.ts";
import { type ChangeResult, checkedRef } from "./changes.ts";

/** A task as it was before it was archived. A {@link TaskInfo} of that time fits. */
export type ArchivedFrom = Pick<TaskInfo, "queue" | "id" | "state" | "nextProcessAt">;

/** Puts archived tasks back, queue by queue; what one of them meets concerns no other. */
export async function restoreList(
  door: Pick<Inspection, "restoreTasks">,
  tasks: readonly ArchivedFrom[],
): Promise<ChangeResult[]> {
  if (!Array.isArray(tasks)) throw new InvalidOptionError("tasks", "expected an array of tasks");
  const wanted = tasks.map((task) => ({ ...checkedRef(task), to: restored(task) }));
  const results = new Map<(typeof wanted)[number], ChangeResult>();
  for (const queue of new Set(wanted.map((task) => task.queue))) {
    const listed = wanted.filter((task) => task.queue === queue);
    const answers = await answersFor(
      door,
      queue,
      listed.map(({ to }) => to),
    );
    for (const [i, each] of listed.entries()) {
      const task = { queue, id: each.id };
      const answer = answers[i] ?? false;
      const error = answer === false ? new TaskStateError(queue, each.id, "is not archived") : answer;
      results.set(each, error === true ? { ok: true, task } : { ok: false, task, error });
    }
  }
  return wanted.map((each) => results.get(each) as ChangeResult);
}

async function answersFor(
  door: Pick<Inspection, "restoreTasks">,
  queue: string,
  tasks: readonly Restored[],
): Promise<readonly (boolean | Error)[]> {
  try {
    return await door.restoreTasks(queue, tasks);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return tasks.map(() => error);
  }
}

/** One that waited for no instant, but for room within a limit, asks for it again. */
function restored({ id, state, nextProcessAt }: ArchivedFrom): Restored {
  if (state !== "pending" && state !== "scheduled" && state !== "retry") {
    throw new InvalidOptionError("state", `expected pending, scheduled or retry; got ${String(state)}`);
  }
  if (state === "pending" || nextProcessAt === undefined) return { id, state: "pending", at: 0 };
  const at = nextProcessAt.getTime();
  if (Number.isNaN(at)) throw new InvalidOptionError("nextProcessAt", "expected a valid date");
  return { id, state, at };
}
