import { expect, it } from "vitest";
import {
  ceilSeconds,
  floorSeconds,
  pendingSinceMs,
  pendingSinceNs,
  utcDay,
} from "../../src/protocol/units.ts";

const T0 = 1_700_000_000_000;

it("rounds up what must not come early, and down what has passed", () => {
  expect([ceilSeconds(T0), ceilSeconds(T0 + 1), ceilSeconds(T0 + 999)]).toEqual([
    1_700_000_000, 1_700_000_001, 1_700_000_001,
  ]);
  expect([floorSeconds(T0), floorSeconds(T0 + 999.9)]).toEqual([1_700_000_000, 1_700_000_000]);
});

it("names the day in UTC, on either side of midnight", () => {
  const midnight = Date.UTC(2024, 1, 29);
  expect([utcDay(midnight - 1), utcDay(midnight)]).toEqual(["2024-02-28", "2024-02-29"]);
});

it("writes pending_since as the 19 digits of nanoseconds that Go reads", () => {
  expect(pendingSinceNs(T0 + 0.7)).toBe("1700000000000000000");
  expect(pendingSinceMs("1700000033123000000")).toBeCloseTo(T0 + 33_123, 3);
});

it.each(["", "0", "x"])("finds no instant in pending_since %j", (text) => {
  expect(pendingSinceMs(text)).toBeUndefined();
});
