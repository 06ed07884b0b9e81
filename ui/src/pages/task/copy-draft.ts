import type { CopyRequest, EnqueueOptions, EnqueueRequest, TaskDetail } from "../../api/types.ts";
import {
  lengthProblem,
  NO_OPTIONS,
  type OptionTexts,
  optionProblems,
  optionsOf,
} from "../../task-form/option-texts.ts";
import { contentOf, type PayloadText, payloadProblem } from "../../task-form/payload-text.ts";
import { lengthText, whyNotWhole } from "./task-code.ts";

/** A copy of a task as somebody edits it: what stands in the fields. */
export interface CopyDraft extends OptionTexts, PayloadText {
  readonly queue: string;
  /** Empty: at once. */
  readonly processIn: string;
}

/** What is wrong, by field. */
export type CopyErrors = Partial<Record<keyof CopyDraft, string>>;

/** What there is before anybody has edited. Of the deadline nothing is said: a copy has that of its task while it lasts. */
export function draftOf(task: TaskDetail, pretty: (json: string) => string): CopyDraft {
  const { payload, queue, maxRetry, timeout, retention, group, headers } = task;
  const { kind, text } = payload;
  return {
    ...NO_OPTIONS,
    kind: kind === "none" ? "json" : kind,
    payload: kind === "json" && whyNotWhole(payload) === null ? pretty(text) : text,
    queue,
    processIn: "",
    maxRetry: String(maxRetry),
    timeout: timeout === null ? "" : lengthText(timeout),
    retention: retention === 0 ? "" : lengthText(retention),
    group: group ?? "",
    headers: headers.map(({ name, value }) => `${name}=${value}`).join("\n"),
  };
}

/** What can be told to be wrong without asking. */
export function errorsOf(draft: CopyDraft): CopyErrors {
  const errors: CopyErrors = { ...optionProblems(draft) };
  const payload = payloadProblem(draft);
  if (payload !== null) errors.payload = payload;
  if (draft.queue.trim() === "") errors.queue = "A task needs a queue.";
  const length = lengthProblem(draft.processIn);
  if (length !== null) errors.processIn = length;
  return errors;
}

/** A copy of a task that is there: only what was changed is sent, all else stays as it is. */
export function copyRequest(draft: CopyDraft, before: CopyDraft): CopyRequest {
  const isSame = draft.kind === before.kind && draft.payload === before.payload;
  const changed = Object.entries(copyOptions(draft)).filter(
    ([name]) => draft[name as keyof CopyDraft] !== before[name as keyof CopyDraft],
  );
  return {
    ...(!isSame && { payload: contentOf(draft) }),
    ...(changed.length > 0 && { options: Object.fromEntries(changed) as EnqueueOptions }),
  };
}

/** A task like one that is not there any more. */
export function enqueueRequest(draft: CopyDraft, type: string): EnqueueRequest {
  return { type, payload: contentOf(draft), options: copyOptions(draft) };
}

/** What was emptied says that there is to be none, rather than what is usual. */
function copyOptions(draft: CopyDraft): EnqueueOptions {
  return {
    queue: draft.queue.trim(),
    timeout: "none",
    retention: 0,
    headers: [],
    ...optionsOf(draft),
    ...(draft.processIn.trim() !== "" && { processIn: draft.processIn.trim() }),
  };
}

/** Which field the monitor complains of; `null`: it is about the whole. */
export function fieldOfComplaint(where: string | undefined): keyof CopyDraft | null {
  const name = where?.replace(/^options\./, "").split(/[.[]/)[0] ?? "";
  const fields: readonly string[] = [...Object.keys(NO_OPTIONS), "payload", "queue", "processIn"];
  return fields.includes(name) ? (name as keyof CopyDraft) : null;
}
