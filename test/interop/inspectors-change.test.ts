import { describe, expect, it } from "vitest";
import { limit } from "../../src/server/limits.ts";
import { redisForFile } from "../support/redis-rig.ts";
import { GoInspector, INSPECTOR_VERSIONS } from "./go-inspector.ts";
import { CHANGES, NEWER_CHANGES } from "./inspector-methods.ts";
import { eventually, hearKeys } from "./news.ts";
import { FILLED, type FilledState, ServedQueue } from "./served-queue.ts";

const redis = await redisForFile();
await hearKeys(redis);
const queue = new ServedQueue(redis);
const inspectors = await Promise.all(
  INSPECTOR_VERSIONS.map((version) => GoInspector.forFile(version, redis.url)),
);

/** Go wants the group's name beside the queue's. */
const groupOf = (state: FilledState) => (state === "Aggregating" ? ["g"] : []);

describe.each(inspectors.map((go) => [go.version, go] as const))(
  "what asynq v%s does to our tasks",
  (version, go) => {
    it.each(["Scheduled", "Retry", "Archived", "Aggregating"] as const)(
      "runs one of them, and all of them: %s",
      async (state) => {
        const ids = FILLED[state];
        if (state === "Scheduled") queue.leavesFractions();
        await queue.fill();
        await go.ask("RunTask", queue.name, ids[0]);
        expect(await queue.stateOf(ids[0])).toBe("pending");
        expect(await go.ask(`RunAll${state}Tasks`, queue.name, ...groupOf(state))).toBe(2);
        await queue.runs([...ids, ...FILLED.Pending]);
      },
    );

    it("runs a completed one again", async () => {
      await queue.fill();
      await go.ask("RunTask", queue.name, "c-1");
      await queue.runs(["c-1", ...FILLED.Pending]);
      await queue.reaches("c-1", "completed");
    });

    it.each(["Scheduled", "Retry", "Pending", "Aggregating"] as const)(
      "archives one of them, and all of them: %s",
      async (state) => {
        const ids = FILLED[state];
        await queue.fill();
        await go.ask("ArchiveTask", queue.name, ids[0]);
        expect(await go.ask(`ArchiveAll${state}Tasks`, queue.name, ...groupOf(state))).toBe(2);
        for (const id of ids) expect(await queue.stateOf(id)).toBe("archived");
        await queue.runs(state === "Pending" ? [] : FILLED.Pending);
        for (const id of ids) expect(await queue.stateOf(id)).toBe("archived");
        expect(await queue.inspector.runAll(queue.name, "archived")).toMatchObject({ changed: 6 });
        await queue.runs([...FILLED.Archived, ...ids]);
      },
    );

    it.each(Object.keys(FILLED) as FilledState[])(
      "deletes one of them, and all of them: %s",
      async (state) => {
        const ids = FILLED[state];
        if (state === "Scheduled") queue.leavesFractions();
        await queue.fill();
        await go.ask("DeleteTask", queue.name, ids[0]);
        expect(await go.ask(`DeleteAll${state}Tasks`, queue.name, ...groupOf(state))).toBe(2);
        for (const id of ids) expect(await queue.has(id)).toBe(false);
        // Their ids are free.
        for (const id of ids) await queue.add(id);
        await queue.runs(state === "Pending" ? FILLED.Pending : [...ids, ...FILLED.Pending]);
      },
    );

    it("frees the unique lock of what it deletes", async () => {
      await queue.add("one", { unique: "1h", processIn: "1h" });
      await go.ask("DeleteTask", queue.name, "one");
      await queue.add("one", { unique: "1h", processIn: "1h" });
      await go.ask("DeleteAllScheduledTasks", queue.name);
      await queue.add("one", { unique: "1h" });
      await queue.serve();
      await queue.runs(["one"]);
    });

    it("refuses what cannot be", async () => {
      await queue.serve();
      await queue.add("busy", {}, "wait");
      await eventually("it runs", () => queue.began.length === 1);
      for (const method of ["RunTask", "ArchiveTask", "DeleteTask"]) {
        expect(await go.refusal(method, queue.name, "busy")).toMatchObject({
          message: expect.stringMatching(/running|active/),
        });
        expect(await go.refusal(method, queue.name, "none")).toMatchObject({ code: "task-not-found" });
        expect(await go.refusal(method, "none", "none")).toMatchObject({ code: "queue-not-found" });
      }
    });

    it("cancels what our server runs", async () => {
      const running = await queue.serve();
      const settled: unknown[] = [];
      running.on("taskSettled", (event) => settled.push(event));
      await queue.add("busy", {}, "wait");
      await eventually("it runs", () => queue.began.length === 1);
      await eventually("the server hears of it", async () => {
        await go.ask("CancelProcessing", "busy");
        return settled.length > 0;
      });
      expect(settled).toMatchObject([{ taskId: "busy", outcome: "retry", cause: "canceled" }]);
      expect(await go.ask("GetTaskInfo", queue.name, "busy")).toMatchObject({ State: "retry", Retried: 1 });
    });

    it("pauses and releases the queue of our server", async () => {
      const open = `${queue.name}-open`;
      await queue.serve({ queues: { [queue.name]: 9, [open]: 1 } });
      await queue.add("first");
      await eventually("it runs", () => queue.began.length === 1);
      await go.ask("PauseQueue", queue.name);
      expect(await queue.inspector.getQueueInfo(queue.name)).toMatchObject({ paused: true });
      expect(await go.refusal("PauseQueue", queue.name)).toMatchObject({
        message: expect.stringContaining("paused"),
      });
      await queue.add("held");
      await queue.add("elsewhere", { queue: open });
      await eventually("the server has looked for tasks", () => queue.began.length === 2);
      expect(queue.began).toEqual(["first", "elsewhere"]);
      await go.ask("UnpauseQueue", queue.name);
      await eventually("it runs", () => queue.began.length === 3);
    });

    it("deletes our queue, which comes back with the next task", async () => {
      await queue.add("one");
      await queue.add("two", { processIn: "1h" });
      expect(await go.refusal("DeleteQueue", queue.name, false)).toMatchObject({ code: "queue-not-empty" });
      await go.ask("DeleteQueue", queue.name, true);
      expect(await go.refusal("DeleteQueue", queue.name, true)).toMatchObject({ code: "queue-not-found" });
      expect(await queue.inspector.queues()).not.toContain(queue.name);
      // By the client that has enqueued to it before.
      await queue.add("one");
      expect(await go.ask<string[]>("Queues")).toContain(queue.name);
      await queue.serve();
      await queue.runs(["one"]);
    });

    it("runs a task that a limit holds back, and the limit holds", async () => {
      await queue.serve({ limits: [limit("wait", { concurrency: 1 })] });
      await queue.add("first", {}, "wait");
      await eventually("it runs", () => queue.began.length === 1);
      await queue.add("second", {}, "wait");
      await queue.reaches("second", "scheduled");
      const [parked] = await go.ask<{ ID: string }[]>("ListScheduledTasks", queue.name, { page: 1, size: 5 });
      expect(parked).toMatchObject({ ID: "second", State: "scheduled" });
      expect(await go.ask("GetTaskInfo", queue.name, "second")).toMatchObject({ State: "scheduled" });
      await go.ask("RunTask", queue.name, "second");
      await queue.reaches("second", "scheduled");
      expect(queue.began).toEqual(["first"]);
      queue.goOn();
      await eventually("the second runs", () => queue.began.length === 2);
      await eventually(
        "both have ended",
        async () => (await queue.inspector.getQueueInfo(queue.name)).size === 0,
      );
    });

    if (version === "0.26.0") {
      it("replaces the payload of a scheduled task, as our handler sees", async () => {
        queue.leavesFractions();
        await queue.add("one", { processIn: 59_456 });
        await go.ask("UpdateTaskPayload", queue.name, "one", Buffer.from('{"new":true}').toString("hex"));
        expect((await queue.inspector.getTaskInfo({ queue: queue.name, id: "one" })).payload).toEqual({
          new: true,
        });
        await go.ask("RunTask", queue.name, "one");
        expect(await go.refusal("UpdateTaskPayload", queue.name, "one", "00")).toMatchObject({
          message: expect.stringContaining("not in scheduled"),
        });
        await queue.serve();
        await queue.runs(["one"]);
        expect(queue.payloads).toEqual([{ new: true }]);
      });
    }

    it("was asked for every change there is", () => {
      const all = version === "0.26.0" ? [...CHANGES, ...NEWER_CHANGES] : CHANGES;
      const asked = [...go.asked].filter((method) => !/^(Get|List|Queues)/.test(method));
      expect(asked.sort()).toEqual([...all].sort());
    });
  },
);
