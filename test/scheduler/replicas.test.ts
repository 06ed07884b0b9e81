import { afterEach, describe, expect, it, vi } from "vitest";
import type { Engine } from "../../src/broker/engine.ts";
import type { Scheduler } from "../../src/scheduler/scheduler.ts";
import { Task } from "../../src/task.ts";
import { redisForFile } from "../support/redis-rig.ts";
import { tasksIn } from "./rig.ts";
import { memoryStage, redisStage, type Stage, sqliteStage } from "./stage.ts";

const redis = await redisForFile();

const stages: Stage[] = [];
afterEach(async () => {
  for (const each of stages.splice(0)) await each.close();
});

async function onStage(opening: Promise<Stage>) {
  const stage = await opening;
  stages.push(stage);
  return stage;
}

const until = (check: () => Promise<void> | void) => vi.waitFor(check, { interval: 10, timeout: 10_000 });

/**
 * Waits for it, and lets a moment pass with each look: a scheduler that was still busy when the second came rests for a
 * millisecond before it sees that.
 */
const soon = (stage: Stage, check: () => Promise<void> | void) =>
  until(async () => {
    try {
      await check();
    } catch (error) {
      await stage.advance(1);
      throw error;
    }
  });
const ticksIn = async (engine: Engine) => (await tasksIn(engine)).map(({ tick }) => tick);

async function started(
  scheduler: Scheduler,
  spec = "@every 1s",
  type = "t",
  id?: string,
): Promise<Scheduler> {
  await scheduler.register(spec, new Task(type), id === undefined ? {} : { id });
  await scheduler.start();
  return scheduler;
}

/** Lets seconds pass, one by one, each when the tick of the one before has its task. */
async function pass(stage: Stage, view: Engine, from: number, to: number): Promise<void> {
  for (let i = from; i <= to; i += 1) {
    await stage.advance(1_000);
    await soon(stage, async () => expect(await ticksIn(view)).toHaveLength(i));
  }
}

describe.each([
  ["memory store", memoryStage],
  ["SQLite file", sqliteStage],
  ["Redis", () => redisStage(redis)],
] as const)("two schedulers on one %s", (_, open) => {
  it("enqueue 60 tasks for 60 ticks", async () => {
    const stage = await onStage(open());
    const view = await stage.open();
    const enqueued: (string | undefined)[] = [];
    const postEnqueue = (_info: unknown, { tick }: { tick: Date | undefined }) =>
      enqueued.push(tick?.toISOString().slice(11, 19));
    const both = [await stage.scheduler({ postEnqueue }), await stage.scheduler({ postEnqueue })];
    for (const each of both) await started(each, "@every 1s", "t", "e");
    await pass(stage, view, 1, 60);
    await Promise.all(both.map((each) => each.shutdown()));

    const found = await ticksIn(view);
    expect(found).toHaveLength(60);
    expect(new Set(found).size).toBe(60);
    expect(enqueued.sort()).toEqual(found.sort());
    expect(await view.schedules.listEvents("e", { page: 0, size: 100 })).toHaveLength(60);
  });

  it("lose nothing and repeat nothing when one leaves and another one comes", async () => {
    const stage = await onStage(open());
    const view = await stage.open();
    const leaves = await started(await stage.scheduler());
    const stays = await started(await stage.scheduler());
    await pass(stage, view, 1, 5);
    await leaves.shutdown();
    await pass(stage, view, 6, 10);
    const comes = await started(await stage.scheduler());
    await stays.shutdown();
    await pass(stage, view, 11, 15);
    await comes.shutdown();
    expect(new Set(await ticksIn(view)).size).toBe(15);
  });

  it("let the newer one say what an id means, from its first tick on", async () => {
    const stage = await onStage(open());
    const view = await stage.open();
    const tried = { old: 0, young: 0 };
    const counting = (who: keyof typeof tried) => ({
      preEnqueue: () => {
        tried[who] += 1;
      },
    });
    const old = await started(await stage.scheduler(counting("old")), "@every 1s", "old", "e");
    await stage.advance(1_000);
    await soon(stage, () => expect(tried.old).toBe(1));
    const thirds = () => Math.floor(stage.clock.now() / 3_000);
    const begun = thirds();
    const young = await started(await stage.scheduler(counting("young")), "@every 3s", "new", "e");
    for (let i = 2; i <= 12; i += 1) {
      await stage.advance(1_000);
      await soon(stage, () => expect(tried).toEqual({ old: i, young: thirds() - begun }));
    }
    await Promise.all([old.shutdown(), young.shutdown()]);
    const types = (await tasksIn(view)).map(({ type }) => type);
    const first = types.indexOf("new");
    expect(first).toBeGreaterThan(0);
    expect(types.slice(first)).toEqual(types.slice(first).map(() => "new"));
    // Of its three or four ticks, the older one may have been quicker at the first.
    expect(types.length - first).toBeGreaterThanOrEqual(2);
  });
});

describe("a scheduler whose clock is wrong", () => {
  it("leaves its ticks to others for a minute, and enqueues nothing early", async () => {
    const stage = await onStage(redisStage(redis));
    const view = await stage.open();
    const wrong = await started(await stage.scheduler({}, 3_600_000), "@every 10s");
    for (let i = 0; i < 55; i += 1) await stage.advance(1_000);
    expect(await ticksIn(view)).toEqual([]);
    const right = await started(await stage.scheduler(), "@every 10s");
    for (let i = 0; i < 60; i += 1) await stage.advance(1_000);
    await until(async () => expect((await ticksIn(view)).length).toBeGreaterThanOrEqual(5));
    await Promise.all([wrong.shutdown(), right.shutdown()]);
    const found = await ticksIn(view);
    expect(new Set(found).size).toBe(found.length);
    const now = new Date(stage.clock.now()).toISOString().slice(11, 19);
    for (const tick of found) expect((tick ?? "") <= now).toBe(true);
  });

  it("is refused by a Redis that knows better", async () => {
    const stage = await onStage(redisStage(redis, true));
    const view = await stage.open();
    const errors: Error[] = [];
    const wrong = await started(
      await stage.scheduler({ onError: (error) => errors.push(error) }, 3_600_000),
      "@every 10s",
    );
    for (let i = 0; i < 15; i += 1) await stage.advance(1_000);
    await until(() => expect(errors.length).toBeGreaterThan(0));
    await wrong.shutdown();
    expect(errors[0]).toMatchObject({ code: "ENGINE_UNAVAILABLE" });
    expect(await ticksIn(view)).toEqual([]);
  });
});
