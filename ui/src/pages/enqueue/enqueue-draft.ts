import type { EnqueueOptions, EnqueueRequest, ErrorFacts } from "../../api/types.ts";
import {
  instantOf,
  lengthProblem,
  NO_OPTIONS,
  type OptionTexts,
  optionProblems,
  optionsOf,
} from "../../task-form/option-texts.ts";
import { contentOf, type PayloadText, payloadProblem } from "../../task-form/payload-text.ts";
import { parsed } from "../../task-form/schema-form.ts";

/** What stands in the form: text, right or wrong. */
export interface EnqueueDraft extends OptionTexts, PayloadText {
  readonly type: string;
  readonly queue: string;
  readonly when: "now" | "in" | "at";
  readonly processIn: string;
  /** As the browser's field has it: `2026-11-24T19:45`, by its own clock. */
  readonly processAt: string;
}

export const EMPTY_DRAFT: EnqueueDraft = {
  type: "",
  queue: "",
  kind: "json",
  payload: "",
  when: "now",
  processIn: "",
  processAt: "",
  ...NO_OPTIONS,
};

export type DraftField = keyof EnqueueDraft;
/** What is wrong, by field. */
export type Problems = Readonly<Partial<Record<DraftField, string>>>;

/** What can be told to be wrong without asking. */
export function problemsOf(draft: EnqueueDraft): Problems {
  const problems: Partial<Record<DraftField, string>> = { ...optionProblems(draft) };
  const payload = payloadProblem(draft);
  if (draft.type.trim() === "") problems.type = "Which type of task?";
  if (payload !== null) problems.payload = payload;
  if (draft.when === "in") {
    const problem = draft.processIn.trim() === "" ? "How long?" : lengthProblem(draft.processIn);
    if (problem !== null) problems.processIn = problem;
  }
  if (draft.when === "at" && instantOf(draft.processAt) === null) problems.processAt = "When?";
  if (draft.group.trim() !== "" && draft.when !== "now")
    problems.group = "A task in a group waits for others, not for a time.";
  return problems;
}

/** What a draft without problems asks for. `queue`: where the type goes when the form says nothing. */
export function requestOf(draft: EnqueueDraft, queue: string | null): EnqueueRequest {
  const asked = draft.queue.trim() === "" ? queue : draft.queue.trim();
  return {
    type: draft.type.trim(),
    payload: contentOf(draft),
    options: { ...(asked !== null && { queue: asked }), ...optionsOf(draft), ...timeOf(draft) },
  };
}

function timeOf({ when, processIn, processAt }: EnqueueDraft): EnqueueOptions {
  if (when === "in") return { processIn: processIn.trim() };
  const at = when === "at" ? instantOf(processAt) : null;
  return at === null ? {} : { processAt: at };
}

/** The field that the monitor complains of; `null`: it is about the whole. */
export function fieldOfComplaint({ code, where = "" }: ErrorFacts): DraftField | null {
  if (code === "TASK_ID_CONFLICT") return "taskId";
  if (code === "DUPLICATE_TASK") return "unique";
  if (code === "INVALID_PAYLOAD" || code === "TOO_LARGE") return "payload";
  const name = where.replace(/^options\./, "").split(/[.[]/)[0] ?? "";
  return Object.keys(EMPTY_DRAFT).includes(name) ? (name as DraftField) : null;
}

const KEY = "titanqueue.enqueue";
/** As the browser's own. */
interface Store {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** What was being written in this tab, if the page was left or loaded anew. */
export function keptDraft(store: Store): EnqueueDraft {
  const kept = parsed(store.getItem(KEY) ?? "null");
  if (typeof kept !== "object" || kept === null) return EMPTY_DRAFT;
  const known = Object.entries(kept).filter(
    ([name, value]) => name in EMPTY_DRAFT && typeof value === "string",
  );
  const draft = { ...EMPTY_DRAFT, ...Object.fromEntries(known) } as EnqueueDraft;
  return {
    ...draft,
    kind: KINDS.includes(draft.kind) ? draft.kind : "json",
    when: WHENS.includes(draft.when) ? draft.when : "now",
  };
}

const KINDS: readonly string[] = ["json", "text", "hex"];
const WHENS: readonly string[] = ["now", "in", "at"];

export function keepDraft(store: Store, draft: EnqueueDraft): void {
  store.setItem(KEY, JSON.stringify(draft));
}

export function dropDraft(store: Store): void {
  store.removeItem(KEY);
}
