import { describe, expect, it } from "vitest";
import { Inspector } from "../../src/inspector/inspector.ts";
import { NEVER, timestampOf } from "../../src/protocol/timestamp.ts";
import { Task } from "../../src/task.ts";
import { schedulerRig, settle } from "../scheduler/rig.ts";

const MINUTE = 60_000;

describe("scheduler entries", () => {
  it("are those of live schedulers, each once, and those that are stored", async () => {
    const rig = schedulerRig();
    const inspector = new Inspector(rig.engine);
    const other = rig.another();
    const register = (scheduler: typeof other) =>
      scheduler.register("* * * * *", new Task("report", { tenant: "acme" }), {
        id: "e",
        options: { queue: "low" },
      });
    await Promise.all([register(rig.scheduler), register(other)]);
    await rig.scheduler.put("s", { spec: "@daily", task: new Task("bare"), timezone: "Asia/Tokyo" });
    await rig.scheduler.pause("s");
    expect(await inspector.schedulerEntries()).toEqual([
      {
        id: "s",
        spec: "CRON_TZ=Asia/Tokyo @daily",
        type: "bare",
        payload: undefined,
        payloadBytes: new Uint8Array(0),
        options: [],
        next: undefined,
        previous: undefined,
        stored: true,
        paused: true,
        schedulers: 0,
        queue: "default",
        definition: {
          spec: "CRON_TZ=Asia/Tokyo @daily",
          type: "bare",
          payloadBytes: undefined,
          options: {},
          missed: "skip",
          storedAt: new Date("2026-01-15T12:10:00.250Z"),
        },
      },
    ]);

    await rig.scheduler.start();
    await other.start();
    await rig.advance(2 * MINUTE + 15_000);
    const [stored, registered] = await inspector.schedulerEntries();
    expect(stored).toMatchObject({
      id: "s",
      stored: true,
      paused: true,
      schedulers: 2,
      next: expect.any(Date),
    });
    expect(registered).toMatchObject({
      id: "e",
      spec: "* * * * *",
      type: "report",
      payload: { tenant: "acme" },
      options: ['Queue("low")'],
      next: new Date("2026-01-15T12:13:00Z"),
      previous: new Date("2026-01-15T12:12:00Z"),
      stored: false,
      paused: false,
      schedulers: 2,
      queue: "low",
      definition: undefined,
    });
    await Promise.all([rig.scheduler.shutdown(), other.shutdown()]);
    expect(await inspector.schedulerEntries()).toMatchObject([{ id: "s", schedulers: 0 }]);
  });

  it("of Go's schedulers are shown too, and what cannot be read is left out", async () => {
    const { engine } = schedulerRig();
    const inspector = new Inspector(engine);
    await engine.schedules.writeEntries(
      "go:1:x",
      [
        {
          id: "g",
          spec: "@every 30s",
          taskType: "go:task",
          taskPayload: Buffer.from([0xff]),
          enqueueOptions: ["MaxRetry(3)"],
          nextEnqueueTime: timestampOf(1_700_000_000_000),
          prevEnqueueTime: NEVER,
        },
      ],
      20_000,
    );
    await engine.schedules.putEntry({ id: "torn", definition: "{" });
    expect(await inspector.schedulerEntries()).toMatchObject([
      {
        id: "g",
        payload: undefined,
        payloadBytes: Buffer.from([0xff]),
        next: new Date(1_700_000_000_000),
        previous: undefined,
      },
    ]);
  });

  it("have a history, the newest first, page by page", async () => {
    const rig = schedulerRig();
    const inspector = new Inspector(rig.engine);
    await rig.scheduler.register("* * * * *", new Task("t"), { id: "e" });
    await rig.scheduler.start();
    await rig.advance(5 * MINUTE);
    await settle();
    await rig.scheduler.shutdown();
    const tasks = (await rig.tasks()).map(({ id }) => id).reverse();
    const events = await inspector.schedulerEvents("e");
    expect(events.map(({ taskId }) => taskId)).toEqual(tasks);
    expect(events[0]?.enqueuedAt.toISOString().slice(0, 16)).toBe("2026-01-15T12:15");
    expect(
      (await inspector.schedulerEvents("e", { page: 2, pageSize: 2 })).map(({ taskId }) => taskId),
    ).toEqual(tasks.slice(2, 4));
    expect(await inspector.schedulerEvents("nobody")).toEqual([]);
    await expect(inspector.schedulerEvents(" ")).rejects.toMatchObject({ code: "INVALID_OPTION" });
    await expect(inspector.schedulerEvents("e", { page: 0 })).rejects.toMatchObject({
      code: "INVALID_OPTION",
    });
    await expect(inspector.schedulerEvents("e", { pageSize: 1e9 })).rejects.toMatchObject({
      code: "INVALID_OPTION",
    });
    await inspector.close();
    await expect(inspector.schedulerEntries()).rejects.toMatchObject({ code: "CLOSED" });
    await expect(inspector.schedulerEvents("e")).rejects.toMatchObject({ code: "CLOSED" });
  });
});
