import type { Broker } from "../broker/broker.ts";
import type { Inspection } from "../broker/inspection.ts";
import { InvalidOptionError, TaskNotFoundError } from "../errors.ts";
import { shown } from "../shown-value.ts";
import { requireKnownNames } from "../suggestion.ts";
import { changeList, checkedRef, type TaskRef } from "./changes.ts";

export interface CancelOptions {
  /**
   * What becomes of a task that waits: `"archive"` sets it aside, `"delete"` removes it, `"retry"` lets it wait for its
   * turn. Of one that runs, its server decides (`cancelPolicy`).
   * @defaultValue `"archive"`
   */
  then?: "archive" | "delete" | "retry" | undefined;
}

/**
 * `canceled`: it does not run, and is as `then` says. `signaled`: it runs, and its server was told. `finished`: it had ended
 * before.
 */
export type CancelAnswer = "canceled" | "signaled" | "finished";

/** The task may change its state between the look and the change: then it is looked at again, so often. */
const LOOKS = 3;

export async function cancelTask(
  { broker, inspection }: { readonly broker: Broker; readonly inspection: Inspection },
  ref: TaskRef,
  options: CancelOptions,
): Promise<CancelAnswer> {
  const task = checkedRef(ref);
  requireKnownNames("cancelTask", options, ["then"]);
  const { then = "archive" } = options;
  if (then !== "archive" && then !== "delete" && then !== "retry") {
    throw new InvalidOptionError("then", `expected "archive", "delete" or "retry"; got ${shown(then)}`);
  }
  for (let look = 1; ; look += 1) {
    const found = await inspection.taskInfo(task.queue, task.id);
    if (found === undefined) throw new TaskNotFoundError(task.queue, task.id);
    if (found.state === "archived" || found.state === "completed") return "finished";
    if (found.state === "active") {
      await broker.publishCancelation(task.id);
      return "signaled";
    }
    if (then === "retry") return "canceled";
    const [result] = await changeList(inspection, then, [task]);
    if (result === undefined || result.ok) return "canceled";
    if (look === LOOKS) throw result.error;
  }
}
