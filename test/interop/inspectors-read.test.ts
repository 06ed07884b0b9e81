import { hostname } from "node:os";
import { describe, expect, it } from "vitest";
import type { TaskState } from "../../src/broker/inspection.ts";
import type { TaskInfo } from "../../src/task-info.ts";
import { redisForFile } from "../support/redis-rig.ts";
import { countTests } from "./count-tests.ts";
import { fillRedis } from "./filled-redis.ts";
import { GoInspector, INSPECTOR_VERSIONS } from "./go-inspector.ts";
import { goDuration, goInstant, goQueue, goTask } from "./go-shape.ts";
import { CHANGES, NEWER_CHANGES, OF_A_CLUSTER, READS } from "./inspector-methods.ts";

const redis = await redisForFile();
const { inspector, days, tickIds } = await fillRedis(redis);
const inspectors = await Promise.all(
  INSPECTOR_VERSIONS.map((version) => GoInspector.forFile(version, redis.url)),
);

countTests("tool-scenarios");

const LISTS = {
  ListActiveTasks: ["active", ["busy-1", "busy-2"]],
  ListPendingTasks: ["pending", ["next-1", "next-2", "next-3"]],
  ListScheduledTasks: ["scheduled", ["later", "later-grouped"]],
  ListRetryTasks: ["retry", ["again"]],
  ListArchivedTasks: ["archived", ["dead", "spent"]],
  ListCompletedTasks: ["completed", ["done", "told"]],
} as const satisfies Record<string, readonly [TaskState, readonly string[]]>;

type GoTask = Record<string, unknown> & { readonly ID: string };

const byId = (a: { ID: string }, b: { ID: string }) => (a.ID < b.ID ? -1 : 1);

/** Asynq says "now" of a pending task, which nobody can repeat; only that it does is known. */
function timeless(task: Record<string, unknown>): Record<string, unknown> {
  if (task.State !== "pending") return task;
  expect(Math.abs(Date.parse(String(task.NextProcessAt)) - Date.now())).toBeLessThan(60_000);
  return { ...task, NextProcessAt: "now" };
}

describe.each(inspectors.map((go) => [go.version, go] as const))(
  "the inspector of asynq v%s",
  (version, go) => {
    const wanted = (task: TaskInfo) => timeless(goTask(task, version));

    it("finds every queue", async () => {
      const queues = await go.ask<string[]>("Queues");
      expect(queues.sort()).toEqual(["cold", "held", "ticks", "work"]);
    });

    it("counts what the queues hold", async () => {
      for (const queue of await inspector.queues()) {
        const ours = await inspector.getQueueInfo(queue);
        const info = await go.ask<Record<string, unknown>>("GetQueueInfo", queue);
        expect(info).toMatchObject(goQueue(ours));
        expect(info.MemoryUsage).toBeGreaterThan(0);
        const waited = ours.pending === 0 ? "0s" : expect.stringMatching(/^(\d+m)?[\d.]+(ms|s)$/);
        expect(info.Latency).toEqual(waited);
      }
      expect(await go.ask("GetQueueInfo", "work")).toMatchObject({
        ...{
          Size: 16,
          Active: 2,
          Pending: 3,
          Scheduled: 2,
          Retry: 1,
          Archived: 2,
          Completed: 2,
          Aggregating: 4,
        },
        ...{ Groups: 2, Processed: 5, Failed: 3, ProcessedTotal: 80, FailedTotal: 23, Paused: false },
      });
      expect(await go.ask("GetQueueInfo", "held")).toMatchObject({ Size: 3, Pending: 3, Paused: true });
      expect(await go.refusal("GetQueueInfo", "none")).toMatchObject({
        message: expect.stringContaining('queue "none" does not exist'),
      });
    });

    it.each(Object.entries(LISTS))("%s shows each task as it is", async (method, [state, ids]) => {
      const tasks = await go.ask<GoTask[]>(method, "work", { page: 1, size: 20 });
      const ours = await inspector.listTasks("work", state);
      expect(ours.map(({ id }) => id).sort()).toEqual([...ids].sort());
      expect(tasks.map(timeless)).toEqual(ours.map(wanted));
    });

    it("pages as we do", async () => {
      for (const page of [1, 2, 3, 4]) {
        const tasks = await go.ask<GoTask[]>("ListPendingTasks", "work", { page, size: 1 });
        const ours = await inspector.listTasks("work", "pending", { page, pageSize: 1 });
        expect(tasks.map(timeless)).toEqual(ours.map(wanted));
      }
    });

    it("shows groups and their members", async () => {
      const groups = await go.ask<{ Group: string }[]>("Groups", "work");
      expect(groups.sort((a, b) => (a.Group < b.Group ? -1 : 1))).toEqual([
        { Group: "a", Size: 3 },
        { Group: "b", Size: 1 },
      ]);
      for (const group of ["a", "b"]) {
        const tasks = await go.ask<GoTask[]>("ListAggregatingTasks", "work", group, { page: 1, size: 20 });
        const ours = await inspector.listTasks("work", "aggregating", { group });
        expect(tasks.sort(byId)).toEqual(ours.map(wanted).sort((a, b) => byId(a as GoTask, b as GoTask)));
      }
      expect(await go.ask("Groups", "held")).toEqual([]);
    });

    it("shows each task by its id", async () => {
      for (const queue of ["work", "cold"]) {
        for (const { id } of (await inspector.search("", { queues: [queue], limit: 100 })).tasks) {
          const task = await go.ask<Record<string, unknown>>("GetTaskInfo", queue, id);
          expect(timeless(task)).toEqual(wanted(await inspector.getTaskInfo({ queue, id })));
        }
      }
      expect(await go.ask("GetTaskInfo", "work", "done")).toMatchObject({
        ...{ Type: "add", Payload: hex('{"a":1,"b":2}'), State: "completed", MaxRetry: 25, Retried: 0 },
        ...{
          Timeout: "30m0s",
          Retention: "1h0m0s",
          Result: hex('{"sum":3}'),
          LastErr: "",
          NextProcessAt: null,
        },
        ...(version === "0.26.0" && { Headers: { tenant: "acme" } }),
      });
      expect(await go.ask("GetTaskInfo", "work", "again")).toMatchObject({
        ...{ State: "retry", MaxRetry: 3, Retried: 1, LastErr: "no luck", LastFailedAt: expect.any(String) },
      });
      expect(await go.refusal("GetTaskInfo", "work", "none")).toMatchObject({ code: "task-not-found" });
      expect(await go.refusal("GetTaskInfo", "none", "done")).toMatchObject({ code: "queue-not-found" });
    });

    it("tells what was done day by day", async () => {
      const history = await go.ask<{ Date: string }[]>("History", "work", 10);
      const ours = await inspector.history("work", 10);
      expect(history.map((day) => ({ ...day, Date: day.Date.slice(0, 10) }))).toEqual(
        ours.map(({ queue, date, processed, failed }) => {
          return { Queue: queue, Date: date, Processed: processed, Failed: failed };
        }),
      );
      expect(history[0]).toMatchObject({ Processed: 5, Failed: 3 });
      expect(history[1]).toMatchObject({ Date: expect.stringContaining(days[0]), Processed: 70, Failed: 20 });
      expect(history[4]).toMatchObject({ Date: expect.stringContaining(days[1]), Processed: 5, Failed: 0 });
    });

    it("shows the server and what it runs", async () => {
      const [server, ...others] = await go.ask<Record<string, unknown>[]>("Servers");
      const [ours] = await inspector.servers();
      expect(others).toEqual([]);
      const workers = server?.ActiveWorkers as { TaskID: string }[];
      expect(server).toEqual({
        ...{ ID: ours?.id, Host: hostname(), PID: process.pid, Concurrency: 2, Queues: { work: 3, held: 1 } },
        ...{ StrictPriority: true, Started: goInstant(ours?.startedAt), Status: "active" },
        ActiveWorkers: expect.any(Array),
      });
      const started = expect.stringMatching(/^\d{4}-.*Z$/);
      const [first, second] = workers.sort((a, b) => (a.TaskID < b.TaskID ? -1 : 1));
      const worker = { TaskType: "wait", Queue: "work", Started: started };
      expect(first).toEqual({
        ...{ ...worker, TaskID: "busy-1", TaskPayload: hex('{"a":1}'), Deadline: expect.any(String) },
      });
      // A record shows so much of a payload.
      const shown = hex(`"${"x".repeat(1_023)}`);
      expect(second).toEqual({
        ...worker,
        TaskID: "busy-2",
        TaskPayload: shown,
        Deadline: "2040-01-02T03:04:05Z",
      });
      const timeout = (ours?.workers ?? []).find(({ taskId }) => taskId === "busy-1");
      expect(goDuration(Number(timeout?.deadline) - Number(timeout?.startedAt))).toBe("1h0m0s");
    });

    it("shows what schedulers have to do, and that an entry was never due", async () => {
      const entries = await go.ask<{ ID: string }[]>("SchedulerEntries");
      const ours = await inspector.schedulerEntries();
      const [every, year] = entries.sort(byId);
      const next = (id: string) => goInstant(ours.find((entry) => entry.id === id)?.next);
      expect(every).toEqual({
        ...{
          ID: "every-second",
          Spec: "@every 1s",
          Next: next("every-second"),
          Prev: expect.stringMatching(/Z$/),
        },
        Task: { Type: "tick", Payload: hex('{"of":"clock"}'), Headers: null },
        Opts: ['Queue("ticks")', "MaxRetry(2)"],
      });
      expect(year).toEqual({
        ...{
          ID: "new-year",
          Spec: "0 0 1 1 *",
          Next: expect.stringMatching(/-01-01T00:00:00Z$/),
          Prev: null,
        },
        Task: { Type: "greet", Payload: "", Headers: null },
        // No released version reads a header.
        Opts: ['Queue("ticks")', "Timeout(1m30s)", "Unique(10m0s)", "Retention(1h0m0s)"],
      });
      expect(entries).toHaveLength(2);
    });

    it("tells what a scheduler enqueued, the newest first", async () => {
      const events = await go.ask<{ TaskID: string }[]>("ListSchedulerEnqueueEvents", "every-second", {
        ...{ page: 1, size: 100 },
      });
      const ours = await inspector.schedulerEvents("every-second", { pageSize: 100 });
      expect(events.map(({ TaskID }) => TaskID)).toEqual(tickIds);
      expect(events).toEqual(
        ours.map(({ taskId, enqueuedAt }) => ({ TaskID: taskId, EnqueuedAt: goInstant(enqueuedAt) })),
      );
      expect(await go.ask("ListSchedulerEnqueueEvents", "new-year", { page: 1, size: 5 })).toEqual([]);
    });

    it("asks for a Cluster's slots, which this Redis has not", async () => {
      for (const method of OF_A_CLUSTER) {
        expect(await go.refusal(method, "work")).toMatchObject({
          message: expect.stringContaining("cluster"),
        });
      }
    });

    it("has no method that nobody here asks", async () => {
      const newer = version === "0.26.0" ? NEWER_CHANGES : [];
      const all = [...READS, ...CHANGES, ...newer, ...OF_A_CLUSTER, "Close"].sort();
      expect(await go.methods()).toEqual(all);
    });

    it("was asked everything that it can be asked", () => {
      expect([...go.asked].sort()).toEqual([...READS].sort());
    });
  },
);

function hex(text: string): string {
  return Buffer.from(text).toString("hex");
}
