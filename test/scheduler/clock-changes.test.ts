import { describe, expect, it } from "vitest";
import { parseCronSpec } from "../../src/scheduler/cron-spec.ts";

const QUARTER = 15 * 60_000;
const START = Date.UTC(2026, 0, 1);
const DAYS = 400;

interface Shown {
  readonly at: number;
  readonly date: string;
  /** `HH:MM` */
  readonly time: string;
}

/** What the clocks of a place show at every quarter of an hour, as the platform prints it. */
function clocksOf(zone: string): Shown[] {
  const print = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "short" });
  return Array.from({ length: DAYS * 96 }, (_, i) => {
    const at = START + i * QUARTER;
    const [date = "", time = ""] = print.format(at).split(" ");
    return { at, date, time };
  });
}

/** The first moment of each day at which the clocks show that time, or a later one because they leave it out. */
function daily(shown: readonly Shown[], time: string): number[] {
  const first = new Map<string, number>();
  for (const each of shown) if (each.time >= time && !first.has(each.date)) first.set(each.date, each.at);
  // Of the first day the beginning may be missing.
  return [...first.values()].slice(1);
}

function ticks(spec: string, zone: string, from: number, to: number): number[] {
  const { schedule } = parseCronSpec(spec, zone);
  const found: number[] = [];
  for (let at = schedule.next(from - 1); at !== undefined && at <= to; at = schedule.next(at)) found.push(at);
  return found;
}

const texts = (instants: readonly number[]) => instants.map((at) => new Date(at).toISOString());

describe.each(["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo"])(
  "400 days in %s",
  (zone) => {
    const shown = clocksOf(zone);
    const first = shown[0]?.at ?? 0;
    const last = shown.at(-1)?.at ?? 0;
    const compare = (spec: string, wanted: readonly number[]) => {
      const from = wanted[0] ?? 0;
      expect(texts(ticks(spec, zone, from, last))).toEqual(texts(wanted));
    };

    it.each(["00:00", "00:30", "01:00", "01:45", "02:00", "02:15", "02:30", "02:45", "03:00", "23:30"])(
      "have a task of %s once on every day",
      (time) => {
        const [hour, minute] = time.split(":").map(Number);
        compare(`${minute} ${hour} * * *`, daily(shown, time));
      },
    );

    it("have an hourly task at every hour that the clocks show", () => {
      compare(
        "0 * * * *",
        shown.filter(({ time }) => time.endsWith(":00")).map(({ at }) => at),
      );
    });

    it("have a task of every quarter at every quarter, whatever the clocks do", () => {
      const offset = ({ at, date, time }: Shown) => Date.parse(`${date}T${time}Z`) - at;
      const changes = shown.slice(1).filter((each, i) => offset(each) !== offset(shown[i] as Shown));
      expect(changes.length).toBeGreaterThanOrEqual(2);
      for (const change of changes) {
        const near = shown.filter(({ at }) => Math.abs(at - change.at) <= 36 * 3_600_000);
        const wanted = near.map(({ at }) => at);
        expect(texts(ticks("*/15 * * * *", zone, wanted[0] ?? 0, wanted.at(-1) ?? 0))).toEqual(texts(wanted));
      }
    });

    it("have no instant that is not later than the one before, wherever one begins", () => {
      for (const spec of ["30 2 * * *", "*/20 1-2 * * *", "0 0 29 2 *", "5 */2 * * 0"]) {
        const { schedule } = parseCronSpec(spec, zone);
        for (let at = first; at < last; at += 7 * 3_600_000 + 1_234) {
          const next = schedule.next(at);
          if (next !== undefined) expect(next).toBeGreaterThan(at);
        }
      }
    });
  },
);

describe("a change of clocks", () => {
  it("gives a task of several times in a gap one turn, unless the hour after it has its own", () => {
    const gap = [Date.UTC(2026, 2, 8, 6), Date.UTC(2026, 2, 8, 8) - 1] as const;
    const inNewYork = (spec: string) => texts(ticks(spec, "America/New_York", ...gap));
    expect(inNewYork("*/20 2 * * *")).toEqual(["2026-03-08T07:00:00.000Z"]);
    expect(inNewYork("0 */2 * * *")).toEqual(["2026-03-08T07:00:00.000Z"]);
    expect(inNewYork("5 * * * *")).toEqual(["2026-03-08T06:05:00.000Z", "2026-03-08T07:05:00.000Z"]);
  });

  it("repeats in an overlap what means 'so often', not what means 'at that time'", () => {
    const overlap = [Date.UTC(2026, 10, 1, 5), Date.UTC(2026, 10, 1, 7) - 1] as const;
    const inNewYork = (spec: string) => ticks(spec, "America/New_York", ...overlap).length;
    expect(inNewYork("*/20 1 * * *")).toBe(6);
    expect(inNewYork("0,20,40 1 * * *")).toBe(3);
    expect(inNewYork("30 * * * *")).toBe(2);
    expect(inNewYork("30 1 * * *")).toBe(1);
  });

  it("is found from any instant within it", () => {
    const { schedule } = parseCronSpec("*/30 * * * *", "America/New_York");
    for (let at = Date.UTC(2026, 10, 1, 4); at < Date.UTC(2026, 10, 1, 8); at += 61_000) {
      expect(schedule.next(at)).toBe(Math.floor(at / 1_800_000) * 1_800_000 + 1_800_000);
    }
  });

  it("at midnight is no instant twice, and no loop", () => {
    // Clocks that were changed at one minute past midnight.
    const from = Date.UTC(2006, 3, 1);
    expect(texts(ticks("0 0 * * *", "America/St_Johns", from, from + 3 * 86_400_000))).toEqual([
      "2006-04-01T03:30:00.000Z",
      "2006-04-02T03:30:00.000Z",
      "2006-04-03T02:30:00.000Z",
    ]);
    const back = Date.UTC(2006, 9, 28);
    expect(texts(ticks("0 0 * * *", "America/St_Johns", back, back + 3 * 86_400_000))).toEqual([
      "2006-10-28T02:30:00.000Z",
      "2006-10-29T02:30:00.000Z",
      "2006-10-30T03:30:00.000Z",
    ]);
  });

  it("finds the leap day, and nothing on days that do not exist", () => {
    expect(parseCronSpec("0 0 29 2 *").schedule.next(START)).toBe(Date.UTC(2028, 1, 29));
    expect(parseCronSpec("0 0 30 2 *").schedule.next(START)).toBeUndefined();
    expect(parseCronSpec("0 0 31 4,6,9,11 *").schedule.next(START)).toBeUndefined();
    // One of the two is enough.
    expect(parseCronSpec("0 0 30 2 MON").schedule.next(START)).toBe(Date.UTC(2026, 1, 2));
  });
});
