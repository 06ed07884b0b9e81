import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { AmbiguousEnqueueError, EngineUnavailableError } from "../../src/errors.ts";
import { Task } from "../../src/task.ts";
import { redisForFile } from "../support/redis-rig.ts";
import { benchForFile, freshQueue } from "./bench.ts";
import { eventually } from "./eventually.ts";

/** C01, C02 and C04: Redis restarts, dies and freezes. docs/reliability.md b. */

const redis = await redisForFile({ mode: "aof-always" });
const bench = benchForFile();

const quick = () => undefined;

function tasks(count: number, queue: string) {
  return Array.from({ length: count }, (_, i) => ({ task: new Task("work", { i }), options: { queue } }));
}

describe("Redis ends", () => {
  it("restarts in good order: servers go on by themselves within 5 s, and nothing is lost (C01)", async () => {
    const queue = freshQueue();
    const client = bench.client(redis.url);
    const server = await bench.server(redis.url, () => wait(5), { queue });
    await client.enqueueBatch(tasks(300, queue));
    await server.hasSettled(20);

    await redis.restart();
    const listening = performance.now();
    const settledBefore = server.settled.length;
    expect(settledBefore).toBeLessThan(300);
    await server.hasSettled(settledBefore + 1);
    expect(performance.now() - listening).toBeLessThan(5_000);
    await server.hasSettled(300);
    expect(server.log.lines.filter((line) => line.includes("connection to Redis broke"))).not.toEqual([]);
    expect(new Set(server.settled.map(({ taskId }) => taskId)).size).toBe(300);
    // What was on its way when Redis ended is sent again; the fence keeps it from counting twice.
    expect(server.started.length).toBe(300);
  });

  it.each(["crash", "restart"] as const)(
    "a %s loses no acknowledged task of a producer (C02)",
    async (how) => {
      const queue = freshQueue();
      const client = bench.client(redis.url);
      const acknowledged: string[] = [];
      const failed: unknown[] = [];
      let producing = true;
      const produce = async () => {
        while (producing) {
          const taskId = `${queue}-${acknowledged.length}-${Math.random()}`;
          await client.enqueue(new Task("work"), { queue, taskId }).then(
            () => acknowledged.push(taskId),
            (error: unknown) => failed.push(error),
          );
        }
      };
      const producers = Promise.all([produce(), produce(), produce()]);
      await eventually("some tasks are stored", () => acknowledged.length > 200);
      if (how === "crash") await redis.crash();
      await redis.restart();
      const before = acknowledged.length;
      await eventually("more tasks are stored", () => acknowledged.length > before + 100);
      producing = false;
      await producers;

      // Whatever was on its way is reported as such, and nothing else fails.
      for (const error of failed) {
        expect(error instanceof AmbiguousEnqueueError || error instanceof EngineUnavailableError).toBe(true);
      }
      const server = await bench.server(redis.url, quick, { queue, concurrency: 100 });
      await server.hasSettled(acknowledged.length);
      const ran = new Set(server.settled.map(({ taskId }) => taskId));
      expect(acknowledged.filter((id) => !ran.has(id))).toEqual([]);
    },
  );
});

describe("Redis freezes", () => {
  it("runs nothing twice and goes on when it thaws (C04)", async () => {
    const queue = freshQueue();
    const client = bench.client(redis.url, { commandTimeout: "1s" });
    const server = await bench.server(redis.url, () => wait(20), { queue, commandTimeout: "1s" });
    await client.enqueueBatch(tasks(200, queue));
    await server.hasSettled(10);

    redis.pause();
    const frozen = performance.now();
    const asked = client.enqueue(new Task("work"), { queue });
    await expect(asked).rejects.toBeInstanceOf(AmbiguousEnqueueError);
    expect(performance.now() - frozen).toBeLessThan(1_500);
    await eventually("the server notices", () => server.outages.includes("unavailable"), 4_000);
    expect(server.server.health().status).toBe("degraded");
    redis.resume();

    await server.hasSettled(200);
    expect(server.server.health().status).toBe("ready");
    // The enqueue that nobody could vouch for was still in Redis's ears, and is refused or taken, but once.
    await eventually("the queue is empty", async () => (await isEmpty(queue)) === true);
    const ids = server.started.map(({ taskId }) => taskId);
    expect(ids.length).toBe(new Set(ids).size);
    expect(server.lost).toEqual([]);
  });

  async function isEmpty(queue: string): Promise<boolean> {
    return (await bench.inspector(redis.url).getQueueInfo(queue)).size === 0;
  }
});
