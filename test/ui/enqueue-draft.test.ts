import { describe, expect, it } from "vitest";
import {
  dropDraft,
  EMPTY_DRAFT,
  fieldOfComplaint,
  keepDraft,
  keptDraft,
  problemsOf,
  requestOf,
} from "../../ui/src/pages/enqueue/enqueue-draft.ts";

const draft = { ...EMPTY_DRAFT, type: " email:welcome " };

describe("a task that is written by hand", () => {
  it("needs no more than a type", () => {
    expect(problemsOf(draft)).toEqual({});
    expect(requestOf(draft, null)).toEqual({
      type: "email:welcome",
      payload: { kind: "none", text: "" },
      options: {},
    });
    expect(problemsOf(EMPTY_DRAFT)).toHaveProperty("type");
  });

  it("goes where the form says, or else where its type does", () => {
    expect(requestOf(draft, "mail").options).toEqual({ queue: "mail" });
    expect(requestOf({ ...draft, queue: " low " }, "mail").options).toEqual({ queue: "low" });
  });

  it("has its time as it was chosen, whatever stands in the other field", () => {
    const times = { processIn: " 10m ", processAt: "2026-11-24T19:45" };
    const at = new Date(2026, 10, 24, 19, 45).getTime();
    expect(requestOf({ ...draft, ...times, when: "now" }, null).options).toEqual({});
    expect(requestOf({ ...draft, ...times, when: "in" }, null).options).toEqual({ processIn: "10m" });
    expect(requestOf({ ...draft, ...times, when: "at" }, null).options).toEqual({ processAt: at });
  });

  it.each([
    ["json", ' {"a":1} ', { kind: "json", text: ' {"a":1} ' }],
    ["json", "  ", { kind: "none", text: "" }],
    ["text", "  ", { kind: "text", text: "  " }],
    ["text", "", { kind: "none", text: "" }],
    ["hex", "0f FF\n", { kind: "hex", text: "0fFF" }],
    ["hex", " ", { kind: "none", text: "" }],
  ] as const)("has its payload as it was written: %s, %j", (kind, payload, written) => {
    const task = { ...draft, kind, payload };
    expect(problemsOf(task)).toEqual({});
    expect(requestOf(task, null).payload).toEqual(written);
  });

  it.each([
    ["payload", { payload: "{" }],
    ["payload", { kind: "hex", payload: "0f f" }],
    ["processIn", { when: "in" }],
    ["processIn", { when: "in", processIn: "soon" }],
    ["processAt", { when: "at" }],
    ["group", { when: "in", processIn: "1m", group: "a" }],
    ["timeout", { timeout: "soon" }],
  ] as const)("is told what is wrong at %s", (field, change) => {
    expect(Object.keys(problemsOf({ ...draft, ...change }))).toEqual([field]);
  });
});

it("is shown at the field that the monitor complains of", () => {
  const message = "no";
  expect(fieldOfComplaint({ code: "TASK_ID_CONFLICT", message })).toBe("taskId");
  expect(fieldOfComplaint({ code: "DUPLICATE_TASK", message })).toBe("unique");
  expect(fieldOfComplaint({ code: "INVALID_PAYLOAD", message })).toBe("payload");
  expect(fieldOfComplaint({ code: "INVALID_OPTION", message, where: "options.headers[0].name" })).toBe(
    "headers",
  );
  expect(fieldOfComplaint({ code: "BAD_REQUEST", message, where: "queue" })).toBe("queue");
  expect(fieldOfComplaint({ code: "BAD_REQUEST", message, where: "the body" })).toBeNull();
  expect(fieldOfComplaint({ code: "BAD_REQUEST", message, where: "toString" })).toBeNull();
  expect(fieldOfComplaint({ code: "INTERNAL", message })).toBeNull();
});

describe("what was being written", () => {
  const store = () => {
    const kept = new Map<string, string>();
    return {
      kept,
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
      removeItem: (key: string) => void kept.delete(key),
    };
  };

  it("is there after a reload, until it is dropped", () => {
    const tab = store();
    expect(keptDraft(tab)).toEqual(EMPTY_DRAFT);
    keepDraft(tab, { ...draft, kind: "hex", when: "at", payload: "0f" });
    expect(keptDraft(tab)).toEqual({ ...draft, kind: "hex", when: "at", payload: "0f" });
    dropDraft(tab);
    expect(keptDraft(tab)).toEqual(EMPTY_DRAFT);
  });

  it.each([
    ["no JSON", "{"],
    ["nothing", "null"],
    ["a number", "7"],
    ["another form", '{"type":7,"colour":"red","kind":"none","when":"then","__proto__":{"queue":"x"}}'],
  ])("is nothing where it is damaged: %s", (_, text) => {
    const tab = store();
    keepDraft(tab, draft);
    for (const key of tab.kept.keys()) tab.setItem(key, text);
    expect(keptDraft(tab)).toEqual(EMPTY_DRAFT);
  });
});
