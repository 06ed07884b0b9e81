import vm from "node:vm";
import { describe, expect, it } from "vitest";
import { SkipRetry, TaskTimeoutError } from "../../src/errors.ts";
import { errorText, MAX_ERROR_BYTES } from "../../src/server/error-text.ts";

function throwing(getter: "message" | "name" | "stack"): Error {
  return Object.defineProperty(new Error("x"), getter, {
    get() {
      throw new Error("trap");
    },
  });
}

const cyclic: Record<string, unknown> = { code: 7 };
cyclic["self"] = cyclic;

const hostile = new Proxy(
  {},
  {
    get() {
      throw new Error("trap");
    },
    has() {
      throw new Error("trap");
    },
    getPrototypeOf() {
      throw new Error("trap");
    },
    ownKeys() {
      throw new Error("trap");
    },
    getOwnPropertyDescriptor() {
      throw new Error("trap");
    },
  },
);

describe("errorText", () => {
  it.each<[thrown: unknown, text: string]>([
    [new Error("no route to host"), "no route to host"],
    [new TypeError("x is not a function"), "TypeError: x is not a function"],
    [new TaskTimeoutError(), "context deadline exceeded"],
    [new SkipRetry("no such user"), "no such user"],
    [vm.runInNewContext("new RangeError('far')"), "RangeError: far"],
    [new Error(""), "Error"],
    [Object.assign(new Error("plain"), { name: "" }), "plain"],
    [
      new AggregateError([new Error("ECONNREFUSED ::1"), "and more"]),
      "AggregateError: ECONNREFUSED ::1; and more",
    ],
    [Object.assign(new Error("x"), { message: { odd: true } }), "{ odd: true }"],
    ["just text", "just text"],
    ["", "an error without a text"],
    [undefined, "undefined"],
    [null, "null"],
    [42n, "42n"],
    [Symbol("s"), "Symbol(s)"],
    [cyclic, "<ref *1> { code: 7, self: [Circular *1] }"],
    [throwing("message"), "an error that cannot be shown"],
    [throwing("name"), "an error that cannot be shown"],
    [Promise.resolve(1), "Promise { 1 }"],
  ])("shows %#", (thrown, text) => {
    expect(errorText(thrown)).toBe(text);
  });

  it("says something about an object that lets nobody look at it", () => {
    expect(errorText(hostile)).not.toBe("");
  });

  it.each<[what: string, thrown: unknown]>([
    ["a message of 50 MB", new Error("é".repeat(25_000_000))],
    ["a text of 10 MB", "日".repeat(3_500_000)],
    ["a big array", Array.from({ length: 100_000 }, (_, i) => ({ i, text: "x".repeat(100) }))],
    [
      "an aggregate of long errors",
      new AggregateError(Array.from({ length: 100 }, () => new Error("y".repeat(9_999)))),
    ],
  ])("bounds %s", (_, thrown) => {
    const bytes = Buffer.from(errorText(thrown));
    expect(bytes.length).toBeLessThanOrEqual(MAX_ERROR_BYTES);
    expect(bytes.length).toBeGreaterThan(500);
    expect(() => new TextDecoder("utf-8", { fatal: true }).decode(bytes)).not.toThrow();
  });

  it("replaces lone surrogates, and cuts between characters", () => {
    expect(errorText(new Error("a\ud800b"))).toBe("a\ufffdb");
    const cut = errorText(`${"x".repeat(MAX_ERROR_BYTES - 1)}é`);
    expect(cut).toBe("x".repeat(MAX_ERROR_BYTES - 1));
  });
});
