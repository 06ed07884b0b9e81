import { expect, it } from "vitest";
import { bytes, change, plural, rate, share, shortCount } from "../../ui/src/format/numbers.ts";
import { absolute, age, day, duration, relative } from "../../ui/src/format/times.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

it.each([
  [null, "–"],
  [0, "0"],
  [999, "999"],
  [9_999, "9\u202f999"],
  [10_000, "10.0k"],
  [12_449, "12.4k"],
  [99_999, "99.9k"],
  [100_000, "100k"],
  [999_999, "999k"],
  [1_000_000, "1.0M"],
  [1_259_000_000, "1.2G"],
])("writes the count %j as %j", (count, text) => {
  expect(shortCount(count)).toBe(text);
});

it.each([
  [null, "–"],
  [0, "0.0"],
  [0.04, "0.04"],
  [41, "41.0"],
  [1_240, "1.2k"],
  [12_400, "12.4k"],
])("writes the rate %j as %j", (perSecond, text) => {
  expect(rate(perSecond)).toBe(text);
});

it.each([
  [null, "–"],
  [0, "0 ms"],
  [0.42, "0.4 ms"],
  [420, "420 ms"],
  [4_200, "4.2 s"],
  [4_000, "4 s"],
  [9_960, "10 s"],
  [59_400, "59 s"],
  [59_600, "1 m"],
  [4 * MINUTE + 12 * SECOND, "4 m 12 s"],
  [2 * HOUR, "2 h"],
  [2 * HOUR + 5 * MINUTE + 59 * SECOND, "2 h 5 m"],
  [3 * DAY + 4 * HOUR, "3 d 4 h"],
  [-5, "0 ms"],
])("writes the length %j as %j", (ms, text) => {
  expect(duration(ms)).toBe(text);
});

it("says how old something is in one unit, and where it lies from now", () => {
  expect(age(3 * DAY + 4 * HOUR)).toBe("3 d");
  expect(age(null)).toBe("–");
  expect(relative(10_000, 10_900)).toBe("now");
  expect(relative(10_000, 10_000 + 4 * MINUTE)).toBe("4 m ago");
  expect(relative(10_000 + 2 * HOUR, 10_000)).toBe("in 2 h");
});

it("writes an instant whole, with its zone; and one that no calendar has", () => {
  const at = Date.UTC(2026, 10, 24, 18, 45, 3, 120);
  expect(absolute(at, "Europe/Rome")).toBe("2026-11-24 19:45:03.120 UTC+1");
  expect(absolute(at, "UTC")).toBe("2026-11-24 18:45:03.120 UTC");
  expect(absolute(9e15)).toBe("beyond the calendar");
  expect(day("2026-11-24")).toBe("Tue 24 Nov");
});

it("compares, and says nothing where there is nothing to compare with", () => {
  expect(share(0, 0)).toBe("–");
  expect(share(1, 250)).toBe("0.4 %");
  expect(share(50, 100)).toBe("50 %");
  expect(change(112, 100)).toBe("+12 %");
  expect(change(97, 100)).toBe("−3 %");
  expect(change(5, 0)).toBeNull();
});

it("writes bytes and things", () => {
  expect(bytes(512)).toBe("512 B");
  expect(bytes(1_536)).toBe("1.5 KiB");
  expect(bytes(65_536)).toBe("64 KiB");
  expect(plural(1, "task")).toBe("1 task");
  expect(plural(12_000, "task")).toBe("12\u202f000 tasks");
});
