import type { Change, TaskState } from "../broker/inspection.ts";
import { InvalidOptionError } from "../errors.ts";
import { shown } from "../shown-value.ts";
import { requireNonBlank } from "../task-options.ts";

export const STATES: readonly TaskState[] = [
  "active",
  "pending",
  "scheduled",
  "retry",
  "archived",
  "completed",
  "aggregating",
];

/** Whose tasks may be changed all together. A completed task runs again as a copy; a running one is canceled. */
const CHANGEABLE: Readonly<Record<Change, readonly TaskState[]>> = {
  run: ["scheduled", "retry", "archived", "aggregating"],
  archive: ["pending", "scheduled", "retry", "aggregating"],
  delete: ["pending", "scheduled", "retry", "archived", "completed", "aggregating"],
};

export function requireState(state: string, allowed: readonly TaskState[] = STATES): TaskState {
  const found = allowed.find((each) => each === state);
  if (found !== undefined) return found;
  throw new InvalidOptionError("state", `expected one of ${allowed.join(", ")}; got ${shown(state)}`);
}

export function requireChangeable(change: Change, state: string): TaskState {
  return requireState(state, CHANGEABLE[change]);
}

export function groupOf(state: TaskState, group: string | undefined): { group?: string } {
  if (state === "aggregating") return { group: requireNonBlank("group", group) };
  if (group !== undefined) throw new InvalidOptionError("group", `means nothing for ${state} tasks`);
  return {};
}
