import { describe, expect, it } from "vitest";
import type { MetricsPoint, MetricsReport, MetricsSeries } from "../../ui/src/api/types.ts";
import { endOf, highestOf } from "../../ui/src/components/chart-lines.ts";
import {
  atTimesOf,
  chosenOf,
  coloursOf,
  failedShares,
  instantsOf,
  lengthsOf,
  meanRate,
  nameOf,
  ratesOf,
  readView,
  rowsOf,
  seriesKey,
  startsOf,
} from "../../ui/src/pages/metrics/metrics-view.ts";

const MINUTE = 60_000;
const FROM = 1_000_000 * MINUTE;
const STEP = 5 * MINUTE;

function point(processed: number, failed = 0): MetricsPoint {
  const length = (p50: number) => ({ p50, p95: p50 * 2, p99: p50 * 3 });
  return { processed, failed, wait: length(10), run: null };
}

function series(queue: string, type: string | null, processed: number): MetricsSeries {
  return { queue, type, totals: point(processed), points: [point(processed)] };
}

function report(all: MetricsSeries[], now = FROM + 12 * STEP): MetricsReport {
  return { now, from: FROM, step: STEP, series: all, truncated: false };
}

const view = (text: string) => readView(new URLSearchParams(text));
const ALL = [
  series("low", null, 7),
  series("low", "email", 4),
  series("low", "", 3),
  series("high", null, 9),
  series("high", "email", 9),
];

describe("what the address of Metrics asks for", () => {
  it("is an hour of all queues where it says nothing, or nothing that is understood", () => {
    const plain = {
      range: "1h",
      queue: null,
      type: null,
      by: "queue",
      percentile: "p95",
    };
    expect(view("")).toEqual(plain);
    expect(view("range=2h&by=colour&p=p12&from=9&to=3&type=orphan")).toEqual(plain);
  });

  it("is a type alone only within its queue", () => {
    expect(view("queue=low")).toMatchObject({ queue: "low", by: "type" });
    expect(view("queue=low&by=all")).toMatchObject({ by: "all" });
    expect(view("queue=low&type=email&by=type")).toMatchObject({ type: "email", by: "all" });
  });
});

describe("rows and lines of Metrics", () => {
  it("are queues, the types of all, or those of one queue", () => {
    const keys = (text: string) => rowsOf(report(ALL), view(text)).map(({ queue, type }) => [queue, type]);
    expect(keys("")).toEqual([
      ["low", null],
      ["high", null],
    ]);
    expect(keys("by=type")).toEqual([
      ["low", "email"],
      ["low", ""],
      ["high", "email"],
    ]);
    expect(keys("queue=low")).toEqual([
      ["low", "email"],
      ["low", ""],
    ]);
  });

  it("has the whole queue, or the type, as the one that is looked at", () => {
    expect(chosenOf(report(ALL), view("queue=low&by=all"))).toBe(ALL[0]);
    expect(chosenOf(report(ALL), view("queue=low&type=email"))).toBe(ALL[1]);
    expect(chosenOf(report(ALL), view("queue=low&type=other"))).toBeUndefined();
    expect(chosenOf(report(ALL), view(""))).toBeUndefined();
  });

  it("names the queue beside a type only where another queue has that type", () => {
    const rows = rowsOf(report(ALL), view("by=type"));
    expect(rows.map((row) => nameOf(row, rows))).toEqual(["email · low", "other types", "email · high"]);
  });

  it("gives the five busiest a colour, which stays when their order changes", () => {
    const queues = ["f", "e", "d", "c", "b", "a"].map((name, at) => series(name, null, 10 + at));
    const colors = coloursOf(queues);
    expect([...colors.keys()]).toEqual(queues.slice(1).map(seriesKey).reverse());
    const [, ...others] = queues;
    const busier = others.map((each) => (each.queue === "e" ? series("e", null, 99) : each));
    expect(coloursOf(busier)).toEqual(colors);
  });
});

describe("points of Metrics", () => {
  const of = (points: (MetricsPoint | null)[]): MetricsSeries => ({ ...series("low", null, 1), points });

  it("stand in the middle of their steps", () => {
    expect(instantsOf(report([]), of([null, null]))).toEqual([FROM + STEP / 2, FROM + 1.5 * STEP]);
  });

  it("leave out the rate of a step that goes on, or ended before its numbers came", () => {
    const three = of([point(300), null, point(600)]);
    expect(ratesOf(report([], FROM + 2 * STEP + 30_000), three)).toEqual([1, null, null]);
    expect(ratesOf(report([], FROM + 3 * STEP + 59_999), three)).toEqual([1, null, null]);
    expect(ratesOf(report([], FROM + 3 * STEP + 60_000), three)).toEqual([1, null, 2]);
  });

  it("show the rate of a step that goes on where there is no other", () => {
    expect(ratesOf(report([], FROM + STEP + 100_000), of([null, point(50)]))).toEqual([null, 0.5]);
  });

  it("count failed ones where they are asked for", () => {
    expect(ratesOf(report([]), of([point(600, 300)]), ({ failed }) => failed)).toEqual([1]);
  });

  it("are gaps where nothing is known", () => {
    expect(failedShares(of([point(4, 1), null, point(0)]))).toEqual([25, null, null]);
    expect(lengthsOf(of([point(1), null]), "wait", "p95")).toEqual([20, null]);
    expect(lengthsOf(of([point(1)]), "run", "p95")).toEqual([null]);
  });

  it("have a mean over all of the time", () => {
    expect(meanRate(report([], FROM + 10_000), 50)).toBe(5);
    expect(meanRate(report([], FROM), 50)).toBeNull();
  });
});

describe("marks of Metrics", () => {
  const server = (startedAt: number) => ({ startedAt, version: null });

  it("are one for servers that started together, and none for those from before", () => {
    const servers = [server(FROM + 90_000), server(FROM - 1), server(FROM), server(FROM + 500_000)];
    expect(startsOf(servers, FROM)).toEqual([
      { at: FROM, label: "2 servers started" },
      { at: FROM + 500_000, label: "server started" },
    ]);
  });
});

describe("a day before, on Metrics", () => {
  const DAY = 86_400_000;
  const today = (points: (MetricsPoint | null)[]) =>
    report([{ ...series("low", null, 1), points }, series("low", "email", 1)]);
  const dayBefore = (from: number, points: (MetricsPoint | null)[]): MetricsReport => ({
    ...report([{ ...series("low", null, 1), points }]),
    from,
  });

  it("has the values of the same times of day, whenever it was asked for", () => {
    const now = today([point(1), point(2), point(3)]);
    const [all] = now.series;
    const shown = (from: number) =>
      all && atTimesOf(now, dayBefore(from, [point(7), point(8), point(9)]), all)?.points;
    expect(shown(FROM - DAY)).toEqual([point(7), point(8), point(9)]);
    expect(shown(FROM - DAY - STEP)).toEqual([point(8), point(9), null]);
    expect(shown(FROM - DAY + STEP)).toEqual([null, point(7), point(8)]);
  });

  it("is nothing where nothing was known, or was known in other steps", () => {
    const now = today([point(1)]);
    const [all, email] = now.series;
    const yesterday = dayBefore(FROM - DAY, [point(7)]);
    expect(all && atTimesOf(now, undefined, all)).toBeUndefined();
    expect(email && atTimesOf(now, yesterday, email)).toBeUndefined();
    expect(all && atTimesOf(now, { ...yesterday, step: 3 * STEP }, all)).toBeUndefined();
  });
});

describe("where a line leaves its chart", () => {
  const at = [10, 20, 30, 40];

  it("is its last point, or between the points on both sides of the end of what is shown", () => {
    expect(endOf(at, [1, 2, 3, 4], 0, 50)).toBe(4);
    expect(endOf(at, [1, 2, 3, 4], 0, 40)).toBe(4);
    expect(endOf(at, [1, 2, 3, 5], 0, 35)).toBe(4);
    expect(endOf(at, [1, 2, null, null], 0, 50)).toBe(2);
    expect(endOf(at, [1, 2, null, 9], 0, 35)).toBe(2);
  });

  it("is nowhere where nothing of it is shown", () => {
    expect(endOf(at, [1, null, null, null], 15, 35)).toBeUndefined();
    expect(endOf(at, [null, null, null, 4], 15, 35)).toBeUndefined();
    expect(endOf(at, [1, 2, 3, 4], 50, 60)).toBeUndefined();
    expect(endOf([], [], 15, 35)).toBeUndefined();
    expect(endOf(at, [1, 2, 3, 4], 0, 5)).toBeUndefined();
    // The line passes through, though it has no point in between.
    expect(endOf(at, [1, 2, 4, 4], 24, 25)).toBe(3);
  });
});

it("has room for lines as far up as they are shown, and no more", () => {
  const at = [10, 20, 30, 40];
  expect(
    highestOf(
      at,
      [
        [1, 2, 3, 4],
        [7, null, null, 5],
      ],
      0,
      50,
    ),
  ).toBe(7);
  expect(highestOf(at, [[1, 2, 3, 9]], 0, 35)).toBe(6);
  expect(highestOf(at, [[9, 1, 1, 1]], 15, 40)).toBe(5);
  expect(highestOf(at, [[9, null, 1, 9]], 15, 30)).toBe(1);
  expect(highestOf(at, [[null, null, null, null]], 0, 50)).toBe(0);
  expect(highestOf(at, [], 0, 50)).toBe(0);
});
