import type { SchedulerEvent } from "../../api/types.ts";

export const OUTCOME_TONES: Readonly<Record<SchedulerEvent["outcome"], "good" | "bad" | "warning" | "none">> =
  {
    processed: "good",
    failed: "warning",
    archived: "bad",
    active: "none",
    waiting: "none",
    gone: "none",
  };

export const OUTCOME_WORDS: Readonly<Record<SchedulerEvent["outcome"], string>> = {
  processed: "processed",
  failed: "failed, and tried again",
  archived: "archived",
  active: "running",
  waiting: "waiting",
  gone: "succeeded or deleted",
};
