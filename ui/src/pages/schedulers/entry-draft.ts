import type { SchedulerDefinition } from "../../api/types.ts";
import { NO_OPTIONS, optionProblems } from "../../task-form/option-texts.ts";
import { parsed } from "../../task-form/schema-form.ts";

export type Missed = "skip" | "run-once" | "backfill";

/** What stands in the form: text, right or wrong. */
export interface Draft {
  readonly spec: string;
  readonly timezone: string;
  readonly type: string;
  readonly queue: string;
  readonly payload: string;
  readonly maxRetry: string;
  readonly timeout: string;
  readonly missed: Missed;
  readonly backfill: string;
}

export const DRAFT_FIELDS = [
  "spec",
  "timezone",
  "type",
  "queue",
  "payload",
  "maxRetry",
  "timeout",
  "missed",
  "backfill",
] as const satisfies readonly (keyof Draft)[];

export function draftOf(definition: SchedulerDefinition | null): Draft {
  const { spec = "", timezone = "", type = "", payload, options = {}, missed = "skip" } = definition ?? {};
  return {
    spec,
    timezone,
    type,
    queue: options.queue ?? "",
    payload: payload === undefined || payload.kind === "none" ? "" : payload.text,
    maxRetry: options.maxRetry === undefined ? "" : String(options.maxRetry),
    timeout: options.timeout === undefined ? "" : String(options.timeout),
    missed: typeof missed === "object" ? "backfill" : missed,
    backfill: typeof missed === "object" ? String(missed.backfill) : "10",
  };
}

export interface DraftProblem {
  readonly field: keyof Draft;
  readonly text: string;
}

/** What a draft says, over what stood there before: options that the form has no field for stay. */
export function definitionOf(
  draft: Draft,
  before: SchedulerDefinition | null,
): { readonly definition: SchedulerDefinition } | { readonly problem: DraftProblem } {
  const text = (field: keyof Draft) => draft[field].trim();
  if (text("spec") === "") return problem("spec", "When is it due? As 0 9 * * *, or @every 1h.");
  if (text("type") === "") return problem("type", "Which type of task?");
  const kind = before !== null && before.payload.kind !== "none" ? before.payload.kind : "json";
  if (kind === "json" && text("payload") !== "" && parsed(draft.payload) === undefined) {
    return problem("payload", "This is not JSON.");
  }
  const { maxRetry, timeout } = draft;
  const wrong = optionProblems({ ...NO_OPTIONS, maxRetry, timeout });
  for (const field of ["maxRetry", "timeout"] as const) {
    if (wrong[field] !== undefined) return problem(field, wrong[field]);
  }
  const backfill = Number(text("backfill"));
  if (draft.missed === "backfill" && !(Number.isInteger(backfill) && backfill >= 1 && backfill <= 1_000)) {
    return problem("backfill", "From 1 to 1,000.");
  }
  const { queue: _queue, maxRetry: _maxRetry, timeout: _timeout, ...others } = before?.options ?? {};
  return {
    definition: {
      spec: text("spec"),
      ...(text("timezone") !== "" && { timezone: text("timezone") }),
      type: text("type"),
      payload: text("payload") === "" ? { kind: "none", text: "" } : { kind, text: draft.payload },
      options: {
        ...others,
        ...(text("queue") !== "" && { queue: text("queue") }),
        ...(text("maxRetry") !== "" && { maxRetry: Number(text("maxRetry")) }),
        ...(text("timeout") !== "" && { timeout: text("timeout") }),
      },
      missed: draft.missed === "backfill" ? { backfill } : draft.missed,
    },
  };
}

function problem(field: keyof Draft, text: string): { readonly problem: DraftProblem } {
  return { problem: { field, text } };
}
