import { describe, expect, it } from "vitest";
import { NO_OPTIONS, optionProblems, optionsOf } from "../../ui/src/task-form/option-texts.ts";

describe("options of a task in a form", () => {
  it("are none where nothing is said", () => {
    expect(optionProblems(NO_OPTIONS)).toEqual({});
    expect(optionsOf(NO_OPTIONS)).toEqual({});
    expect(optionsOf({ ...NO_OPTIONS, group: "  ", headers: "\n \n" })).toEqual({});
  });

  it("are what is said, without the space around it", () => {
    const texts = {
      maxRetry: " 0 ",
      timeout: " 30s ",
      deadline: "2026-11-24T19:45",
      retention: "1h30m",
      unique: "1.5h",
      uniqueKey: "user:7",
      taskId: "one",
      replaceFinished: "yes",
      group: "a",
      headers: "trace = a=b\n\nempty=",
    };
    expect(optionProblems(texts)).toEqual({});
    expect(optionsOf(texts)).toEqual({
      maxRetry: 0,
      timeout: "30s",
      deadline: new Date(2026, 10, 24, 19, 45).getTime(),
      retention: "1h30m",
      unique: "1.5h",
      uniqueKey: "user:7",
      taskId: "one",
      replaceFinished: true,
      group: "a",
      headers: [
        { name: "trace", value: " a=b" },
        { name: "empty", value: "" },
      ],
    });
  });

  it.each([
    ["maxRetry", { maxRetry: "-1" }],
    ["maxRetry", { maxRetry: "2.5" }],
    ["timeout", { timeout: "30" }],
    ["retention", { retention: "none" }],
    ["unique", { unique: "soon" }],
    ["unique", { uniqueKey: "a" }],
    ["deadline", { deadline: "tomorrow" }],
    ["taskId", { replaceFinished: "yes" }],
    ["headers", { headers: "a=b\n=c" }],
    ["headers", { headers: "nothing" }],
  ] as const)("say what is wrong at %s", (field, texts) => {
    expect(Object.keys(optionProblems({ ...NO_OPTIONS, ...texts }))).toEqual([field]);
  });

  it("may have no timeout at all", () => {
    expect(optionProblems({ ...NO_OPTIONS, timeout: "none" })).toEqual({});
  });
});
