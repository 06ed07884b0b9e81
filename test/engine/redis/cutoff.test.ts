import { describe, expect, it } from "vitest";
import { Cutoff } from "../../../src/engine/redis/cutoff.ts";
import { fixedServerClock } from "../../../src/engine/redis/server-clock.ts";
import { FakeClock, fakeRuntime } from "../../support/fake-runtime.ts";
import { HeardLog } from "./connecting.ts";

const START = Date.UTC(2024, 0, 1);

/** The cutoff by two clocks that a test turns: this machine's, and the store's. */
function cutoffBy(store = new FakeClock(START)) {
  const runtime = fakeRuntime({ now: START });
  const logger = new HeardLog();
  const cutoff = new Cutoff({ clock: fixedServerClock(store), runtime, logger });
  const pass = async (ms: number) => {
    await runtime.clock.advance(ms);
    await store.advance(ms);
  };
  /** Sets the store's clock so far ahead of the wall clock. */
  const differBy = (ms: number) => store.setWall(runtime.clock.now() + ms);
  return { cutoff, logger, store, wall: runtime.clock, pass, differBy };
}

describe("what may count as due", () => {
  it("is the earlier of both clocks while they differ by little", () => {
    const { cutoff, store, wall, differBy, logger } = cutoffBy();
    for (const ms of [-5_000, 0, 5_000]) {
      differBy(ms);
      expect(cutoff.at()).toBe(Math.min(store.now(), wall.now()));
    }
    expect(logger.lines).toEqual([]);
  });

  it("is left to others for a minute where they differ by more, then goes by the store's, and warns once", async () => {
    for (const ms of [-5_001, 5_001, 3_600_000]) {
      const { cutoff, store, pass, differBy, logger } = cutoffBy();
      differBy(ms);
      expect(cutoff.at()).toBeUndefined();
      await pass(59_999);
      expect(cutoff.at()).toBeUndefined();
      await pass(1);
      expect(cutoff.at()).toBe(store.now());
      expect(logger.lines).toEqual([
        expect.stringMatching(new RegExp(`^warn .*differs.* differenceMs=${ms}$`)),
      ]);
    }
  });

  it("is left to others for a whole minute again after the clocks have agreed", async () => {
    const { cutoff, store, pass, differBy, logger } = cutoffBy();
    differBy(6_000);
    expect(cutoff.at()).toBeUndefined();
    await pass(59_000);
    differBy(0);
    expect(cutoff.at()).toBe(store.now());
    differBy(6_000);
    await pass(2_000);
    expect(cutoff.at()).toBeUndefined();
    await pass(59_999);
    expect(cutoff.at()).toBeUndefined();
    await pass(1);
    expect(cutoff.at()).toBe(store.now());
    expect(logger.lines).toHaveLength(2);
  });
});
