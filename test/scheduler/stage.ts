import { join } from "node:path";
import type { Engine } from "../../src/broker/engine.ts";
import { createMemoryEngine } from "../../src/engine/memory/memory-engine.ts";
import { MemoryStore } from "../../src/engine/memory/store.ts";
import { createRedisEngine } from "../../src/engine/redis/redis-engine.ts";
import { createSqliteEngine } from "../../src/engine/sqlite/sqlite-engine.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { Scheduler } from "../../src/scheduler/scheduler.ts";
import type { SchedulerOptions } from "../../src/scheduler/scheduler-options.ts";
import { fakeTime, setFakeTime } from "../engine/redis/fake-time.ts";
import { directory } from "../engine/sqlite/sqlite-harness.ts";
import { FakeClock, fakeRuntime } from "../support/fake-runtime.ts";
import type { RedisRig } from "../support/redis-rig.ts";
import { START } from "./rig.ts";

/** A store that several engines share, as several processes do, and a clock for all of them. */
export interface Stage {
  readonly clock: FakeClock;
  /** Another engine on the store; `ahead`: its process's clock is ahead by so many milliseconds. */
  open(ahead?: number): Promise<Engine>;
  /** A scheduler on an engine of its own, with ids of its own: equal ones would hide that a task is there twice. */
  scheduler(options?: SchedulerOptions, ahead?: number): Promise<Scheduler>;
  advance(ms: number): Promise<void>;
  close(): Promise<void>;
}

type Opening = (runtime: ReturnType<typeof fakeRuntime>, ahead: number) => Engine;

function stage(
  clock: FakeClock,
  opening: Opening,
  advance: (ms: number) => Promise<void>,
  end: () => void = () => undefined,
): Stage {
  const opened: (() => Promise<void>)[] = [];
  let seed = 0;
  const runtimeAhead = (ahead: number) => {
    seed += 1;
    const own: FakeClock =
      ahead === 0
        ? clock
        : Object.assign(Object.create(clock) as FakeClock, {
            now: () => clock.now() + ahead,
            monotonic: () => clock.monotonic(),
            setTimer: (ms: number, callback: () => void) => clock.setTimer(ms, callback),
          });
    return { ...fakeRuntime({ seed }), clock: own };
  };
  const open = async (ahead = 0, runtime = runtimeAhead(ahead)) => {
    const engine = opening(runtime, ahead);
    opened.push(engine.use());
    await engine.open();
    return engine;
  };
  return {
    clock,
    open: (ahead) => open(ahead),
    scheduler: async (options = {}, ahead = 0) => {
      const runtime = runtimeAhead(ahead);
      return new Scheduler(await open(ahead, runtime), { runtime, logger: silentLogger, ...options });
    },
    advance,
    close: async () => {
      for (const leave of opened) await leave();
      end();
    },
  };
}

export async function memoryStage(): Promise<Stage> {
  const clock = new FakeClock(START);
  const store = new MemoryStore();
  return stage(
    clock,
    (runtime) => createMemoryEngine({ runtime }, { store }),
    (ms) => clock.advance(ms),
  );
}

export async function sqliteStage(): Promise<Stage> {
  const clock = new FakeClock(START);
  const file = join(directory(), "tasks.db");
  return stage(
    clock,
    (runtime) => createSqliteEngine(file, { runtime, logger: silentLogger }),
    (ms) => clock.advance(ms),
  );
}

/** Redis's own clock is the stage's; an engine whose process is ahead knows by how much, unless `trusting`. */
export async function redisStage(rig: RedisRig, trusting = false): Promise<Stage> {
  const clock = new FakeClock(START);
  const client = rig.client();
  await client.flushall();
  await setFakeTime(client, clock.now());
  return stage(
    clock,
    (runtime, ahead) =>
      createRedisEngine(
        rig.url,
        { runtime, logger: silentLogger },
        { clockOffset: trusting ? 0 : -ahead, scriptSource: (source) => fakeTime(source) },
      ),
    async (ms) => {
      await setFakeTime(client, clock.now() + ms);
      await clock.advance(ms);
    },
    () => client.disconnect(),
  );
}
