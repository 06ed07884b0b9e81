import { describe, expect, it } from "vitest";
import { InvalidOptionError } from "../src/errors.ts";
import { checkTaskOptions, requireTaskType, sealTaskOptions } from "../src/task-options.ts";

const refusal = (options: unknown) => {
  try {
    checkTaskOptions(options);
  } catch (error) {
    return error;
  }
  return undefined;
};

describe("options that are refused", () => {
  it.each([
    ["queue", "", "blank"],
    ["queue", " \t", "blank"],
    ["queue", 7, "expected text"],
    ["queue", null, "expected text; got null"],
    ["queue", "a{b", "brace"],
    ["queue", "b}", "brace"],
    ["queue", "q".repeat(513), "513 bytes long, the limit is 512"],
    ["queue", "é".repeat(257), "514 bytes long"],
    ["queue", "\ud800x", "surrogate"],
    ["group", " ", "blank"],
    ["group", "{g}", "brace"],
    ["group", "g".repeat(513), "513 bytes"],
    ["taskId", "", "blank"],
    ["taskId", "i".repeat(513), "513 bytes"],
    ["taskId", "x\udfff", "surrogate"],
    ["maxRetry", Number.NaN, "NaN"],
    ["maxRetry", 1.5, "whole number"],
    ["maxRetry", Number.POSITIVE_INFINITY, "Infinity"],
    ["maxRetry", 2 ** 31, "2147483647"],
    ["maxRetry", "3", "whole number"],
    ["timeout", 30, '30 is 30 ms; write "30s"'],
    ["timeout", 0, '"none" for no limit'],
    ["timeout", "0s", '"none" for no limit'],
    ["timeout", -1, "negative"],
    ["timeout", Number.NaN, "NaN"],
    ["timeout", Number.POSITIVE_INFINITY, "100 years"],
    ["timeout", "never", "expected milliseconds"],
    ["timeout", "10", "expected milliseconds"],
    ["timeout", "36600d", "100 years"],
    ["timeout", {}, "expected milliseconds"],
    ["processIn", -1, "negative"],
    ["processIn", "1 h", "expected milliseconds"],
    ["processIn", 1e300, "100 years"],
    ["retention", 60, '60 is 60 ms; write "60s"'],
    ["retention", "-1s", "expected milliseconds"],
    ["unique", 30, '30 is 30 ms; write "30s"'],
    ["unique", 0, "at least"],
    ["unique", "999ms", "at least"],
    ["unique.for", { for: "999ms" }, "at least"],
    ["unique.for", { key: "k" }, "expected milliseconds"],
    ["unique.key", { for: "1h", key: " " }, "blank"],
    ["unique.key", { for: "1h", key: 7 }, "expected text"],
    ["ttl", { for: "1h", ttl: 1 }, "unique has no such option"],
    ["deadline", Number.NaN, "expected a valid Date"],
    ["deadline", new Date(Number.NaN), "invalid Date"],
    ["deadline", 1_893_456_000_000, "expected a valid Date"],
    ["deadline", new Date(1_893_456_000), "a Date counts milliseconds"],
    ["deadline", new Date(Date.UTC(10_000, 0)), "between 1971 and 9999"],
    ["processAt", "2030-01-31 09:00", "with a zone"],
    ["processAt", "2030-01-31T09:00:00", "with a zone"],
    ["processAt", "2030-02-30T09:00:00Z", "expected a valid Date"],
    ["processAt", "2030-13-01T09:00:00Z", "expected a valid Date"],
    ["processAt", "2030-01-31T25:00:00Z", "expected a valid Date"],
    ["processAt", "tomorrow", "expected a valid Date"],
    ["processAt", new Date(-1), "between 1971 and 9999"],
    ["ifDuplicate", "ignore", '"throw" or "return"'],
    ["replaceFinished", "yes", "true or false"],
    ["headers", ["a"], "an array"],
    ["headers", "a=b", "an object of texts"],
    ['headers["n"]', { n: 1 }, "expected text; got 1"],
    ['headers["u"]', { u: undefined }, "expected text"],
    ["headers", { "\ud800": "x" }, "surrogate"],
    ['headers["s"]', { s: "\ud800" }, "surrogate"],
  ])("%s: %j", (option, value, problem) => {
    const name = option.split(/[.[]/)[0] as string;
    const error = refusal(name === "ttl" ? { unique: value } : { [name]: value });
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(error).toMatchObject({ option, message: expect.stringContaining(problem) });
  });

  it.each([
    ["timout", 'did you mean "timeout"'],
    ["maxretries", 'did you mean "maxRetry"'],
    ["taskID", 'did you mean "taskId"'],
    ["toString", "no such option"],
    ["__proto__", "no such option"],
    ["somethingElse", "no such option"],
  ])("an option that does not exist: %s", (name, problem) => {
    expect(refusal(JSON.parse(`{"${name}":1}`))).toMatchObject({
      code: "INVALID_OPTION",
      message: expect.stringContaining(problem),
    });
  });

  it.each([["text"], [null], [["queue"]], [1]])("%j in place of options", (options) => {
    expect(refusal(options)).toMatchObject({ option: "options" });
  });

  it("two instants for one task", () => {
    expect(refusal({ processIn: "1s", processAt: new Date() })).toMatchObject({ option: "processIn" });
  });

  it("a type that is blank, too long or not text", () => {
    for (const type of ["", "  ", 7, undefined, "t".repeat(1_025), "\udc00"]) {
      expect(() => requireTaskType(type)).toThrow(InvalidOptionError);
    }
    expect(requireTaskType("t".repeat(1_024))).toHaveLength(1_024);
  });
});

describe("options that are accepted", () => {
  it("come out as milliseconds and plain values", () => {
    const deadline = new Date("2030-01-31T09:00:00.123Z");
    expect(
      checkTaskOptions({
        queue: "é".repeat(256),
        maxRetry: -5,
        timeout: "1.5s",
        deadline,
        processIn: "1h30m",
        unique: { for: 1_000, key: "k" },
        retention: "1w",
        taskId: "{any} text",
        group: "tenant:42",
        headers: { a: "" },
      }),
    ).toEqual({
      queue: "é".repeat(256),
      maxRetry: 0,
      timeout: 1_500,
      deadline: deadline.getTime(),
      processIn: 5_400_000,
      unique: { ttl: 1_000, key: "k" },
      retention: 604_800_000,
      taskId: "{any} text",
      group: "tenant:42",
      headers: [["a", ""]],
    });
  });

  it.each([
    ["2030-01-31T09:00Z", Date.UTC(2030, 0, 31, 9)],
    ["2030-01-31T09:00:00.5+02:00", Date.UTC(2030, 0, 31, 7, 0, 0, 500)],
    ["2028-02-29T00:00:00-05:30", Date.UTC(2028, 1, 29, 5, 30)],
    ["9999-12-31T23:59:59.999Z", Date.UTC(9999, 11, 31, 23, 59, 59, 999)],
  ])("an instant may be written as %s", (text, ms) => {
    expect(checkTaskOptions({ processAt: text })).toEqual({ processAt: ms });
  });

  it("are absent when they are undefined", () => {
    expect(checkTaskOptions({ queue: undefined, timeout: undefined, misspelt: undefined })).toEqual({});
    expect(checkTaskOptions(undefined)).toEqual({});
  });

  it("of a definition do not change any more", () => {
    const options = { queue: "a", headers: { a: "1" } };
    const sealed = sealTaskOptions(options);
    options.queue = "b";
    options.headers.a = "2";
    expect(checkTaskOptions(sealed)).toEqual({ queue: "a", headers: [["a", "1"]] });
    expect(sealed.headers).toEqual({ a: "1" });
    expect(Object.isFrozen(sealed)).toBe(true);
  });
});
