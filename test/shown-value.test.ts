import { expect, it } from "vitest";
import { shown } from "../src/shown-value.ts";

it.each([
  ["text", '"text"'],
  ["x".repeat(64), `"${"x".repeat(64)}"`],
  ["x".repeat(65), `"${"x".repeat(64)}…"`],
  [1.5, "1.5"],
  [10n, "10"],
  [null, "null"],
  [undefined, "undefined"],
  [() => "secret", "a function"],
  [["secret"], "an array"],
  [{ secret: 1 }, "an object"],
  [new Date(0), "a Date"],
  [new Date(Number.NaN), "an invalid Date"],
])("a refused value is told without what it holds: %s", (value, text) => {
  expect(shown(value)).toBe(text);
});
