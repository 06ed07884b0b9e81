import { hostname } from "node:os";
import { describe, expect, it } from "vitest";
import type { TaskState } from "../../src/broker/inspection.ts";
import { installationForFile } from "../cli/installation.ts";
import { redisForFile } from "../support/redis-rig.ts";
import { countTests } from "./count-tests.ts";
import { fillByGo, scheduleByGo } from "./go-only.ts";
import { goInstant, goQueue, goTask } from "./go-shape.ts";
import { eventually, hearKeys } from "./news.ts";
import { Onlooker } from "./onlooker.ts";

const installation = await installationForFile();
const redis = await redisForFile();
await hearKeys(redis);
const go = await fillByGo(redis.url);
const { every, rare } = await scheduleByGo(go);

countTests("tool-scenarios");

const STATES: Readonly<Record<Exclude<TaskState, "aggregating">, readonly string[]>> = {
  active: ["busy-1", "busy-2"],
  pending: ["next-1", "next-2"],
  scheduled: ["later"],
  retry: ["again"],
  archived: ["dead"],
  completed: ["done"],
};

describe("where only Go runs, we see", () => {
  it("its queues, and all that they hold, as Go's own inspector does", async () => {
    const { inspector } = new Onlooker(installation, redis.url);
    expect(await inspector.queues()).toEqual(expect.arrayContaining(["held", "work"]));
    for (const queue of ["work", "held"]) {
      const ours = await inspector.getQueueInfo(queue);
      expect(await go.inspect("GetQueueInfo", queue)).toMatchObject(goQueue(ours));
      expect(await inspector.getMemoryUsage(queue)).toBeGreaterThan(0);
    }
    expect(await inspector.getQueueInfo("work")).toMatchObject({
      ...{
        size: 10,
        active: 2,
        pending: 2,
        scheduled: 1,
        retry: 1,
        archived: 1,
        completed: 1,
        aggregating: 2,
      },
      ...{ groups: 1, processed: 3, failed: 2, paused: false },
    });
    for (const [state, ids] of Object.entries(STATES)) {
      const tasks = await inspector.listTasks("work", state as TaskState);
      expect(tasks.map(({ id }) => id).sort()).toEqual(ids);
      for (const task of tasks) {
        const theirs = await go.inspect<object>("GetTaskInfo", "work", task.id);
        const now = state === "pending" && { NextProcessAt: expect.any(String) };
        expect(theirs).toEqual({ ...goTask(task, "0.26.0"), ...now });
      }
    }
    expect((await inspector.getTaskInfo({ queue: "work", id: "done" })).result).toEqual({ sum: 3 });
    expect(await inspector.groups("work")).toEqual([{ queue: "work", group: "a", size: 2 }]);
    expect((await inspector.search("state:retry error:~luck")).tasks.map(({ id }) => id)).toEqual(["again"]);
    expect(await inspector.history("work", 1)).toMatchObject([{ processed: 3, failed: 2 }]);
  });

  it("its server and what that runs", async () => {
    const { inspector } = new Onlooker(installation, redis.url);
    // Go shows what it runs with the next heartbeat, 5 s later.
    await eventually(
      "the server shows both",
      async () => (await inspector.servers())[0]?.workers.length === 2,
    );
    const [server] = await inspector.servers();
    expect(server).toMatchObject({
      ...{ host: hostname(), pid: go.pid, concurrency: 2, strictPriority: true, status: "active" },
      queues: { work: 3, held: 1, ticks: 1 },
    });
    expect(server).not.toHaveProperty("version");
    const [theirs] = await go.inspect<Record<string, unknown>[]>("Servers");
    expect(theirs).toMatchObject({
      ID: server?.id,
      Started: expect.stringContaining(String(goInstant(server?.startedAt)).slice(0, 19)),
    });
    expect(server?.workers.map(({ taskId }) => taskId).sort()).toEqual(["busy-1", "busy-2"]);
  });

  it("its schedules, and that one was never due", async () => {
    const { inspector } = new Onlooker(installation, redis.url);
    await eventually("both are shown, and one was due", async () => {
      const entries = await inspector.schedulerEntries();
      return entries.length === 2 && entries.some(({ previous }) => previous !== undefined);
    });
    const entries = await inspector.schedulerEntries();
    expect(entries.find(({ id }) => id === every)).toMatchObject({
      ...{
        spec: "@every 1s",
        type: "tick",
        payload: { of: "clock" },
        options: ["MaxRetry(2)", 'Queue("ticks")'],
      },
      ...{ previous: expect.any(Date), next: expect.any(Date), schedulers: 1, stored: false },
    });
    expect(entries.find(({ id }) => id === rare)).toMatchObject({ type: "greet", previous: undefined });
    const events = await inspector.schedulerEvents(every);
    const theirs = await go.inspect<{ TaskID: string }[]>("ListSchedulerEnqueueEvents", every);
    expect(theirs.map(({ TaskID }) => TaskID)).toEqual(
      expect.arrayContaining(events.map(({ taskId }) => taskId)),
    );
    expect(events.length).toBeGreaterThan(0);
  });

  it("no damage, and nothing to advise but what is so", async () => {
    const { inspector } = new Onlooker(installation, redis.url);
    expect(await inspector.fsck()).toMatchObject({ findings: [] });
    const { advice } = await inspector.doctor();
    const told = advice.filter(({ severity }) => severity !== "ok").map(({ code }) => code);
    expect(told.sort()).toEqual(["GO_PEERS", "PERSISTENCE", "QUEUE_PAUSED"]);
  });

  it("all of it in the command", async () => {
    const at = new Onlooker(installation, redis.url);
    const { queues } = (await at.json("queue", "ls")) as { queues: { queue: string }[] };
    expect(queues).toMatchObject(
      expect.arrayContaining([expect.objectContaining({ queue: "held", paused: true, pending: 1 })]),
    );
    expect(await at.json("queue", "inspect", "work")).toMatchObject({
      queues: [{ size: 10, memoryBytes: expect.any(Number) }],
    });
    expect(await at.json("queue", "history", "work", "--days", "1")).toMatchObject({
      history: [{ processed: 3 }],
    });
    for (const [state, ids] of Object.entries(STATES)) {
      const { tasks } = (await at.json("task", "ls", "-q", "work", "-s", state)) as {
        tasks: { id: string }[];
      };
      expect(tasks.map(({ id }) => id).sort()).toEqual(ids);
    }
    expect(await at.json("task", "inspect", "done", "-q", "work")).toMatchObject({
      tasks: [{ headers: { tenant: "acme" }, result: { sum: 3 }, retention: 3_600_000 }],
    });
    expect(await at.json("group", "ls", "-q", "work")).toMatchObject({ groups: [{ group: "a", size: 2 }] });
    expect(await at.json("server", "ls")).toMatchObject({ servers: [{ pid: go.pid }] });
    expect(await at.json("stats")).toMatchObject({ servers: 1 });
    expect(await at.json("cron", "ls")).toMatchObject({ entries: expect.any(Array) });
    expect(await at.json("cron", "history", every)).toMatchObject(expect.any(Object));
    expect(await at.json("search", "state:archived")).toMatchObject({ tasks: [{ id: "dead" }] });
    expect(await at.json("fsck")).toMatchObject({ findings: [] });
    expect((await at.run(["doctor"])).out).toMatch(/^warning 1 Go servers share the queues: .*work/m);
  });

  it("and change it, and Go's server does as we say", async () => {
    const at = new Onlooker(installation, redis.url);
    const q = ["-q", "work"];
    const began = (id: string, n: number) =>
      eventually(`${id} began ${n} times`, () => {
        return go.events.filter(({ event, task }) => event === "started" && task === id).length === n;
      });
    await at.json("task", "cancel", "busy-1", ...q);
    expect(await go.event("ended", ({ task }) => task === "busy-1")).toMatchObject({
      error: "context canceled",
    });
    await go.finish("busy-2");
    await began("next-1", 1);
    await began("next-2", 1);
    await at.json("task", "run", "later", "again", "dead", ...q);
    await began("later", 1);
    await began("again", 2);
    await began("dead", 2);
    await at.json("task", "runall", ...q, "-s", "aggregating", "-g", "a", "--yes");
    await began("a-1", 1);
    await began("a-2", 1);

    await at.json("queue", "pause", "work");
    expect(await go.inspect("GetQueueInfo", "work")).toMatchObject({ Paused: true });
    for (const taskId of ["one", "two", "three"])
      await go.enqueue({ type: "t", options: { queue: "work", taskId } });
    await at.json("task", "archive", "one", ...q);
    await at.json("task", "delete", "two", ...q, "--yes");
    expect(await go.inspect("GetTaskInfo", "work", "one")).toMatchObject({ State: "archived" });
    await at.json("queue", "resume", "work");
    await began("three", 1);
    await at.json("task", "deleteall", ...q, "-s", "archived", "--yes");
    expect(await go.inspect("ListArchivedTasks", "work")).toEqual([]);
    expect(go.events.some(({ task }) => task === "one" || task === "two")).toBe(false);

    await at.json("queue", "rm", "held", "--force", "--yes");
    expect(await go.inspect("Queues")).not.toContain("held");
    expect(await at.inspector.fsck()).toMatchObject({ findings: [] });
  });
});
