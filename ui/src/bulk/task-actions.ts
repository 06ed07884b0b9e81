import { isApiError } from "../api/api-error.ts";
import { call } from "../api/call.ts";
import { queryClient } from "../api/query-client.ts";
import type { Operation, TaskAction, TaskRef, TaskRow } from "../api/types.ts";
import { confirm } from "../components/confirm.tsx";
import { notify, notifyError } from "../components/toast.tsx";
import { plural } from "../format/numbers.ts";
import { ACTIONS, takenBy } from "./bulk-words.ts";

/** Lists and pages of tasks look anew. */
export function lookAnew(): void {
  for (const route of [
    "GET /api/tasks",
    "GET /api/queues/{queue}/tasks",
    "GET /api/queues/{queue}/tasks/{id}",
    "GET /api/failures",
  ]) {
    void queryClient.invalidateQueries({ queryKey: [route] });
  }
}

/** Takes back an operation, and says so. */
export function undo({ id }: Pick<Operation, "id">): Promise<void> {
  return call("POST /api/operations/{id}/undo", { params: { id } }).then(({ undone }) => {
    notify({ text: undone === null ? "It is being put back." : `${plural(undone, "task")} put back.` });
    lookAnew();
  }, notifyError("Could not put it back"));
}

function named(tasks: readonly TaskRow[]): string {
  const [only] = tasks;
  return tasks.length === 1 && only !== undefined
    ? `${only.type || "task"} ${only.id}`
    : plural(tasks.length, "task");
}

/** Does the same to tasks that were chosen one by one; those that it is not for stay out. Resolves to whether it was done. */
export async function changeTasks(action: TaskAction, chosen: readonly TaskRow[]): Promise<boolean> {
  const tasks = takenBy(action, chosen);
  const { verb, done, states } = ACTIONS[action];
  if (tasks.length === 0) {
    notify({ text: `${verb} is for tasks that are ${orOf(states)}.`, tone: "bad" });
    return false;
  }
  if (action === "delete") return deleteTasks(tasks);
  const refs = tasks.map(({ queue, id }) => ({ queue, id }));
  try {
    const answer = await call("POST /api/changes", { body: { action, tasks: refs } });
    const failed = answer.results.flatMap(({ error }) => error ?? []);
    const why = failed[0]?.message;
    if (answer.changed > 0) notify({ text: `${plural(answer.changed, "task")} ${done}.` });
    if (why !== undefined)
      notify({ text: `${plural(failed.length, "task")} not ${done}: ${why}`, tone: "bad" });
    return answer.changed > 0;
  } catch (error) {
    if (!isApiError(error)) throw error;
    notifyError(`Could not ${verb.toLowerCase()} ${named(tasks)}`)(error);
    return false;
  } finally {
    lookAnew();
  }
}

async function deleteTasks(tasks: readonly TaskRow[]): Promise<boolean> {
  const what = named(tasks);
  const yes = await confirm({
    title: `Delete ${what}?`,
    body: "Archived now, deleted in ten minutes; until then this can be undone.",
    verb: "Delete",
  });
  if (!yes) return false;
  const refs = tasks.map(({ queue, id }) => ({ queue, id }));
  try {
    await sendDelete(refs, true);
    return true;
  } catch (error) {
    if (!isApiError(error)) throw error;
    if (error.code !== "NOT_UNDOABLE") {
      notifyError(`Could not delete ${what}`)(error);
      return false;
    }
    return deleteForGood(what, refs, error.message);
  } finally {
    lookAnew();
  }
}

async function deleteForGood(what: string, refs: TaskRef[], why: string): Promise<boolean> {
  const yes = await confirm({
    title: `Delete ${what} for good?`,
    body: `It cannot be undone: ${why}.`,
    verb: "Delete for good",
  });
  if (!yes) return false;
  return sendDelete(refs, false).then(
    () => true,
    (error) => {
      notifyError(`Could not delete ${what}`)(error);
      return false;
    },
  );
}

async function sendDelete(tasks: TaskRef[], undoable: boolean): Promise<void> {
  const { changed, results, operation } = await call("POST /api/changes", {
    body: { action: "delete", undoable, tasks },
  });
  const failed = results.flatMap(({ error }) => error ?? []);
  if (changed > 0) {
    notify({
      text: `${plural(changed, "task")} deleted.`,
      ...(operation !== null && { action: { label: "Undo", run: () => void undo(operation) } }),
    });
  }
  const why = failed[0]?.message;
  if (why !== undefined)
    notify({ text: `${plural(failed.length, "task")} not deleted: ${why}`, tone: "bad" });
}

/** Tells servers to end what they do; what becomes of it is theirs to decide. */
export async function cancelTasks(chosen: readonly TaskRow[]): Promise<boolean> {
  const tasks = takenBy("cancel", chosen);
  if (tasks.length === 0) {
    notify({ text: "Cancel is for tasks that run.", tone: "bad" });
    return false;
  }
  const yes = await confirm({
    title: `Cancel ${named(tasks)}?`,
    body: "The server is told to end it. It is tried again then, or archived where the server's cancelPolicy says so.",
    verb: tasks.length === 1 ? "Cancel the task" : "Cancel the tasks",
  });
  if (!yes) return false;
  let told = 0;
  try {
    for (const { queue, id } of tasks) {
      const params = { queue, id };
      const { outcome } = await call("POST /api/queues/{queue}/tasks/{id}/cancel", { params });
      if (outcome !== "finished") told += 1;
    }
  } catch (error) {
    if (!isApiError(error)) throw error;
    notifyError("Could not cancel")(error);
  } finally {
    lookAnew();
  }
  const late = tasks.length - told;
  if (told > 0) notify({ text: `${plural(told, "task")} told to end.` });
  if (told === 0 && late > 0) notify({ text: `${plural(late, "task")} had ended already.` });
  return told > 0;
}

function orOf(words: readonly string[]): string {
  return `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}
