import type { BulkAction, BulkRequest, Operation, TaskAction, TaskRow, TaskState } from "../api/types.ts";
import { exactCount, plural } from "../format/numbers.ts";

interface ActionWords {
  /** On a button: `Archive`. */
  readonly verb: string;
  /** While it goes on: `Archiving`. */
  readonly going: string;
  /** Of what was done: `archived`. */
  readonly done: string;
  /** What becomes of the tasks. */
  readonly meaning: string;
  /** The states whose tasks it takes. */
  readonly states: readonly TaskState[];
}

export const ACTIONS: Readonly<Record<BulkAction, ActionWords>> = {
  run: {
    verb: "Run",
    going: "Running",
    done: "made pending",
    meaning: "They become pending, whatever they wait for.",
    states: ["scheduled", "retry", "archived", "aggregating"],
  },
  archive: {
    verb: "Archive",
    going: "Archiving",
    done: "archived",
    meaning: "They do not run until somebody runs them.",
    states: ["pending", "scheduled", "retry", "aggregating"],
  },
  delete: {
    verb: "Delete",
    going: "Deleting",
    done: "deleted",
    meaning: "They are archived now and deleted in ten minutes; until then this can be undone.",
    states: ["pending", "scheduled", "retry", "aggregating", "archived", "completed"],
  },
  redrive: {
    verb: "Redrive",
    going: "Redriving",
    done: "moved back",
    meaning: "They become pending again, the longest archived first.",
    states: ["archived"],
  },
};

/** Which of some tasks an action takes. */
export function takenBy(action: TaskAction | "cancel", tasks: readonly TaskRow[]): readonly TaskRow[] {
  if (action === "cancel") return tasks.filter(({ state }) => state === "active");
  return tasks.filter(({ state }) => ACTIONS[action].states.includes(state));
}

/** All tasks that an action is for, before it is known how many they are. */
export interface BulkOrder
  extends Pick<BulkRequest, "action" | "filter" | "queues" | "states" | "fingerprint" | "group"> {
  /** What they are, in words: `all that match state:retry`. */
  readonly of: string;
}

/** What a request asks for. Deleting is asked to be undoable as long as it is not known that it cannot be. */
export function bulkRequest(
  order: BulkOrder,
  more: Pick<BulkRequest, "dryRun" | "rate" | "undoable">,
): BulkRequest {
  const { of: _, ...request } = order;
  const { undoable, ...rest } = more;
  return { ...request, ...rest, ...(undoable === true && order.action === "delete" && { undoable }) };
}

/** Tasks per second since it began; `null`: it has only begun. */
export function rateOf({ done, startedAt }: Operation, now: number): number | null {
  const seconds = (now - startedAt) / 1_000;
  return seconds < 0.5 || done === 0 ? null : done / seconds;
}

/** Milliseconds that are left, as it goes; `null`: there is no telling. */
export function leftOf(operation: Operation, now: number): number | null {
  const rate = rateOf(operation, now);
  return rate === null || operation.total === null
    ? null
    : ((operation.total - operation.done) / rate) * 1_000;
}

/** How it ended, as a sentence. */
export function endOf({ action, status, changed, matched, undone, error }: Operation): string {
  if (undone !== null) return `${plural(undone, "task")} put back.`;
  const words = action === "delete-queue" ? "deleted" : ACTIONS[action].done;
  const of = matched !== null && matched > changed ? ` of ${exactCount(matched)}` : "";
  const what = `${exactCount(changed)}${of} ${changed === 1 && of === "" ? "task" : "tasks"} ${words}`;
  if (status === "failed") return `${error?.message ?? "It failed"}. ${what}.`;
  if (status === "stopped") return `Stopped: ${what}; the others are as they were.`;
  return `${what}.`;
}
