import { hostname } from "node:os";
import { describe, expect, it } from "vitest";
import type { QueueInfo } from "../../src/inspector/inspector.ts";
import { redisForFile } from "../support/redis-rig.ts";
import { Asynqmon } from "./asynqmon.ts";
import { LOOKS } from "./asynqmon-routes.ts";
import { countTests } from "./count-tests.ts";
import { fillRedis } from "./filled-redis.ts";
import { goInstant } from "./go-shape.ts";

const redis = await redisForFile();
const { inspector, days, tickIds } = await fillRedis(redis);
const monitor = await Asynqmon.forFile(redis.url);

countTests("tool-scenarios");

const INSTANT = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$/);

/** But for the moment. */
function snapshotOf(queue: QueueInfo): object {
  const { size, groups, active, pending, aggregating, scheduled, retry, archived, completed } = queue;
  const { processed, failed, paused } = queue;
  return {
    ...{
      queue: queue.queue,
      size,
      groups,
      active,
      pending,
      aggregating,
      scheduled,
      retry,
      archived,
      completed,
    },
    ...{ processed, succeeded: processed - failed, failed, paused },
  };
}

/** The same instant, in whatever zone asynqmon writes it. */
function instant(text: unknown): string | null {
  return goInstant(new Date(String(text)));
}

interface Listed {
  readonly tasks: Record<string, unknown>[];
}

describe("asynqmon, on what we store and serve", () => {
  it("is v0.7.2, on asynq v0.24.1", () => {
    expect(monitor.versions).toMatchObject({
      "github.com/hibiken/asynqmon": "v0.7.2",
      "github.com/hibiken/asynq": "v0.24.1",
    });
  });

  it("shows all queues", async () => {
    const { queues } = await monitor.get<{ queues: { queue: string; memory_usage_bytes: number }[] }>(
      "/queues",
    );
    expect(queues.map(({ queue }) => queue).sort()).toEqual(["cold", "held", "ticks", "work"]);
    for (const snapshot of queues) {
      expect(snapshot).toMatchObject(snapshotOf(await inspector.getQueueInfo(snapshot.queue)));
      expect(snapshot.memory_usage_bytes).toBeGreaterThan(0);
    }
  });

  it("shows a queue with its days", async () => {
    const { current, history } = await monitor.get<{ current: object; history: object[] }>("/queues/work");
    expect(current).toMatchObject(snapshotOf(await inspector.getQueueInfo("work")));
    expect(history).toHaveLength(10);
    const day = { queue: "work" };
    expect(history[0]).toMatchObject({ ...day, processed: 5, succeeded: 2, failed: 3 });
    expect(history[1]).toMatchObject({ ...day, date: days[0], processed: 70, succeeded: 50, failed: 20 });
    expect(history[4]).toMatchObject({ ...day, date: days[1], processed: 5, succeeded: 5, failed: 0 });
  });

  it("tells of 90 days", async () => {
    const { stats } = await monitor.get<{ stats: Record<string, { date: string }[]> }>("/queue_stats");
    for (const queue of await inspector.queues()) {
      expect(stats[queue]).toEqual(
        (await inspector.history(queue, 90)).map((day) => ({
          ...day,
          succeeded: day.processed - day.failed,
        })),
      );
    }
  });

  it("shows what runs, since when and until when", async () => {
    const { tasks } = await monitor.get<Listed>("/queues/work/active_tasks");
    const [server] = await inspector.servers();
    expect(tasks.map(({ id }) => id).sort()).toEqual(["busy-1", "busy-2"]);
    for (const task of tasks) {
      const worker = server?.workers.find(({ taskId }) => taskId === task.id);
      expect(task).toMatchObject({ type: "wait", queue: "work", is_orphaned: false, start_time: INSTANT });
      expect(Date.parse(String(task.start_time))).toBe(wholeSecond(worker?.startedAt));
      expect(Date.parse(String(task.deadline))).toBe(wholeSecond(worker?.deadline));
    }
  });

  it("shows what waits, failed, ended", async () => {
    const list = async (state: string) =>
      (await monitor.get<Listed>(`/queues/work/${state}_tasks?page=1&size=20`)).tasks;
    const base = { queue: "work", retried: 0, error_message: "" };
    expect(await list("pending")).toEqual(
      ["next-1", "next-2", "next-3"].map((id) => {
        return { ...base, id, type: "add", payload: `{"id":"${id}"}`, max_retry: 25 };
      }),
    );
    const later = await inspector.getTaskInfo({ queue: "work", id: "later" });
    const [first] = await list("scheduled");
    expect(first).toEqual({
      ...{ ...base, id: "later", type: "add", payload: '{"a":1}', max_retry: 25 },
      next_process_at: expect.toSatisfy((at) => instant(at) === goInstant(later.nextProcessAt)),
    });
    expect(await list("retry")).toEqual([
      {
        ...{ ...base, id: "again", type: "fail", payload: "[1]", max_retry: 3, retried: 1 },
        ...{ error_message: "no luck", next_process_at: INSTANT },
      },
    ]);
    expect((await list("archived")).sort((a, b) => (String(a.id) < String(b.id) ? -1 : 1))).toEqual([
      {
        ...{ ...base, id: "dead", type: "hopeless", payload: '"ü"', max_retry: 7 },
        ...{ error_message: "never again", last_failed_at: INSTANT },
      },
      {
        ...{ ...base, id: "spent", type: "fail", payload: "non-printable bytes", max_retry: 0 },
        ...{ error_message: "no luck", last_failed_at: INSTANT },
      },
    ]);
    const [done] = await list("completed");
    expect(done).toEqual({
      ...{ ...base, id: "done", type: "add", payload: '{"a":1,"b":2}', max_retry: 25, result: '{"sum":3}' },
      ...{ completed_at: INSTANT, ttl_seconds: expect.toSatisfy((n) => n > 3_400 && n <= 3_600) },
    });
  });

  it("shows groups and who waits in them", async () => {
    const { groups } = await monitor.get<{ groups: { group: string }[] }>("/queues/work/groups");
    expect(groups.sort((a, b) => (a.group < b.group ? -1 : 1))).toEqual([
      { group: "a", size: 3 },
      { group: "b", size: 1 },
    ]);
    const { tasks } = await monitor.get<Listed>("/queues/work/groups/a/aggregating_tasks");
    expect(tasks.map(({ id, group }) => [id, group])).toEqual([
      ["a-1", "a"],
      ["a-2", "a"],
      ["a-3", "a"],
    ]);
  });

  it("shows a task by its id", async () => {
    expect(await monitor.get("/queues/work/tasks/told")).toMatchObject({
      ...{ id: "told", state: "completed", timeout_seconds: 90, result: '{"rows":2}', completed_at: INSTANT },
      ...{ deadline: "", next_process_at: "", last_failed_at: "" },
    });
    const later = await monitor.get<Record<string, unknown>>("/queues/work/tasks/later");
    expect(instant(later.deadline)).toBe("2040-01-02T03:04:05Z");
    expect(await monitor.ask("GET", "/queues/work/tasks/none")).toMatchObject({ status: 404 });
  });

  it("shows the server and its workers", async () => {
    const { servers } = await monitor.get<{ servers: { active_workers: { task_id: string }[] }[] }>(
      "/servers",
    );
    const [ours] = await inspector.servers();
    expect(servers).toMatchObject([
      {
        ...{ id: ours?.id, host: hostname(), pid: process.pid, concurrency: 2, status: "active" },
        ...{ queue_priorities: { work: 3, held: 1 }, strict_priority_enabled: true, start_time: INSTANT },
      },
    ]);
    const workers = servers[0]?.active_workers ?? [];
    expect(workers.sort((a, b) => (a.task_id < b.task_id ? -1 : 1))).toMatchObject([
      { task_id: "busy-1", queue: "work", task_type: "wait", task_payload: '{"a":1}', start_time: INSTANT },
      { task_id: "busy-2", queue: "work", task_type: "wait", start_time: INSTANT },
    ]);
  });

  it("shows schedules, and says nothing of when one was due that never was", async () => {
    const { entries } = await monitor.get<{ entries: { id: string }[] }>("/scheduler_entries");
    const [every, year, ...others] = entries.sort((a, b) => (a.id < b.id ? -1 : 1));
    expect(others).toEqual([]);
    expect(every).toEqual({
      ...{ id: "every-second", spec: "@every 1s", task_type: "tick", task_payload: '{"of":"clock"}' },
      ...{ options: ['Queue("ticks")', "MaxRetry(2)"], next_enqueue_at: INSTANT, prev_enqueue_at: INSTANT },
    });
    expect(year).toEqual({
      ...{ id: "new-year", spec: "0 0 1 1 *", task_type: "greet", task_payload: "non-printable bytes" },
      options: ['Queue("ticks")', "Timeout(1m30s)", "Unique(10m0s)", "Retention(1h0m0s)"],
      next_enqueue_at: INSTANT,
    });
    const { events } = await monitor.get<{ events: { task_id: string }[] }>(
      "/scheduler_entries/every-second/enqueue_events?size=100",
    );
    expect(events.map(({ task_id }) => task_id)).toEqual(tickIds);
  });

  it("shows the Redis", async () => {
    expect(await monitor.get("/redis_info")).toMatchObject({
      address: `127.0.0.1:${redis.port}`,
      cluster: false,
      info: { redis_mode: "standalone" },
    });
  });

  it("was asked for all there is to see", () => {
    expect([...monitor.asked].sort()).toEqual([...LOOKS].sort());
  });
});

function wholeSecond(at: Date | undefined): number {
  return Math.floor(Number(at) / 1_000) * 1_000;
}
