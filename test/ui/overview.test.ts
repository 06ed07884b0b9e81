import { expect, it } from "vitest";
import type { Health, RatePoint } from "../../ui/src/api/types.ts";
import { byAttention } from "../../ui/src/pages/overview/attention.ts";
import { failuresPerMinute, rangeOf, rateLines, wholeMinutes } from "../../ui/src/pages/overview/series.ts";
import { queueRow } from "./live-facts.ts";

const MINUTE = 60_000;
const point = (at: number, failureRate = 0): RatePoint => ({ at, inRate: 2, outRate: 1, failureRate });

it("shows what is not known as a gap", () => {
  expect(rateLines([point(1_000), point(2_000), point(60_000)])).toEqual({
    at: [1_000, 2_000, 2_001, 60_000],
    inRate: [2, 2, null, 2],
    outRate: [1, 1, null, 1],
  });
});

it("counts failures by the minute, and tells none from not known", () => {
  const series = [point(1_000, 2), point(2_000, 2), point(3_000, 0), point(2 * MINUTE + 500, 1)];
  expect(failuresPerMinute(series, [0, 3 * MINUTE - 1])).toEqual({
    at: [30_000, 90_000, 150_000],
    failures: [4, null, 1],
  });
});

it("shows two minutes at least, and fifteen at most", () => {
  expect(rangeOf([], 1_000_000)).toEqual([880_000, 1_000_000]);
  expect(rangeOf([point(0)], 1_000_000)).toEqual([100_000, 1_000_000]);
  expect(wholeMinutes([90_000, 200_000])).toEqual([60_000, 240_000]);
});

it("puts queues in trouble first, then those of the highest priority", () => {
  const health: Health = {
    status: "bad",
    sentence: "",
    findings: [
      { code: "no-server", level: "bad", queue: "z", text: "", entry: null },
      { code: "engine-away", level: "bad", queue: null, text: "", entry: null },
      { code: "error-burst", level: "bad", queue: "y", text: "", entry: null },
    ],
  };
  const rows = [
    queueRow("b", { priority: 1 }),
    queueRow("a", { priority: 1 }),
    queueRow("y"),
    queueRow("c", { priority: 6 }),
    queueRow("z"),
  ];
  expect(rows.toSorted(byAttention(health)).map(({ queue }) => queue)).toEqual(["z", "y", "c", "a", "b"]);
});
