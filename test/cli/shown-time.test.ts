import { describe, expect, it } from "vitest";
import { shownLength } from "../../src/cli/shown-time.ts";

describe("shownLength", () => {
  it.each([
    [-5, "0 ms"],
    [0.4, "0 ms"],
    [999, "999 ms"],
    [1_000, "1 s"],
    [1_540, "1.5 s"],
    [119_000, "119 s"],
    [120_000, "2 min"],
    [3_600_000 * 36, "36 h"],
    [86_400_000 * 4, "4 days"],
  ])("shows %d ms as %s", (ms, shown) => {
    expect(shownLength(ms)).toBe(shown);
  });
});
