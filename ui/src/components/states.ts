import type { TaskState } from "../api/types.ts";

/** In the order in which they are shown everywhere: what moves first, what has ended last. */
export const STATES: readonly TaskState[] = [
  "active",
  "pending",
  "scheduled",
  "retry",
  "aggregating",
  "archived",
  "completed",
];

export const STATE_WORDS: Readonly<Record<TaskState, string>> = {
  active: "Active",
  pending: "Pending",
  scheduled: "Scheduled",
  retry: "Retry",
  aggregating: "Aggregating",
  archived: "Archived",
  completed: "Completed",
};

/** What the state means, for hovers and empty lists. */
export const STATE_MEANINGS: Readonly<Record<TaskState, string>> = {
  active: "A server runs it now.",
  pending: "It waits for a free slot.",
  scheduled: "It waits for its time.",
  retry: "It failed, and runs again.",
  aggregating: "It waits in its group for others.",
  archived: "It failed for good. It is kept until somebody decides.",
  completed: "It succeeded, and its result is kept for a while.",
};
