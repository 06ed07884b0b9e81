import { describe, expect, it } from "vitest";
import { parseCronSpec } from "../../src/scheduler/cron-spec.ts";
import { dueTicks, type MissedPolicy } from "../../src/scheduler/missed-ticks.ts";
import { Task } from "../../src/task.ts";
import { schedulerRig, settle } from "./rig.ts";

const MINUTE = 60_000;
const NOON = Date.UTC(2026, 0, 15, 12);
const POLICIES = ["skip", "run-once", { backfill: 3 }] as const;

describe("ticks that are due", () => {
  const due = (spec: string, cursor: number, now: number, missed: MissedPolicy) =>
    dueTicks(parseCronSpec(spec).schedule, NOON + cursor, NOON + now, missed).map(
      (tick) => (tick - NOON) / 1_000,
    );

  it.each(POLICIES)("are all that came since, while none is late (%j)", (missed) => {
    expect(due("@every 1s", 0, 3_500, missed)).toEqual([1, 2, 3]);
    expect(due("@every 1m", 0, MINUTE + 20, missed)).toEqual([60]);
    expect(due("@every 1m", 0, MINUTE - 1, missed)).toEqual([]);
    expect(due("@every 1m", MINUTE, MINUTE + 20, missed)).toEqual([]);
  });

  it("are the newest of all that were missed, the last of them, or none", () => {
    const after10Minutes = (missed: MissedPolicy) => due("@every 1m", 0, 10 * MINUTE + 30_000, missed);
    expect(after10Minutes("skip")).toEqual([600]);
    expect(after10Minutes("run-once")).toEqual([600]);
    expect(after10Minutes({ backfill: 3 })).toEqual([480, 540, 600]);
    expect(after10Minutes({ backfill: 100 })).toHaveLength(10);

    const hourly = (missed: MissedPolicy) => due("@every 1h", 0, 5.5 * 60 * MINUTE, missed);
    expect(hourly("skip")).toEqual([]);
    expect(hourly("run-once")).toEqual([18_000]);
    expect(hourly({ backfill: 2 })).toEqual([14_400, 18_000]);
  });

  it("never come in a burst that nobody asked for", () => {
    const afterAnHour = (missed: MissedPolicy) => due("@every 1s", 0, 60 * MINUTE, missed).length;
    expect(afterAnHour("skip")).toBeLessThan(10);
    expect(afterAnHour("run-once")).toBeLessThan(10);
    expect(afterAnHour({ backfill: 20 })).toBe(26);
  });

  it("are found at once, however long ago the last one was", () => {
    let asked = 0;
    const { schedule } = parseCronSpec("@every 1s");
    const next = (after: number) => {
      asked += 1;
      return schedule.next(after);
    };
    const counting = { next };
    dueTicks(counting, NOON - 365 * 86_400_000, NOON, { backfill: 5 });
    expect(asked).toBeLessThan(50);
    expect(due("0 0 1 * *", -400 * 86_400_000, 0, { backfill: 2 })).toHaveLength(2);
  });
});

describe("a scheduler that comes back", () => {
  /** Ran until 12:20, and again from 12:30:30 on. */
  async function afterRest(missed: MissedPolicy, spec = "* * * * *"): Promise<(string | undefined)[]> {
    const rig = schedulerRig({ missed });
    await rig.scheduler.register(spec, new Task("t"));
    await rig.scheduler.start();
    await rig.advance(10 * MINUTE);
    await rig.scheduler.shutdown();
    const before = (await rig.tasks()).length;
    await rig.advance(10 * MINUTE + 30_000 - 250);
    const again = rig.another();
    await again.register(spec, new Task("t"));
    await again.start();
    await settle();
    await again.shutdown();
    return (await rig.tasks()).slice(before).map(({ tick }) => tick);
  }

  it("leaves out what was missed, but for what has just been due", async () => {
    expect(await afterRest("skip")).toEqual(["12:30:00"]);
    expect(await afterRest("skip", "*/4 * * * *")).toEqual([]);
  });

  it("makes up for it once", async () => {
    expect(await afterRest("run-once")).toEqual(["12:30:00"]);
    expect(await afterRest("run-once", "*/4 * * * *")).toEqual(["12:28:00"]);
  });

  it("makes up for as much as was asked", async () => {
    expect(await afterRest({ backfill: 3 })).toEqual(["12:28:00", "12:29:00", "12:30:00"]);
    expect(await afterRest({ backfill: 3 }, "*/4 * * * *")).toEqual(["12:24:00", "12:28:00"]);
  });

  it("owes nothing to an entry that nobody had before", async () => {
    const rig = schedulerRig({ missed: { backfill: 10 } });
    await rig.scheduler.register("* * * * *", new Task("t"));
    await rig.scheduler.start();
    await settle();
    expect(await rig.tasks()).toEqual([]);
    await rig.scheduler.shutdown();
  });

  it("goes on when its clock is turned back, and brings no burst when it is right again", async () => {
    const rig = schedulerRig();
    await rig.scheduler.register("@every 10s", new Task("t"));
    await rig.scheduler.start();
    await rig.advance(MINUTE);
    expect(await rig.tasks()).toHaveLength(6);
    rig.clock.setWall(rig.clock.now() - 30 * MINUTE);
    await rig.advance(MINUTE);
    const before = (await rig.tasks()).length;
    expect(before).toBeGreaterThan(10);
    rig.clock.setWall(rig.clock.now() + 30 * MINUTE);
    await rig.advance(MINUTE);
    expect((await rig.tasks()).length - before).toBeLessThanOrEqual(9);
    await rig.scheduler.shutdown();
  });
});
