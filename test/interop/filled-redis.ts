import { afterAll } from "vitest";
import { Client } from "../../src/client/client.ts";
import { createRedisEngine } from "../../src/engine/redis/redis-engine.ts";
import { SkipRetry } from "../../src/errors.ts";
import { Inspector } from "../../src/inspector/inspector.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { Scheduler } from "../../src/scheduler/scheduler.ts";
import type { Handler } from "../../src/server/handler.ts";
import { Server } from "../../src/server/server.ts";
import { Task } from "../../src/task.ts";
import type { RedisRig } from "../support/redis-rig.ts";
import { eventually, hearKeys } from "./news.ts";

/** Longer than a worker's record shows. */
const LARGE = "x".repeat(5_000);

export interface Filled {
  readonly client: Client;
  readonly inspector: Inspector;
  /** Of the entry that was due, the newest first. */
  readonly tickIds: readonly string[];
  /** The day before today, and four days before it, as `2026-11-24`. */
  readonly days: readonly [string, string];
}

/**
 * Fills a Redis with all that there can be, by means of ours alone, and goes on serving it until the file has ended:
 *
 * | queue | holds |
 * |---|---|
 * | `work` | served by two workers, which are busy: tasks in every state, two groups, counters of earlier days |
 * | `held` | served, and paused: three pending tasks |
 * | `cold` | served by nobody: a task due at a fraction of a second, one without payload, one with bytes |
 * | `ticks` | what a scheduler enqueued; its other entry has never been due |
 */
export async function fillRedis(redis: RedisRig): Promise<Filled> {
  await hearKeys(redis);
  const engine = createRedisEngine(redis.url, { logger: silentLogger });
  const client = new Client(engine);
  const inspector = new Inspector(engine);
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const handler: Handler = async (task, ctx) => {
    switch (task.type) {
      case "add":
        return { sum: 3 };
      case "fail":
        throw new Error("no luck");
      case "hopeless":
        throw new SkipRetry("never again");
      case "report":
        await ctx.result.write("half");
        return { rows: 2 };
      case "wait":
        return ended;
    }
  };
  const server = new Server(
    engine,
    {
      queues: { work: 3, held: 1 },
      concurrency: 2,
      strictPriority: true,
      retryDelay: () => 3_600_000,
      logger: silentLogger,
    },
    { timings: { heartbeat: 100 } },
  );
  const scheduler = new Scheduler(engine, { logger: silentLogger, heartbeatInterval: "1s" });
  afterAll(async () => {
    end();
    await scheduler.shutdown();
    await server.shutdown();
    await client.close();
    await inspector.close();
    await engine.close();
  });

  await server.start(handler);
  const add = (taskId: string, task: Task, options: object = {}) =>
    client.enqueue(task, { queue: "work", taskId, ...options });
  const is = (id: string, state: string) =>
    eventually(`${id} is ${state}`, async () => (await stateOf(inspector, id)) === state);

  await add("done", new Task("add", { a: 1, b: 2 }), { retention: "1h", headers: { tenant: "acme" } });
  await add("told", new Task("report", LARGE), { retention: "2h", timeout: "90s" });
  await add("again", new Task("fail", [1]), { maxRetry: 3, unique: "2h" });
  await add("spent", new Task("fail"), { maxRetry: 0 });
  await add("dead", new Task("hopeless", "ü"), { maxRetry: 7 });
  await is("done", "completed");
  await is("told", "completed");
  await is("again", "retry");
  await is("spent", "archived");
  await is("dead", "archived");

  await add("later", new Task("add", { a: 1 }), {
    processIn: "1h",
    unique: "2h",
    deadline: "2040-01-02T03:04:05Z",
  });
  await add("later-grouped", new Task("add", 1), { processIn: "2h", group: "late" });
  await add("busy-1", new Task("wait", { a: 1 }), { timeout: "1h" });
  await add("busy-2", new Task("wait", LARGE), { deadline: "2040-01-02T03:04:05Z" });
  await is("busy-1", "active");
  await is("busy-2", "active");
  for (const id of ["next-1", "next-2", "next-3"]) await add(id, new Task("add", { id }));
  for (const id of ["a-1", "a-2", "a-3"]) await add(id, new Task("add", { id }), { group: "a" });
  await add("b-1", new Task("add", {}), { group: "b", unique: "1h" });

  for (const id of ["held-1", "held-2", "held-3"]) await add(id, new Task("add"), { queue: "held" });
  await inspector.pauseQueue("held");
  await add("cold-1", new Task("add"), { queue: "cold" });
  await add("cold-2", new Task("add", Buffer.from([0, 255])), { queue: "cold" });
  await add("cold-3", new Task("add"), { queue: "cold", processIn: 59_456 });

  const days = [dayBefore(1), dayBefore(4)] as const;
  await count(redis, days[0], "processed", 70);
  await count(redis, days[0], "failed", 20);
  await count(redis, days[1], "processed", 5);

  const tick = new Task("tick", { of: "clock" });
  await scheduler.register("@every 1s", tick, {
    id: "every-second",
    options: { queue: "ticks", maxRetry: 2 },
  });
  const rare = { queue: "ticks", timeout: "90s", retention: "1h", unique: "10m", headers: { a: "b" } };
  await scheduler.register("0 0 1 1 *", new Task("greet"), { id: "new-year", options: rare });
  await scheduler.start();
  await eventually("two ticks", async () => (await inspector.schedulerEvents("every-second")).length >= 2);
  // It is due no more, so that what there is does not change.
  await scheduler.pause("every-second");
  await eventually("the scheduler knows of the pause", async () => {
    const entry = (await inspector.schedulerEntries()).find(({ id }) => id === "every-second");
    return entry?.paused === true;
  });
  await eventually("the server shows what it runs", async () => {
    const servers = await inspector.servers();
    return servers.some(({ workers }) => workers.length === 2);
  });
  const events = await inspector.schedulerEvents("every-second");
  return { client, inspector, days, tickIds: events.map(({ taskId }) => taskId) };
}

async function stateOf(inspector: Inspector, id: string): Promise<string | undefined> {
  const found = await inspector.search(`id:${id}`, { queues: ["work"] });
  return found.tasks[0]?.state;
}

/** What servers of ours would have counted then: no clock of theirs can be set back beside that of Redis. */
async function count(redis: RedisRig, day: string, what: "processed" | "failed", n: number): Promise<void> {
  const key = `asynq:{work}:${what}:${day}`;
  const raw = redis.client();
  await raw.set(key, n, "EXAT", Date.parse(day) / 1_000 + 90 * 86_400);
  await raw.incrby(`asynq:{work}:${what}`, n);
  raw.disconnect();
}

function dayBefore(days: number): string {
  return new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);
}
