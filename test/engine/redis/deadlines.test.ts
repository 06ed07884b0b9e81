import { describe, expect, it } from "vitest";
import { Deadlines } from "../../../src/engine/redis/deadlines.ts";
import { FakeClock } from "../../support/fake-runtime.ts";

describe("deadlines", () => {
  it("come in their time, in whatever order they were set, on one timer", async () => {
    const clock = new FakeClock();
    const deadlines = new Deadlines(clock);
    const past: string[] = [];
    for (const at of [300, 100, 200, 100]) {
      deadlines.set(at, () => past.push(`${at} at ${clock.monotonic()}`));
      expect(clock.pendingTimers).toBe(1);
    }
    await clock.advance(150);
    expect(past).toEqual(["100 at 100", "100 at 100"]);
    await clock.advance(500);
    expect(past).toEqual(["100 at 100", "100 at 100", "200 at 200", "300 at 300"]);
    expect(clock.pendingTimers).toBe(0);
  });

  it("do not come when taken back, and leave no timer behind", async () => {
    const clock = new FakeClock();
    const deadlines = new Deadlines(clock);
    const past: number[] = [];
    const takeBack = deadlines.set(100, () => past.push(100));
    deadlines.set(200, () => past.push(200));
    takeBack();
    await clock.advance(1_000);
    expect(past).toEqual([200]);
    expect(clock.pendingTimers).toBe(0);
  });

  it("may be set by one that comes, and may have passed already", async () => {
    const clock = new FakeClock();
    const deadlines = new Deadlines(clock);
    const past: number[] = [];
    deadlines.set(100, () => {
      deadlines.set(50, () => past.push(clock.monotonic()));
      deadlines.set(400, () => past.push(clock.monotonic()));
    });
    await clock.advance(1_000);
    expect(past).toEqual([100, 400]);
  });
});
