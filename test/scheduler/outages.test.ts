import { describe, expect, it } from "vitest";
import { memoryEngine } from "../../src/engine/memory/memory-engine.ts";
import { PeriodicTaskManager } from "../../src/scheduler/periodic-task-manager.ts";
import { Scheduler } from "../../src/scheduler/scheduler.ts";
import type { SchedulerOptions } from "../../src/scheduler/scheduler-options.ts";
import { Task } from "../../src/task.ts";
import { FaultyEngine } from "../server/faulty-engine.ts";
import { recordingLogger } from "../server/server-rig.ts";
import { fakeRuntime, settle } from "../support/fake-runtime.ts";
import { START, tasksIn } from "./rig.ts";

const MINUTE = 60_000;

/** A scheduler over a connection that a test can break. */
function faultyRig(options: SchedulerOptions = {}) {
  const runtime = fakeRuntime({ now: START });
  const store = memoryEngine({ runtime });
  store.use();
  const engine = new FaultyEngine(store, runtime.clock);
  const logger = recordingLogger();
  const scheduler = new Scheduler(engine, { runtime, logger, ...options });
  return {
    engine,
    store,
    scheduler,
    lines: logger.lines,
    advance: (ms: number) => runtime.clock.advance(ms),
    ticks: async () => (await tasksIn(store)).map(({ tick }) => tick),
  };
}

describe("a scheduler whose engine is away", () => {
  it("enqueues the tick that came meanwhile as soon as it is back, and says so once", async () => {
    const rig = faultyRig();
    await rig.scheduler.register("* * * * *", new Task("t"));
    await rig.scheduler.start();
    await rig.advance(MINUTE);
    rig.engine.fault = "down";
    await rig.advance(MINUTE + 20_000);
    expect(await rig.ticks()).toEqual(["12:11:00"]);
    rig.engine.fault = "up";
    await rig.advance(2_000);
    expect(await rig.ticks()).toEqual(["12:11:00", "12:12:00"]);
    expect(rig.lines.map(({ text }) => text)).toEqual([
      "scheduling",
      "cannot schedule; trying again",
      "scheduling again",
    ]);
    await rig.scheduler.shutdown();
  });

  it("begins when the engine comes, however late", async () => {
    const rig = faultyRig({ missed: "run-once" });
    rig.engine.fault = "down";
    await rig.scheduler.register("* * * * *", new Task("t"));
    await rig.scheduler.start();
    await rig.advance(5 * MINUTE);
    rig.engine.fault = "up";
    await rig.advance(2_000);
    expect(await rig.ticks()).toEqual(["12:15:00"]);
    await rig.advance(MINUTE);
    expect(await rig.ticks()).toEqual(["12:15:00", "12:16:00"]);
    await rig.scheduler.shutdown();
  });

  it("enqueues a tick once whose answer was lost, and knows it for its own", async () => {
    const told: string[] = [];
    const rig = faultyRig({
      postEnqueue: ({ id }) => told.push(id),
      onError: ({ message }) => told.push(message),
    });
    await rig.scheduler.register("* * * * *", new Task("t"), { id: "e" });
    await rig.scheduler.start();
    await rig.advance(MINUTE - 1_000);
    rig.engine.before = async (name) => {
      rig.engine.fault = name === "enqueueTick" ? "mute" : "up";
    };
    await rig.advance(1_500);
    rig.engine.before = () => undefined;
    rig.engine.fault = "up";
    await rig.advance(2_000);
    expect(await rig.ticks()).toEqual(["12:11:00"]);
    const [task] = await tasksIn(rig.store);
    expect(told).toEqual(["enqueueTick: the engine is mute", task?.id]);
    expect(await rig.store.schedules.listEvents("e", { page: 0, size: 5 })).toMatchObject([
      { taskId: task?.id },
    ]);
    await rig.scheduler.shutdown();
  });

  it("holds up no entry for another's queue that is refused", async () => {
    const rig = faultyRig();
    await rig.scheduler.register("* * * * *", new Task("bad"), { options: { queue: "broken" } });
    await rig.scheduler.register("* * * * *", new Task("good"));
    rig.engine.refuse = (name, [tick]) =>
      name === "enqueueTick" &&
      JSON.stringify(tick, (_, v) => (typeof v === "bigint" ? 0 : v)).includes('"broken"')
        ? new Error("WRONGTYPE")
        : undefined;
    await rig.scheduler.start();
    await rig.advance(3 * MINUTE);
    expect(await rig.ticks()).toEqual(["12:11:00", "12:12:00", "12:13:00"]);
    await rig.scheduler.shutdown();
  });

  it("is shut down all the same", async () => {
    const rig = faultyRig();
    await rig.scheduler.register("* * * * *", new Task("t"));
    await rig.scheduler.start();
    await settle();
    rig.engine.fault = "down";
    await rig.scheduler.shutdown();
    expect(rig.lines.at(-1)?.text).toContain("a little longer");
  });

  it("keeps a tick that it could not record in the history", async () => {
    const rig = faultyRig();
    await rig.scheduler.register("* * * * *", new Task("t"));
    rig.engine.refuse = (name) => (name === "recordEvent" ? new Error("full") : undefined);
    await rig.scheduler.start();
    await rig.advance(2 * MINUTE);
    expect(await rig.ticks()).toEqual(["12:11:00", "12:12:00"]);
    await rig.scheduler.shutdown();
  });
});

describe("clocks that are changed while a scheduler runs", () => {
  it("cost no day its task, and give none two", async () => {
    const runtime = fakeRuntime({ now: Date.UTC(2026, 2, 7, 12) });
    const engine = memoryEngine({ runtime });
    engine.use();
    const scheduler = new Scheduler(engine, {
      runtime,
      timezone: "America/New_York",
      logger: recordingLogger(),
    });
    await scheduler.register("30 2 * * *", new Task("t"));
    await scheduler.start();
    for (let hours = 0; hours < 72; hours += 6) await runtime.clock.advance(6 * 60 * MINUTE);
    const ticks = async () => {
      const tasks = (await engine.inspection.listTasks("default", "pending", { page: 0, size: 50 })) ?? [];
      return tasks.map(({ message }) => message?.headers.get("tq-tick")?.slice(0, 16));
    };
    expect(await ticks()).toEqual(["2026-03-08T07:00", "2026-03-09T06:30", "2026-03-10T06:30"]);
    await scheduler.shutdown();
  });
});

describe("a periodic task manager", () => {
  const managerRig = (provider: () => unknown) => {
    const runtime = fakeRuntime({ now: START });
    const engine = memoryEngine({ runtime });
    engine.use();
    const logger = recordingLogger();
    const manager = new PeriodicTaskManager(engine, {
      provider: provider as never,
      syncInterval: "1m",
      runtime,
      logger,
    });
    const types = async () => (await tasksIn(engine)).map(({ type, tick }) => `${type} ${tick}`);
    return {
      runtime,
      engine,
      manager,
      lines: logger.lines,
      advance: (ms: number) => runtime.clock.advance(ms),
      types,
    };
  };
  const config = (type: string, spec = "@every 20s") => ({ spec, task: new Task(type) });

  it("begins what its provider names, ends what it names no more, and leaves alone what stays", async () => {
    let configs = [config("a"), config("b")];
    const rig = managerRig(() => configs);
    await rig.manager.start();
    await rig.advance(21_000);
    expect(await rig.types()).toEqual(["a 12:10:20", "b 12:10:20"]);
    configs = [config("b"), config("c")];
    await rig.advance(41_000);
    await rig.advance(20_000);
    expect((await rig.types()).slice(6)).toEqual(["b 12:11:20", "c 12:11:20"]);
    await rig.manager.shutdown();
    await rig.advance(MINUTE);
    expect(await rig.types()).toHaveLength(8);
  });

  it("changes nothing while its provider fails, or names what is wrong", async () => {
    let provider: () => unknown = async () => [config("a", "* * * * *")];
    const rig = managerRig(() => provider());
    await rig.manager.start();
    for (const wrong of [
      () => Promise.reject(new Error("no table")),
      () => [config("b"), config("c", "60 * * * *")],
      () => [config("b"), config("b")],
      () => "none",
      () => [undefined],
    ]) {
      provider = wrong;
      await rig.advance(MINUTE);
    }
    expect((await rig.types()).every((text) => text.startsWith("a "))).toBe(true);
    expect(await rig.types()).toHaveLength(5);
    expect(rig.lines.filter(({ text }) => text.startsWith("tick failed"))).toHaveLength(5);
    await rig.manager.shutdown();
  });

  it("does not start with what is wrong", async () => {
    const rig = managerRig(() => [config("a", "nonsense")]);
    await expect(rig.manager.start()).rejects.toMatchObject({ code: "CRON_SPEC_INVALID" });
    await expect(rig.manager.start()).rejects.toMatchObject({ code: "SCHEDULER_STATE" });
    expect(() => managerRig(undefined as never)).toThrow("provider");
  });
});
