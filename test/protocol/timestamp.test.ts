import { expect, it } from "vitest";
import { NEVER, timestampMs, timestampOf } from "../../src/protocol/timestamp.ts";

it.each([
  [1_700_000_000_123, { seconds: 1_700_000_000, nanos: 123_000_000 }],
  [0, { seconds: 0, nanos: 0 }],
  [-1, { seconds: -1, nanos: 999_000_000 }],
])("%i ms there and back", (ms, timestamp) => {
  expect(timestampOf(ms)).toEqual(timestamp);
  expect(timestampMs(timestamp)).toBe(ms);
});

it("never fills a second with its nanoseconds, which no peer would read", () => {
  expect(timestampOf(999.999_999_9)).toEqual({ seconds: 0, nanos: 999_999_999 });
});

it("reads Go's zero time as never", () => {
  expect(timestampMs(NEVER)).toBeUndefined();
});
