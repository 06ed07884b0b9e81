import { describe, expect, it } from "vitest";
import { showDue, showLength, showValue } from "../../src/testing/show.ts";

describe("showLength", () => {
  it.each([
    [0, "0s"],
    [1, "1ms"],
    [90_000, "1m30s"],
    [3_600_000, "1h"],
    [90_061_001, "1d1h1m1s1ms"],
    [-600_000, "10m"],
    [0.4, "0s"],
  ])("%d is %s", (ms, text) => {
    expect(showLength(ms)).toBe(text);
  });
});

describe("showDue", () => {
  it.each([
    [5_000, "in 5s (1970-01-01T00:00:10.000Z)"],
    [0, "now (1970-01-01T00:00:05.000Z)"],
    [-2_000, "2s ago (1970-01-01T00:00:03.000Z)"],
  ])("looks from now", (away, text) => {
    expect(showDue(5_000 + away, 5_000)).toBe(text);
  });
});

describe("showValue", () => {
  it("stays on one line, whatever it shows", () => {
    expect(showValue({ text: "a\nb", deep: { list: [1, { two: { three: 3 } }] } })).toBe(
      "{ text: 'a\\nb', deep: { list: [ 1, { two: { three: 3 } } ] } }",
    );
  });
});
