import type { EnqueueOptions, EnqueueRequest, ErrorFacts, WrittenContent } from "../../api/types.ts";
import { parsed } from "./schema-form.ts";

/** What stands in the form: text, right or wrong. */
export interface EnqueueDraft {
  readonly type: string;
  readonly queue: string;
  readonly kind: Exclude<WrittenContent["kind"], "none">;
  /** Empty: none. */
  readonly payload: string;
  readonly when: "now" | "in" | "at";
  readonly processIn: string;
  /** As the browser's field has it: `2026-11-24T19:45`, by its own clock. */
  readonly processAt: string;
  readonly taskId: string;
  readonly maxRetry: string;
  readonly timeout: string;
  readonly deadline: string;
  readonly retention: string;
  readonly unique: string;
  readonly uniqueKey: string;
  readonly group: string;
  /** `name=value`, one a line. */
  readonly headers: string;
}

export const EMPTY_DRAFT: EnqueueDraft = {
  type: "",
  queue: "",
  kind: "json",
  payload: "",
  when: "now",
  processIn: "",
  processAt: "",
  taskId: "",
  maxRetry: "",
  timeout: "",
  deadline: "",
  retention: "",
  unique: "",
  uniqueKey: "",
  group: "",
  headers: "",
};

export type DraftField = keyof EnqueueDraft;
/** What is wrong, by field. */
export type Problems = Readonly<Partial<Record<DraftField, string>>>;

/** Fields of what is more than type, queue, payload and time. */
export const OPTION_FIELDS = [
  "taskId",
  "maxRetry",
  "timeout",
  "deadline",
  "retention",
  "unique",
  "uniqueKey",
  "group",
  "headers",
] as const satisfies readonly DraftField[];

const LENGTH = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/;
const A_LENGTH = "A length, as 30s, 10m or 1h30m.";

/** What can be told to be wrong without asking. */
export function problemsOf(draft: EnqueueDraft): Problems {
  const problems: Partial<Record<DraftField, string>> = {};
  const text = (field: DraftField) => draft[field].trim();
  const payload = payloadProblem(draft);
  if (text("type") === "") problems.type = "Which type of task?";
  if (payload !== null) problems.payload = payload;
  for (const field of ["timeout", "retention", "unique"] as const) {
    if (text(field) !== "" && !LENGTH.test(text(field))) problems[field] = A_LENGTH;
  }
  if (draft.when === "in" && !LENGTH.test(text("processIn"))) problems.processIn = A_LENGTH;
  if (draft.when === "at" && instantOf(draft.processAt) === null) problems.processAt = "When?";
  if (text("deadline") !== "" && instantOf(draft.deadline) === null) problems.deadline = "This is no time.";
  if (!/^\d{0,10}$/.test(text("maxRetry"))) problems.maxRetry = "A whole number, as 25.";
  if (text("uniqueKey") !== "" && text("unique") === "") problems.unique = "How long is the key held?";
  if (text("group") !== "" && draft.when !== "now")
    problems.group = "A task in a group waits for others, not for a time.";
  const bad = linesOf(draft.headers).find((line) => line.indexOf("=") < 1);
  if (bad !== undefined) problems.headers = `Write name=value: ${bad.slice(0, 40)}`;
  return problems;
}

function payloadProblem({ kind, payload }: EnqueueDraft): string | null {
  if (kind === "json" && payload.trim() !== "" && parsed(payload) === undefined) return "This is not JSON.";
  if (kind === "hex" && !/^(?:[\da-f]{2})*$/i.test(payload.replaceAll(/\s/g, ""))) {
    return "An even number of hexadecimal digits.";
  }
  return null;
}

/** Of a field for a time, by the browser's zone; `null`: there is none. */
function instantOf(local: string): number | null {
  const at = new Date(local.trim()).getTime();
  return Number.isNaN(at) ? null : at;
}

function linesOf(text: string): readonly string[] {
  return text.split("\n").filter((line) => line.trim() !== "");
}

/** What a draft without problems asks for. `queue`: where the type goes when the form says nothing. */
export function requestOf(draft: EnqueueDraft, queue: string | null): EnqueueRequest {
  return { type: draft.type.trim(), payload: contentOf(draft), options: optionsOf(draft, queue) };
}

function contentOf({ kind, payload }: EnqueueDraft): WrittenContent {
  if (kind === "hex") {
    const digits = payload.replaceAll(/\s/g, "");
    return digits === "" ? { kind: "none", text: "" } : { kind, text: digits };
  }
  const isNone = kind === "json" ? payload.trim() === "" : payload === "";
  return isNone ? { kind: "none", text: "" } : { kind, text: payload };
}

function optionsOf(draft: EnqueueDraft, definedQueue: string | null): EnqueueOptions {
  const given = (field: DraftField) => {
    const text = draft[field].trim();
    return text === "" ? {} : { [field]: text };
  };
  const deadline = instantOf(draft.deadline);
  const processAt = draft.when === "at" ? instantOf(draft.processAt) : null;
  const headers = linesOf(draft.headers).map((line) => {
    const at = line.indexOf("=");
    return { name: line.slice(0, at).trim(), value: line.slice(at + 1) };
  });
  return {
    ...(definedQueue !== null && { queue: definedQueue }),
    ...given("queue"),
    ...given("taskId"),
    ...(draft.maxRetry.trim() !== "" && { maxRetry: Number(draft.maxRetry.trim()) }),
    ...given("timeout"),
    ...given("retention"),
    ...given("unique"),
    ...given("uniqueKey"),
    ...given("group"),
    ...(draft.when === "in" && given("processIn")),
    ...(processAt !== null && { processAt }),
    ...(deadline !== null && { deadline }),
    ...(headers.length > 0 && { headers }),
  };
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
type Store = Pick<Storage, "getItem" | "setItem" | "removeItem">;

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
