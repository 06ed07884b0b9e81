import type { Redis } from "ioredis";
import { afterEach } from "vitest";
import type { Engine } from "../../../src/broker/engine.ts";
import { createRedisEngine, type RedisEngineInternals } from "../../../src/engine/redis/redis-engine.ts";
import { queueKeys } from "../../../src/protocol/keys.ts";
import { ceilSeconds, floorSeconds, pendingSinceNs } from "../../../src/protocol/units.ts";
import { silentLogger } from "../../../src/runtime/logger.ts";
import type { EngineHarness } from "../../contract/harness.ts";
import { type FakeClock, fakeRuntime } from "../../support/fake-runtime.ts";
import type { RedisRig } from "../../support/redis-rig.ts";
import { fakeTime, setFakeTime } from "./fake-time.ts";

export interface RedisHarness extends EngineHarness {
  /** A raw client on the same Redis. */
  readonly client: Redis;
}

export interface RedisHarnessOptions {
  /** Changes every script, after it got its fake clock. @defaultValue leaves them as they are */
  readonly scriptSource?: RedisEngineInternals["scriptSource"];
  /** Milliseconds by which Redis's clock, and so the engine's, is ahead of the wall clock. @defaultValue 0 */
  readonly clockOffset?: number;
  /** How many days ago the clock starts: as far as the test is going to turn it. @defaultValue 30 */
  readonly startDaysAgo?: number;
}

const DAY = 86_400_000;

/** Opens engines on `rig` that close after the test. */
export function harnessesOn(rig: RedisRig): (options?: RedisHarnessOptions) => Promise<RedisHarness> {
  const opened: RedisHarness[] = [];
  afterEach(async () => {
    for (const harness of opened.splice(0)) await harness.close();
  });
  return async (options) => {
    const harness = await openRedis(rig, options);
    opened.push(harness);
    return harness;
  };
}

/**
 * Engines on an empty Redis, all on a clock that the test turns: the runtime's, the one that scripts see, and the
 * lifetimes of keys, which only Redis counts.
 *
 * The clock starts a month ago or earlier, so that a test may turn it on without leaving leases in the future behind, and not on
 * a whole second, so that rounding shows.
 */
export async function openRedis(rig: RedisRig, options: RedisHarnessOptions = {}): Promise<RedisHarness> {
  const { scriptSource = (source: string) => source, clockOffset = 0, startDaysAgo = 30 } = options;
  const runtime = fakeRuntime({ now: Math.floor(Date.now() / 1_000) * 1_000 - startDaysAgo * DAY + 789 });
  const client = rig.client();
  await client.flushall();
  await setFakeTime(client, runtime.clock.now() + clockOffset);

  const engines: Engine[] = [];
  const open = async () => {
    const engine = createRedisEngine(
      rig.url,
      { runtime, logger: silentLogger },
      { clockOffset, scriptSource: (source, name) => fakeTime(scriptSource(source, name)) },
    );
    engines.push(engine);
    await engine.open();
    return engine;
  };
  const engine = await open();
  let queues = 0;
  let damaged = false;

  return {
    engine,
    broker: engine.broker,
    inspection: engine.inspection,
    clock: {
      now: () => runtime.clock.now(),
      advance: (ms) => advance(client, runtime.clock, ms, clockOffset),
    },
    client,
    another: open,
    inject: async (queue, id, bytes, state = "pending") => {
      damaged = true;
      const keys = queueKeys(queue);
      const now = runtime.clock.now();
      const fields = state === "pending" ? { pending_since: pendingSinceNs(now) } : {};
      const pipeline = client.pipeline().sadd("asynq:queues", queue);
      pipeline.hset(keys.taskPrefix + id, { msg: Buffer.from(bytes), state, ...fields });
      if (state === "pending" || state === "active") pipeline.lpush(keys[state], id);
      else pipeline.zadd(keys[state], floorSeconds(now), id);
      if (state === "active") pipeline.zadd(keys.lease, ceilSeconds(now) + 30, id);
      await pipeline.exec();
    },
    queue: () => {
      queues += 1;
      return `queue-${queues}`;
    },
    close: async () => {
      for (const each of engines) await each.close();
      // What a test has damaged itself is not to be judged.
      if (damaged) await client.flushall();
      client.disconnect();
    },
  };
}

/** So far may the scripts' clock be ahead of the engine's without a script refusing to act. */
const STEP = 1_000;

const AGE_KEYS = `
for _, key in ipairs(redis.call('KEYS', '*')) do
  local left = redis.call('PTTL', key)
  if left >= 0 then redis.call('PEXPIRE', key, left - ARGV[1]) end
end`;

/** In steps while timers wait, which may run scripts on their way; else at once. */
async function advance(client: Redis, clock: FakeClock, ms: number, offset: number): Promise<void> {
  for (let left = ms; left > 0; ) {
    const step = clock.pendingTimers > 0 ? Math.min(STEP, left) : left;
    await client.eval(AGE_KEYS, 0, step);
    await setFakeTime(client, clock.now() + step + offset);
    await clock.advance(step);
    left -= step;
  }
}
