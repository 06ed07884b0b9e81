import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask } from "../../src/define-task.ts";
import type { TickFacts } from "../../src/scheduler/scheduler-options.ts";
import { Task } from "../../src/task.ts";
import { schedulerRig, settle } from "./rig.ts";

const MINUTE = 60_000;
const task = (type = "t", payload?: unknown) => new Task(type, payload);
const ticks = async (rig: ReturnType<typeof schedulerRig>, queue?: string) =>
  (await rig.tasks(queue)).map(({ tick }) => tick);

describe("a scheduler", () => {
  it("enqueues a task at every tick, and says which tick it is", async () => {
    const rig = schedulerRig();
    await rig.scheduler.register("* * * * *", task("report", { a: 1 }), { options: { queue: "low" } });
    await rig.scheduler.start();
    await settle();
    expect(await ticks(rig, "low")).toEqual([]);
    await rig.advance(3 * MINUTE);
    expect(await ticks(rig, "low")).toEqual(["12:11:00", "12:12:00", "12:13:00"]);
    await rig.scheduler.shutdown();
    await rig.advance(5 * MINUTE);
    expect(await ticks(rig, "low")).toHaveLength(3);
  });

  it("begins with entries that come and ends those that go while it runs", async () => {
    const rig = schedulerRig();
    await rig.scheduler.start();
    await settle();
    const id = await rig.scheduler.register("@every 10s", task());
    await rig.advance(25_000);
    expect(await ticks(rig)).toEqual(["12:10:10", "12:10:20"]);
    expect(await rig.scheduler.unregister(id)).toBe(true);
    expect(await rig.scheduler.unregister(id)).toBe(false);
    await rig.advance(MINUTE);
    expect(await ticks(rig)).toHaveLength(2);
    await rig.scheduler.shutdown();
  });

  it("gives an entry the same id in every process, unless told one", async () => {
    const [one, two] = [schedulerRig(), schedulerRig()];
    const definition = defineTask("d", { payload: z.object({ n: z.number() }), options: { queue: "q" } });
    const register = (rig: typeof one) => [
      rig.scheduler.register("@daily", definition({ n: 1 })),
      rig.scheduler.register("@daily", definition({ n: 2 })),
      rig.scheduler.register("@hourly", definition({ n: 1 })),
      rig.scheduler.register("@daily", definition({ n: 1 }), { timezone: "Asia/Tokyo" }),
      rig.scheduler.register("@daily", definition({ n: 1 }), { options: { maxRetry: 1 } }),
      rig.scheduler.register("@daily", definition({ n: 1 }), { id: "mine" }),
    ];
    const ids = await Promise.all(register(one));
    expect(await Promise.all(register(two))).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids.slice(0, -1)) expect(id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(ids.at(-1)).toBe("mine");
  });

  it("takes options in any order for the same entry, and one more option for another", async () => {
    const { scheduler } = schedulerRig();
    const options = { queue: "q", maxRetry: 3, headers: { a: "1", b: "2" } };
    const first = await scheduler.register("@daily", task(), { options });
    const reversed = { headers: { b: "2", a: "1" }, maxRetry: 3, queue: "q" };
    await expect(scheduler.register("@daily", task(), { options: reversed })).rejects.toMatchObject({
      code: "SCHEDULER_ENTRY_EXISTS",
      entryId: first,
    });
    const { headers, ...fewer } = options;
    const ids = [
      await scheduler.register("@daily", task(), { options: { ...options, timeout: "1m" } }),
      await scheduler.register("@daily", task(), { options: fewer }),
      await scheduler.register("@daily", task("another"), { options }),
      await scheduler.register("@daily", task("t", { n: 1 }), { options }),
    ];
    expect(new Set([first, ...ids]).size).toBe(5);
  });

  it("takes lengths written in any way for the same options", async () => {
    const rig = schedulerRig();
    const first = await rig.scheduler.register("@daily", task(), {
      options: { timeout: "60s", unique: "1h" },
    });
    await expect(
      rig.scheduler.register("@daily", task(), { options: { unique: { for: "60m" }, timeout: "1m" } }),
    ).rejects.toMatchObject({ code: "SCHEDULER_ENTRY_EXISTS", entryId: first });
  });

  it("refuses what it could not enqueue, when it is registered", async () => {
    const { scheduler } = schedulerRig();
    const strict = defineTask("strict", { payload: z.object({ n: z.number() }) });
    await scheduler.register("@daily", task(), { id: "a" });
    for (const [code, wrong] of [
      ["CRON_SPEC_INVALID", scheduler.register("60 * * * *", task())],
      ["CRON_SPEC_INVALID", scheduler.register("@daily", task(), { timezone: "Nowhere/City" })],
      ["INVALID_PAYLOAD", scheduler.register("@daily", strict({ n: "x" } as never))],
      ["PAYLOAD_NOT_SERIALIZABLE", scheduler.register("@daily", task("t", 1n))],
      ["SCHEDULER_ENTRY_EXISTS", scheduler.register("@hourly", task(), { id: "a" })],
      ["INVALID_OPTION", scheduler.register("@daily", task(), { id: "" })],
      ["INVALID_OPTION", scheduler.register("@daily", task(), { missed: "often" as never })],
      ["INVALID_OPTION", scheduler.register("@daily", task(), { missed: { backfill: 0 } })],
      ["INVALID_OPTION", scheduler.register("@daily", task(), { zone: "UTC" } as never)],
      ["INVALID_OPTION", scheduler.register("@daily", task(), { options: { processAt: new Date() } })],
      ["INVALID_OPTION", scheduler.register("@daily", "t" as never)],
    ] as const) {
      await expect(wrong).rejects.toMatchObject({ code });
    }
    expect(() => schedulerRig({ timezone: "Nowhere/City" })).toThrow("timezone");
    expect(() => schedulerRig({ heartbeatInterval: 10 })).toThrow("heartbeatInterval");
    expect(() => schedulerRig({ onError: 5 as never })).toThrow("onError");
  });

  it("accepts a day that does not exist, and warns of it", async () => {
    const rig = schedulerRig();
    const id = await rig.scheduler.register("0 0 30 2 *", task());
    expect(rig.lines).toMatchObject([
      { level: "warn", fields: { entryId: id }, text: expect.stringContaining("never") },
    ]);
    await rig.scheduler.start();
    await settle();
    expect(await rig.scheduler.list()).toMatchObject([{ id, next: undefined }]);
    await rig.scheduler.shutdown();
  });

  it("reads specs in its time zone, or in the entry's, or in the one they name", async () => {
    const { scheduler } = schedulerRig({ timezone: "Asia/Tokyo" });
    await scheduler.register("0 0 * * *", task(), { id: "a" });
    await scheduler.register("0 0 * * *", task(), { id: "b", timezone: "America/New_York" });
    await scheduler.register("CRON_TZ=Europe/Berlin 0 0 * * *", task(), { id: "c" });
    expect(
      (await scheduler.list()).map(({ spec, next }) => [spec, next?.toISOString().slice(11, 16)]),
    ).toEqual([
      ["CRON_TZ=Asia/Tokyo 0 0 * * *", "15:00"],
      ["CRON_TZ=America/New_York 0 0 * * *", "05:00"],
      ["CRON_TZ=Europe/Berlin 0 0 * * *", "23:00"],
    ]);
  });

  it("calls hooks around every enqueue, and survives what they throw", async () => {
    const told: unknown[] = [];
    const tell =
      (name: string) =>
      (...args: unknown[]) => {
        const { entryId, tick } = args.at(-1) as TickFacts;
        told.push([name, entryId, tick?.getUTCMinutes()]);
        throw new Error(`${name} is broken`);
      };
    const rig = schedulerRig({ preEnqueue: tell("pre"), postEnqueue: tell("post"), onError: tell("error") });
    await rig.scheduler.register("* * * * *", task(), { id: "e", options: { taskId: "fixed" } });
    await rig.scheduler.start();
    await rig.advance(2 * MINUTE);
    expect(told).toEqual([
      ["pre", "e", 11],
      ["post", "e", 11],
      ["pre", "e", 12],
      // The task of the tick before is there still; the tick is used up all the same.
      ["error", "e", 12],
    ]);
    expect(rig.lines.filter(({ text }) => text === "a hook failed")).toHaveLength(4);
    expect(rig.lines).toContainEqual(expect.objectContaining({ text: expect.stringContaining("used up") }));
    await rig.scheduler.shutdown();
  });

  it("shows its entries to the tools at once, again and again, and takes them back", async () => {
    const rig = schedulerRig();
    const { schedules } = rig.engine;
    await rig.scheduler.register("0 * * * *", task("report", { big: "x".repeat(5_000) }), {
      id: "e",
      options: { queue: "low", maxRetry: 3, timeout: "90s", headers: { k: "v" } },
    });
    await rig.scheduler.start();
    await settle();
    const [shown] = await schedules.listEntries();
    expect(shown).toMatchObject({
      id: "e",
      spec: "0 * * * *",
      taskType: "report",
      enqueueOptions: ['Queue("low")', "MaxRetry(3)", "Timeout(1m30s)", 'Header(["k","v"])'],
      nextEnqueueTime: { seconds: Date.UTC(2026, 0, 15, 13) / 1_000, nanos: 0 },
      prevEnqueueTime: { seconds: -62_135_596_800 },
    });
    expect(shown?.taskPayload).toHaveLength(1_024);

    await rig.advance(50 * MINUTE);
    expect(await schedules.listEntries()).toMatchObject([
      { prevEnqueueTime: { seconds: Date.UTC(2026, 0, 15, 13) / 1_000 } },
    ]);
    const [event] = await schedules.listEvents("e", { page: 0, size: 5 });
    expect(event?.taskId).toBe((await rig.tasks("low"))[0]?.id);
    await rig.scheduler.shutdown();
    expect(await schedules.listEntries()).toEqual([]);
    expect(await schedules.listEvents("e", { page: 0, size: 5 })).toHaveLength(1);
  });

  it("lets an entry rest in all schedulers, and makes up for nothing", async () => {
    const rig = schedulerRig({ missed: { backfill: 100 } });
    const other = rig.another();
    for (const scheduler of [rig.scheduler, other]) {
      await scheduler.register("* * * * *", task(), { id: "e" });
      await scheduler.start();
    }
    await rig.advance(MINUTE);
    expect(await other.pause("e")).toBe(true);
    expect(await rig.scheduler.pause("e")).toBe(false);
    await rig.advance(3 * MINUTE);
    expect(await ticks(rig)).toEqual(["12:11:00"]);
    expect((await rig.scheduler.list())[0]?.paused).toBe(true);
    expect(await rig.scheduler.resume("e")).toBe(true);
    await rig.advance(MINUTE);
    expect(await ticks(rig)).toEqual(["12:11:00", "12:15:00"]);
    await Promise.all([rig.scheduler.shutdown(), other.shutdown()]);
  });

  it("enqueues an entry's task now when asked to, beside its ticks", async () => {
    const rig = schedulerRig();
    await rig.scheduler.register("0 0 * * *", task("nightly"), { id: "e", options: { retention: "1h" } });
    const info = await rig.scheduler.runNow("e");
    expect(info).toMatchObject({ type: "nightly", state: "pending", retention: 3_600_000 });
    expect(await rig.tasks()).toEqual([{ id: info.id, type: "nightly", tick: undefined }]);
    expect(await rig.engine.schedules.listEvents("e", { page: 0, size: 5 })).toMatchObject([
      { taskId: info.id },
    ]);
    await expect(rig.scheduler.runNow("f")).rejects.toMatchObject({ code: "SCHEDULER_ENTRY_NOT_FOUND" });
    await rig.scheduler.shutdown();
  });

  it("is used once", async () => {
    const rig = schedulerRig();
    await rig.scheduler.start();
    await expect(rig.scheduler.start()).rejects.toMatchObject({ code: "SCHEDULER_STATE" });
    await rig.scheduler.shutdown();
    await rig.scheduler.shutdown();
    await expect(rig.scheduler.start()).rejects.toMatchObject({ code: "SCHEDULER_STATE" });
    await expect(rig.scheduler.register("@daily", task())).rejects.toMatchObject({ code: "SCHEDULER_STATE" });
    await expect(rig.scheduler.put("a", { spec: "@daily", task: task() })).rejects.toMatchObject({
      code: "SCHEDULER_STATE",
    });
  });

  it("runs until a signal comes", async () => {
    const rig = schedulerRig();
    await rig.scheduler.register("* * * * *", task());
    const running = rig.scheduler.run();
    await rig.advance(MINUTE);
    rig.signals.emit("SIGTERM", "SIGTERM");
    expect(await running).toBe(0);
    expect(await ticks(rig)).toHaveLength(1);
    expect(rig.signals.listenerCount("SIGTERM")).toBe(0);
    expect(await rig.engine.schedules.listEntries()).toEqual([]);
  });
});

describe("stored entries", () => {
  it("are seen to by every scheduler, whoever put them, and end for all", async () => {
    const rig = schedulerRig();
    const other = rig.another();
    await other.start();
    const report = defineTask("report", {
      payload: z.object({ tenant: z.string() }),
      options: { queue: "low", unique: { for: "1m", key: (input) => input.tenant } },
    });
    await rig.scheduler.put("acme", {
      spec: "* * * * *",
      task: report({ tenant: "acme" }),
      timezone: "Asia/Tokyo",
    });
    await rig.advance(MINUTE);
    const [first] = (await rig.engine.inspection.listTasks("low", "pending", { page: 0, size: 5 })) ?? [];
    expect(first?.message).toMatchObject({
      type: "report",
      uniqueKey: expect.stringContaining(":unique:report:"),
    });
    expect(String(first?.message?.payload)).toBe('{"tenant":"acme"}');
    expect(await other.list()).toMatchObject([
      { id: "acme", stored: true, spec: "CRON_TZ=Asia/Tokyo * * * * *" },
    ]);
    expect(await rig.scheduler.list()).toEqual(await other.list());

    expect(await rig.scheduler.remove("acme")).toBe(true);
    expect(await rig.scheduler.remove("acme")).toBe(false);
    await rig.advance(3 * MINUTE);
    expect(await ticks(rig, "low")).toHaveLength(1);
    expect(await other.list()).toEqual([]);
    await Promise.all([rig.scheduler.shutdown(), other.shutdown()]);
  });

  it("count from when they were stored, and change from the next tick on", async () => {
    const rig = schedulerRig({ missed: { backfill: 100 } });
    await rig.scheduler.start();
    await rig.advance(10_000);
    await rig.scheduler.put("e", { spec: "@every 30s", task: task("old") });
    await rig.advance(MINUTE - 10_000);
    await rig.scheduler.put("e", { spec: "@every 10s", task: task("new") });
    await rig.advance(20_000);
    expect((await rig.tasks()).map(({ type, tick }) => `${type} ${tick}`)).toEqual([
      "old 12:10:30",
      "old 12:11:00",
      "new 12:11:10",
      "new 12:11:20",
    ]);
    await rig.scheduler.shutdown();
  });

  it("wait for a scheduler: what was due before, the policy decides", async () => {
    const rig = schedulerRig();
    const put = rig.another();
    await put.put("once", { spec: "* * * * *", task: task(), missed: "run-once" });
    await put.shutdown();
    await rig.advance(10 * MINUTE + 30_000);
    await rig.scheduler.start();
    await settle();
    expect(await ticks(rig)).toEqual(["12:20:00"]);
    await rig.scheduler.shutdown();
  });

  it("that nobody here understands hold up no other", async () => {
    const rig = schedulerRig();
    await rig.scheduler.put("good", { spec: "* * * * *", task: task() });
    await rig.engine.schedules.putEntry({ id: "newer", definition: '{"every":"full moon"}' });
    await rig.engine.schedules.putEntry({ id: "torn", definition: "{" });
    await rig.scheduler.start();
    await rig.advance(MINUTE);
    expect(await ticks(rig)).toEqual(["12:11:00"]);
    const left = rig.lines.filter(({ text }) => text.includes("cannot be understood"));
    expect(left.map(({ fields }) => fields["entryId"]).sort()).toEqual(["newer", "torn"]);
    await rig.scheduler.shutdown();
  });

  it("are refused where the same program has registered one of that id", async () => {
    const { scheduler } = schedulerRig();
    await scheduler.register("@daily", task(), { id: "e" });
    await expect(scheduler.put("e", { spec: "@daily", task: task() })).rejects.toMatchObject({
      code: "SCHEDULER_ENTRY_EXISTS",
    });
  });
});
