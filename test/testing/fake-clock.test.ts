import { describe, expect, it } from "vitest";
import { sleep } from "../../src/runtime/clock.ts";
import { FakeClock } from "../../src/testing/fake-clock.ts";

describe("FakeClock", () => {
  it("fires timers in order of their due time, each at its own instant", async () => {
    const clock = new FakeClock(1_000);
    const fired: string[] = [];
    const note = (name: string) => () => fired.push(`${name}@${clock.now()}`);
    clock.setTimer(30, note("late"));
    clock.setTimer(10, note("early"));
    clock.setTimer(10, note("early too"));
    clock.setTimer(31, note("never"));
    await clock.advance(30);
    expect(fired).toEqual(["early@1010", "early too@1010", "late@1030"]);
    expect(clock.monotonic()).toBe(30);
    expect(clock.pendingTimers).toBe(1);
  });

  it("fires a timer that a promise chain sets on the way, if it is due by then", async () => {
    const clock = new FakeClock(0);
    let rounds = 0;
    const loop = async () => {
      for (;;) {
        await sleep(clock, 10);
        await new Promise(setImmediate);
        rounds += 1;
      }
    };
    void loop();
    await clock.advance(35);
    expect(rounds).toBe(3);
    await clock.advance(5);
    expect(rounds).toBe(4);
  });

  it("forgets a cancelled timer", async () => {
    const clock = new FakeClock();
    let fired = false;
    const cancel = clock.setTimer(5, () => {
      fired = true;
    });
    cancel();
    await clock.advance(10);
    expect(fired).toBe(false);
  });

  it("may go along with another, beside being advanced", async () => {
    const along = new FakeClock();
    const clock = new FakeClock(1_000, along);
    let fired = 0;
    clock.setTimer(100, () => {
      fired = clock.now();
    });
    await along.advance(40);
    expect([clock.now(), clock.monotonic()]).toEqual([1_040, 40]);
    clock.setTimer(50, () => undefined);
    await along.advance(80);
    expect(fired).toBe(0); // timers wait for the test all the same
    await clock.advance(10);
    expect([fired, clock.now(), clock.pendingTimers]).toEqual([1_120, 1_130, 0]);
  });

  it("jumps its wall without touching timers or monotonic time", async () => {
    const clock = new FakeClock(1_000);
    let firedAt = 0;
    clock.setTimer(10, () => {
      firedAt = clock.now();
    });
    clock.setWall(500);
    await clock.advance(10);
    expect(firedAt).toBe(510);
    expect(clock.monotonic()).toBe(10);
  });
});
