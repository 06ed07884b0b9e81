import { expect, it } from "vitest";
import { explainSpec } from "../../src/index.ts";

it.each([
  ["* * * * *", "every minute"],
  ["*/5 * * * *", "every 5 minutes"],
  ["0 * * * *", "every hour"],
  ["@hourly", "every hour"],
  ["15 * * * *", "at 15 minutes past every hour"],
  ["0 */2 * * *", "every 2 hours"],
  ["CRON_TZ=Europe/Rome 0 6 * * *", "at 06:00 in Europe/Rome"],
  ["@daily", "at 00:00 UTC"],
  ["30 9,18 * * MON-FRI", "at 09:30 and 18:30 UTC on weekdays"],
  ["0 9 * * SAT,SUN", "at 09:00 UTC on weekends"],
  ["0 9 * * 1,4", "at 09:00 UTC on Mondays and Thursdays"],
  ["0 0 1,2,3,11 * *", "at 00:00 UTC on the 1st, 2nd, 3rd and 11th of the month"],
  ["@yearly", "at 00:00 UTC on 1 January"],
  ["CRON_TZ=Europe/Rome 0 * * * 1-5", "every hour on weekdays in Europe/Rome"],
  ["@every 1h", "every hour"],
  ["@every 90s", "every 1 minute 30 seconds"],
  ["@every 500ms", "every second"],
])("says %s as %s", (spec, words) => {
  expect(explainSpec(spec).words).toBe(words);
});

it.each([
  "*/7 * * * *",
  "1,2 * * * *",
  "5 */2 * * *",
  "0 1,2,3,4,5 * * *",
  "*/15 9-17 * * 1-5",
  "0 0 13 * FRI",
  "0 0 1 1,7 *",
  "0 0 * 6 *",
])("leaves %s to speak for itself", (spec) => {
  expect(explainSpec(spec).words).toBeUndefined();
});

it("tells the next times where the entry is, over a change of its clocks", () => {
  const { spec, runs } = explainSpec("0 6 * * *", { timezone: "Europe/Rome" });
  expect(spec).toBe("CRON_TZ=Europe/Rome 0 6 * * *");
  expect(runs(new Date("2026-10-24T00:00:00Z"), 3).map((at) => at.toISOString())).toEqual([
    "2026-10-24T04:00:00.000Z",
    "2026-10-25T05:00:00.000Z",
    "2026-10-26T05:00:00.000Z",
  ]);
});

it("knows no times of a day that does not exist", () => {
  expect(explainSpec("0 0 30 2 *").runs(new Date(0), 10)).toEqual([]);
});

it("refuses what it cannot understand, and counts that are none", () => {
  expect(() => explainSpec("every hour")).toThrow(expect.objectContaining({ code: "CRON_SPEC_INVALID" }));
  const { runs } = explainSpec("@daily");
  for (const count of [0, 101, 1.5]) {
    expect(() => runs(new Date(0), count)).toThrow(expect.objectContaining({ option: "count" }));
  }
  expect(() => runs(new Date(Number.NaN), 1)).toThrow(expect.objectContaining({ option: "after" }));
});
