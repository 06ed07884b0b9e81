import { describe, expect, it } from "vitest";
import { MAX_DURATION } from "../../src/duration.ts";
import { defaultRetryDelay } from "../../src/server/retry-delay.ts";

const LAST = 1 - 2 ** -53;

describe("defaultRetryDelay", () => {
  it.each([
    [0, 15, 44],
    [1, 16, 74],
    [2, 31, 118],
    [3, 96, 212],
    [4, 271, 416],
    [5, 640, 814],
    [10, 10_015, 10_334],
    [24, 331_791, 332_516],
  ])("after %i retries is %i to %i seconds", (retried, least, most) => {
    expect(defaultRetryDelay(retried, 0)).toBe(least * 1_000);
    expect(defaultRetryDelay(retried, LAST)).toBe(most * 1_000);
  });

  it("stays a length of time for any number of retries", () => {
    expect(defaultRetryDelay(2 ** 31 - 1, LAST)).toBe(MAX_DURATION);
  });
});
