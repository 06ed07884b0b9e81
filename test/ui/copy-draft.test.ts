import { expect, it } from "vitest";
import type { TaskDetail } from "../../src/monitor/api.ts";
import {
  copyRequest,
  draftOf,
  enqueueRequest,
  errorsOf,
  fieldOfComplaint,
} from "../../ui/src/pages/task/copy-draft.ts";
import { dropDraft, keepDraft, keptDraft } from "../../ui/src/task-form/kept-draft.ts";

const task = {
  type: "email:welcome",
  queue: "low",
  maxRetry: 3,
  timeout: 30_000,
  retention: 0,
  group: null,
  headers: [{ name: "trace", value: "a=b" }],
  payload: { bytes: 7, kind: "json", text: '{"a":1}', truncated: false, redacted: false },
} as unknown as TaskDetail;
const before = draftOf(task, (json) => json);

it("sends of a copy only what was changed", () => {
  expect(copyRequest(before, before)).toEqual({});
  expect(copyRequest({ ...before, payload: '{"a":2}' }, before)).toEqual({
    payload: { kind: "json", text: '{"a":2}' },
  });
  expect(copyRequest({ ...before, taskId: " x ", processIn: "10m", retention: "1h" }, before)).toEqual({
    options: { taskId: "x", processIn: "10m", retention: "1h" },
  });
});

it("sends deadline, unique key and what gives way only where they are said", () => {
  const deadline = "2026-11-24T19:45";
  const said = { deadline, unique: "1h", uniqueKey: "a", taskId: "x", replaceFinished: "yes" };
  expect(copyRequest({ ...before, ...said }, before)).toEqual({
    options: {
      deadline: new Date(2026, 10, 24, 19, 45).getTime(),
      unique: "1h",
      uniqueKey: "a",
      taskId: "x",
      replaceFinished: true,
    },
  });
});

it("says that there is to be none of what was emptied", () => {
  const full = { ...before, retention: "1h" };
  expect(copyRequest({ ...full, timeout: " ", retention: "", headers: "" }, full)).toEqual({
    options: { timeout: "none", retention: 0, headers: [] },
  });
});

it("sends all of a task that is gone", () => {
  expect(enqueueRequest(before, task.type)).toEqual({
    type: "email:welcome",
    payload: { kind: "json", text: '{"a":1}' },
    options: {
      queue: "low",
      maxRetry: 3,
      timeout: "30s",
      retention: 0,
      headers: [{ name: "trace", value: "a=b" }],
    },
  });
});

it("says beside each field what is wrong with it", () => {
  expect(errorsOf(before)).toEqual({});
  const wrong = { ...before, payload: "{", queue: " ", maxRetry: "-1", timeout: "soon", headers: "=x" };
  expect(Object.keys(errorsOf(wrong)).sort()).toEqual(["headers", "maxRetry", "payload", "queue", "timeout"]);
  expect(errorsOf({ ...before, kind: "hex", payload: "0f f" })).toHaveProperty("payload");
  expect(errorsOf({ ...before, kind: "hex", payload: "0f ff" })).toEqual({});
});

it("finds the field that the monitor complains of", () => {
  expect(fieldOfComplaint("options.taskId")).toBe("taskId");
  expect(fieldOfComplaint("maxRetry")).toBe("maxRetry");
  expect(fieldOfComplaint("payload.text")).toBe("payload");
  expect(fieldOfComplaint("options.headers[0].name")).toBe("headers");
  expect(fieldOfComplaint("the body")).toBeNull();
});

it("keeps what was typed, and takes nothing else from there", () => {
  const kept = new Map<string, string>();
  const store = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  };
  keepDraft(store, "low/1", { ...before, payload: "{" });
  expect(keptDraft(store, "low/1", before).payload).toBe("{");
  expect(keptDraft(store, "low/2", before)).toBe(before);
  dropDraft(store, "low/1");
  expect(keptDraft(store, "low/1", before)).toBe(before);
});
