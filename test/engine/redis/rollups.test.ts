import { expect, it } from "vitest";
import type { Engine } from "../../../src/broker/engine.ts";
import { createRedisEngine } from "../../../src/engine/redis/redis-engine.ts";
import { ROLLUP_LENGTH } from "../../../src/protocol/rollup.ts";
import { silentLogger } from "../../../src/runtime/logger.ts";
import { Rollups } from "../../../src/server/rollups.ts";
import { fakeRuntime } from "../../support/fake-runtime.ts";
import { redisForFile } from "../../support/redis-rig.ts";
import { harnessesOn, type RedisHarness } from "./harness.ts";

const redis = await redisForFile();
const open = harnessesOn(redis);

const HOUR = 3_600_000;
const q = "default";
const measured = { processed: 2, failed: 1, wait: { 3: 1, 17: 1 }, run: {} };

/** Its five minutes begin at minute 35 of an hour. */
function placeOf({ broker }: RedisHarness): { at: number; key: string } {
  const hour = Math.floor(broker.now() / HOUR);
  return { at: hour * HOUR + 7 * ROLLUP_LENGTH, key: `tq:{${q}}:rollup:${hour}` };
}

it("lie in one hash for an hour, which expires 49 hours after the last addition (18.13)", async () => {
  const engine = await open();
  const { at, key } = placeOf(engine);
  await engine.engine.rollups.add(q, at, new Map([["email:welcome", measured]]));
  await engine.engine.rollups.add(q, at + ROLLUP_LENGTH, new Map([["email:welcome", measured]]));
  await engine.engine.rollups.add(q, at + ROLLUP_LENGTH, new Map([["email:welcome", measured]]));
  const fields = await engine.client.hgetall(key);
  expect(Object.keys(fields).sort()).toEqual(["35", "35:email:welcome", "40", "40:email:welcome"]);
  expect([fields["35"], fields["40"]]).toEqual(["1", "1"]);
  expect(JSON.parse(fields["35:email:welcome"] ?? "")).toEqual({ p: 2, f: 1, w: { 3: 1, 17: 1 }, r: {} });
  expect(JSON.parse(fields["40:email:welcome"] ?? "")).toEqual({ p: 4, f: 2, w: { 3: 2, 17: 2 }, r: {} });
  expect(await engine.client.pttl(key)).toBeGreaterThan(49 * HOUR - 60_000);
  expect(await engine.client.pttl(key)).toBeLessThanOrEqual(49 * HOUR);
});

it.each([
  ["no JSON", "nonsense"],
  ["a number", "7"],
  ["text for numbers", '{"p":"x","f":[],"w":7,"r":{"3":"y"}}'],
])("are added to what is damaged as if it were nothing: %s", async (_, damage) => {
  const engine = await open();
  const { at, key } = placeOf(engine);
  await engine.client.hset(key, "35:t", damage, "99:x", "1", "what", "ever");
  await engine.engine.rollups.add(q, at, new Map([["t", measured]]));
  expect(await engine.engine.rollups.read(q, at, at + 1)).toEqual([{ at, type: "t", measured }]);
  await engine.client.del(key);
});

it("are none where a key of another type stands", async () => {
  const engine = await open();
  const { at, key } = placeOf(engine);
  await engine.client.set(key, "text");
  await expect(engine.engine.rollups.add(q, at, new Map([["t", measured]]))).rejects.toThrow();
  expect(await engine.engine.rollups.read(q, at, at + 1)).toEqual([]);
  await engine.client.del(key);
});

it("of servers whose clocks disagree by hours lie together, and forget each other as little", async () => {
  const before = Date.now();
  const engines: Engine[] = [];
  try {
    for (const skew of [0, 3 * HOUR, -30 * HOUR]) {
      const runtime = fakeRuntime({ now: Date.now() + skew });
      const engine = createRedisEngine(redis.url, { runtime, logger: silentLogger });
      engines.push(engine);
      await engine.open();
      const rollups = new Rollups({
        store: engine.rollups,
        now: () => engine.broker.now(),
        logger: silentLogger,
      });
      rollups.ended({ queue: "skewed", type: "t", failed: false, waitMs: 5, durationMs: 5 });
      await rollups.finish();
    }
    const [first] = engines;
    const found = await first?.rollups.read("skewed", before - ROLLUP_LENGTH, Date.now() + ROLLUP_LENGTH);
    // Two where the test runs at the edge of five minutes.
    expect(found?.reduce((sum, each) => sum + each.measured.processed, 0)).toBe(3);
  } finally {
    for (const engine of engines) await engine.close();
    await redis.flush();
  }
});
