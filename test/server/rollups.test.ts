import { describe, expect, it } from "vitest";
import { EngineUnavailableError } from "../../src/errors.ts";
import { type Measured, ROLLUP_LENGTH } from "../../src/protocol/rollup.ts";
import { RetryLater } from "../../src/retry-later.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { Rollups } from "../../src/server/rollups.ts";
import { settle } from "../support/fake-runtime.ts";
import { serverRig } from "./server-rig.ts";

const START = Math.floor(1_700_000_000_000 / ROLLUP_LENGTH) * ROLLUP_LENGTH;

function rig() {
  const state = { now: START, refuse: undefined as Error | undefined };
  const written: { queue: string; at: number; types: Record<string, Measured> }[] = [];
  const rollups = new Rollups({
    now: () => state.now,
    logger: silentLogger,
    store: {
      add: async (queue, at, measured) => {
        if (state.refuse) throw state.refuse;
        written.push({ queue, at, types: Object.fromEntries(measured) });
      },
    },
  });
  const ended = (type = "t", more = {}) =>
    rollups.ended({ queue: "q", type, failed: false, waitMs: 1_000, durationMs: 10, ...more });
  const beat = async (ms: number) => {
    state.now += ms;
    rollups.beat();
    await settle();
  };
  return { state, rollups, written, ended, beat };
}

describe("what a server measures", () => {
  it("is written once a minute, and nothing where nothing has ended", async () => {
    const { written, ended, beat } = rig();
    for (let i = 0; i < 100; i += 1) await beat(5_000);
    expect(written).toEqual([]);
    ended();
    ended("t", { failed: true, waitMs: undefined, durationMs: undefined });
    for (let i = 0; i < 24; i += 1) await beat(5_000);
    expect(written).toEqual([
      {
        queue: "q",
        at: START + ROLLUP_LENGTH,
        types: { t: { processed: 2, failed: 1, wait: { 30: 1 }, run: { 10: 1 } } },
      },
    ]);
  });

  it("belongs to the five minutes in which it ended", async () => {
    const { written, ended, beat } = rig();
    await beat(ROLLUP_LENGTH - 10_000);
    ended("early");
    await beat(12_000);
    ended("late");
    await beat(60_000);
    expect(written.map(({ at, types }) => [at - START, Object.keys(types)])).toEqual([
      [0, ["early"]],
      [ROLLUP_LENGTH, ["late"]],
    ]);
  });

  it("is kept where it was surely not written, and given up where it may have been", async () => {
    const { state, written, ended, beat } = rig();
    state.refuse = new EngineUnavailableError("nobody listens");
    ended();
    await beat(60_000);
    ended();
    state.refuse = undefined;
    await beat(60_000);
    expect(written.map(({ types }) => types["t"]?.processed)).toEqual([2]);

    state.refuse = new EngineUnavailableError("no answer", undefined, true);
    ended();
    await beat(60_000);
    state.refuse = undefined;
    await beat(60_000);
    expect(written).toHaveLength(1);
  });

  it("is bounded: of many types, and of endless ones, the rest counts together", async () => {
    const { written, ended, rollups } = rig();
    ended("x".repeat(201));
    for (let i = 0; i < 1_000; i += 1) ended(`t${i}`);
    await rollups.finish();
    const types = written[0]?.types ?? {};
    expect(Object.keys(types)).toHaveLength(50);
    expect(types[""]?.processed).toBe(1_001 - 49);
  });
});

describe("a server", () => {
  it("measures how long tasks waited and ran, by queue and type, and writes the rest when it stops", async () => {
    const server = serverRig({ queues: { default: 1, low: 1 } });
    await server.start(async ({ type }) => {
      if (type === "later") throw new RetryLater("1h");
      await new Promise<void>((resolve) => server.clock.setTimer(type === "slow" ? 2_000 : 20, resolve));
      if (type === "bad") throw new Error("no route");
    });
    await server.enqueue({}, {}, "slow");
    await server.enqueue({ queue: "low" }, {}, "bad");
    await server.enqueue({ queue: "low" }, {}, "later");
    await server.enqueue({ processIn: "10s" }, {}, "quick");
    await server.clock.advance(20_000);
    await settle();
    const now = server.engine.broker.now();
    const read = async (queue: string) =>
      (await server.engine.rollups.read(queue, now - 600_000, now + 1)).map(({ type, measured }) => [
        type,
        measured,
      ]);
    expect(await read("default")).toEqual([]);
    const ended = server.server.shutdown();
    await server.clock.advance(10_000);
    await ended;
    const found = Object.fromEntries(await read("default")) as Record<string, Measured>;
    expect(found["slow"]).toMatchObject({ processed: 1, failed: 0, run: { 33: 1 } });
    expect(found["quick"]).toMatchObject({ processed: 1, failed: 0, run: { 13: 1 } });
    expect(Object.values(found["quick"]?.wait ?? {})).toEqual([1]);
    expect(await read("low")).toMatchObject([["bad", { processed: 1, failed: 1, run: { 13: 1 } }]]);
  });
});
