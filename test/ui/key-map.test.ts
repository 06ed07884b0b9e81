import { expect, it } from "vitest";
import { type KeyBinding, KeyMatcher, keyName, listed } from "../../ui/src/keys/key-map.ts";

function pressed(
  key: string,
  modifiers: Partial<Record<"shiftKey" | "ctrlKey" | "metaKey" | "altKey", boolean>> = {},
) {
  return keyName({ key, shiftKey: false, ctrlKey: false, metaKey: false, altKey: false, ...modifiers });
}

function binding(keys: string, label = keys, group?: KeyBinding["group"]): KeyBinding {
  return { keys, label, run: () => undefined, ...(group !== undefined && { group }) };
}

it("names keys as bindings write them, and leaves the browser its own", () => {
  expect(pressed("x")).toBe("x");
  expect(pressed("X", { shiftKey: true })).toBe("shift+x");
  expect(pressed("?", { shiftKey: true })).toBe("?");
  expect(pressed("/")).toBe("/");
  expect(pressed("Enter")).toBe("enter");
  expect(pressed("ArrowDown")).toBe("down");
  expect(pressed("r", { ctrlKey: true })).toBeUndefined();
  expect(pressed("r", { metaKey: true })).toBeUndefined();
});

it("finds one key, and two in a row", () => {
  const bindings = [binding("g o"), binding("x"), binding("o")];
  const matcher = new KeyMatcher();
  expect(matcher.press("x", 0, bindings)).toBe(bindings[1]);
  expect(matcher.press("g", 10, bindings)).toBe("pending");
  expect(matcher.press("o", 500, bindings)).toBe(bindings[0]);
  expect(matcher.press("o", 600, bindings)).toBe(bindings[2]);
});

it("does not wait for ever for the second key", () => {
  const bindings = [binding("g o"), binding("o")];
  const matcher = new KeyMatcher();
  matcher.press("g", 0, bindings);
  expect(matcher.press("o", 1_300, bindings)).toBe(bindings[1]);
});

it("takes a second key that completes nothing as a first one", () => {
  const bindings = [binding("g o"), binding("x")];
  const matcher = new KeyMatcher();
  matcher.press("g", 0, bindings);
  expect(matcher.press("x", 10, bindings)).toBe(bindings[1]);
  expect(matcher.press("z", 20, bindings)).toBeUndefined();
});

it("prefers what was bound last, and lists each key once, as it is meant now", () => {
  const bindings = [
    binding("a", "of the frame", "Everywhere"),
    binding("a", "of the page"),
    binding("j", "down", "List"),
  ];
  expect(new KeyMatcher().press("a", 0, bindings)).toBe(bindings[1]);
  expect(
    listed(bindings).map(({ heading, bindings: of }) => [heading, of.map(({ label }) => label)]),
  ).toEqual([
    ["This page", ["of the page"]],
    ["List", ["down"]],
  ]);
});
