import type {
  CopyRequest,
  EnqueueOptions,
  EnqueueRequest,
  TaskDetail,
  WrittenContent,
} from "../../api/types.ts";
import { lengthText, whyNotWhole } from "./task-code.ts";

/** A copy of a task as somebody edits it: what stands in the fields. */
export interface CopyDraft {
  readonly kind: WrittenContent["kind"];
  readonly payload: string;
  readonly queue: string;
  /** Empty: one is made. */
  readonly id: string;
  /** Empty: at once. */
  readonly processIn: string;
  readonly maxRetry: string;
  readonly timeout: string;
  readonly retention: string;
  readonly group: string;
  readonly unique: string;
  /** `name=value`, one a line. */
  readonly headers: string;
}

/** What is wrong, by field. */
export type CopyErrors = Partial<Record<keyof CopyDraft, string>>;

/** What there is before anybody has edited. */
export function draftOf(task: TaskDetail, pretty: (json: string) => string): CopyDraft {
  const { payload, queue, maxRetry, timeout, retention, group, headers } = task;
  const { kind, text } = payload;
  return {
    kind,
    payload: kind === "json" && whyNotWhole(payload) === null ? pretty(text) : text,
    queue,
    id: "",
    processIn: "",
    maxRetry: String(maxRetry),
    timeout: timeout === null ? "" : lengthText(timeout),
    retention: retention === 0 ? "" : lengthText(retention),
    group: group ?? "",
    unique: "",
    headers: headers.map(({ name, value }) => `${name}=${value}`).join("\n"),
  };
}

const LENGTH = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/;

/** What can be told to be wrong without asking. */
export function errorsOf(draft: CopyDraft): CopyErrors {
  const errors: { -readonly [K in keyof CopyErrors]: CopyErrors[K] } = {};
  const problem = payloadProblem(draft);
  if (problem !== null) errors.payload = problem;
  if (draft.queue.trim() === "") errors.queue = "A task needs a queue.";
  if (!/^\d{1,10}$/.test(draft.maxRetry)) errors.maxRetry = "A whole number, as 25.";
  for (const field of ["processIn", "timeout", "retention", "unique"] as const) {
    const value = draft[field].trim();
    if (value !== "" && !LENGTH.test(value)) errors[field] = "A length, as 30s, 10m or 1h30m.";
  }
  const bad = headerLines(draft.headers).find((line) => line.indexOf("=") < 1);
  if (bad !== undefined) errors.headers = `Write name=value: ${bad.slice(0, 40)}`;
  return errors;
}

function payloadProblem({ kind, payload }: CopyDraft): string | null {
  if (kind === "hex" && !/^(?:[\da-f]{2})*$/i.test(payload.replaceAll(/\s/g, ""))) {
    return "An even number of hexadecimal digits.";
  }
  if (kind !== "json") return null;
  try {
    JSON.parse(payload);
    return null;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return `No JSON: ${error.message}`;
  }
}

function headerLines(headers: string): readonly string[] {
  return headers.split("\n").filter((line) => line.trim() !== "");
}

function headersOf(headers: string): { name: string; value: string }[] {
  return headerLines(headers).map((line) => {
    const at = line.indexOf("=");
    return { name: line.slice(0, at).trim(), value: line.slice(at + 1) };
  });
}

function written({ kind, payload }: CopyDraft): WrittenContent {
  if (kind === "none") return { kind, text: "" };
  return { kind, text: kind === "hex" ? payload.replaceAll(/\s/g, "") : payload };
}

/** A copy of a task that is there: only what was changed is sent, all else stays as it is. */
export function copyRequest(draft: CopyDraft, before: CopyDraft): CopyRequest {
  const isSame = draft.kind === before.kind && draft.payload === before.payload;
  const all = optionsOf(draft);
  const changed = Object.entries(all).filter(([name]) => {
    const field = FIELD_OF[name] ?? name;
    return draft[field as keyof CopyDraft] !== before[field as keyof CopyDraft];
  });
  return {
    ...(!isSame && { payload: written(draft) }),
    ...(changed.length > 0 && { options: Object.fromEntries(changed) as EnqueueOptions }),
  };
}

/** A task like one that is not there any more. */
export function enqueueRequest(draft: CopyDraft, type: string): EnqueueRequest {
  return { type, payload: written(draft), options: optionsOf(draft) };
}

function optionsOf(draft: CopyDraft): EnqueueOptions {
  const given = (name: "processIn" | "timeout" | "unique" | "group") =>
    draft[name].trim() === "" ? {} : { [name]: draft[name].trim() };
  return {
    queue: draft.queue.trim(),
    ...(draft.id.trim() !== "" && { taskId: draft.id.trim() }),
    maxRetry: Number(draft.maxRetry),
    ...given("processIn"),
    ...given("timeout"),
    ...given("unique"),
    ...given("group"),
    retention: draft.retention.trim() === "" ? 0 : draft.retention.trim(),
    headers: headersOf(draft.headers),
  };
}

/** Options that are called otherwise than their fields. */
const FIELD_OF: Readonly<Record<string, keyof CopyDraft>> = { taskId: "id" };

/** Which field the monitor complains of; `null`: it is about the whole. */
export function fieldOfComplaint(where: string | undefined): keyof CopyDraft | null {
  const name = where?.replace(/^options\./, "").split(/[.[]/)[0] ?? "";
  const field = FIELD_OF[name] ?? name;
  const fields: readonly string[] = [
    "payload",
    "queue",
    "id",
    "processIn",
    "maxRetry",
    "timeout",
    "retention",
    "group",
    "unique",
    "headers",
  ];
  return fields.includes(field) ? (field as keyof CopyDraft) : null;
}

const KEY = "titanqueue.copy";
/** As `sessionStorage` is. */
interface Store {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** What was being edited of a task in this tab, if the page was left or loaded anew. */
export function keptDraft(store: Store, task: string, before: CopyDraft): CopyDraft {
  const text = store.getItem(`${KEY}:${task}`);
  if (text === null) return before;
  const kept = JSON.parse(text) as Readonly<Record<string, unknown>>;
  const known = Object.entries(kept).filter(([name, value]) => name in before && typeof value === "string");
  return { ...before, ...Object.fromEntries(known) };
}

export function keepDraft(store: Store, task: string, draft: CopyDraft): void {
  store.setItem(`${KEY}:${task}`, JSON.stringify(draft));
}

export function dropDraft(store: Store, task: string): void {
  store.removeItem(`${KEY}:${task}`);
}
