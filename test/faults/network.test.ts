import { setTimeout as wait } from "node:timers/promises";
import { expect, it } from "vitest";
import {
  AmbiguousEnqueueError,
  EngineUnavailableError,
  RedisReadOnlyError,
  TaskIdConflictError,
} from "../../src/errors.ts";
import { Task } from "../../src/task.ts";
import { Nemesis } from "../support/nemesis.ts";
import { redisForFile } from "../support/redis-rig.ts";
import { freePort } from "../support/server-process.ts";
import { benchForFile, freshQueue } from "./bench.ts";
import { eventually } from "./eventually.ts";

/** D01, D05, D13 and E01: what happens between us and Redis. docs/reliability.md b. */

const redis = await redisForFile();
const bench = benchForFile();

function tasks(count: number, queue: string) {
  return Array.from({ length: count }, (_, i) => ({ task: new Task("work", { i }), options: { queue } }));
}

it("loses nothing while all connections are reset again and again (D01)", async () => {
  const queue = freshQueue();
  const proxy = await bench.proxy(redis.port);
  const client = bench.client(proxy.url);
  const server = await bench.server(proxy.url, () => wait(10), { queue, concurrency: 10 });
  const nemesis = new Nemesis({
    seed: 1,
    faults: [{ name: "reset", strike: () => proxy.cut() }],
    every: [150, 300],
  });
  const acknowledged: string[] = [];
  while (acknowledged.length < 300 || nemesis.struck.length < 5) {
    acknowledged.push(await enqueued(`${queue}-${acknowledged.length}`));
  }
  await nemesis.stop();
  await server.hasSettled(acknowledged.length);
  await eventually("all have ended", async () => {
    const { pending, active, retry } = await bench.inspector(redis.url).getQueueInfo(queue);
    return pending + active + retry === 0;
  });
  const ran = new Set(server.settled.map(({ taskId }) => taskId));
  expect(acknowledged.filter((id) => !ran.has(id))).toEqual([]);
  // Links break, leases do not.
  expect(server.lost).toEqual([]);
  expect(server.started.length).toBe(acknowledged.length);

  /** Asks until the task is stored for sure. */
  async function enqueued(taskId: string): Promise<string> {
    for (;;) {
      try {
        await client.enqueue(new Task("work"), { queue, taskId, retention: "1h" });
        return taskId;
      } catch (error) {
        if (error instanceof TaskIdConflictError) return taskId;
        const known = error instanceof AmbiguousEnqueueError || error instanceof EngineUnavailableError;
        if (!known) throw error;
      }
    }
  }
});

it("gives up a link whose other end has vanished without a word, and makes another (D05)", async () => {
  const queue = freshQueue();
  const proxy = await bench.proxy(redis.port);
  const client = bench.client(proxy.url, { commandTimeout: "1s" });
  const server = await bench.server(proxy.url, () => wait(5), { queue, commandTimeout: "1s" });
  await client.enqueueBatch(tasks(20, queue));
  await server.hasSettled(20);

  const silence = proxy.rule({}, { do: "drop-request" });
  const asked = performance.now();
  await expect(client.enqueue(new Task("work"), { queue })).rejects.toBeInstanceOf(AmbiguousEnqueueError);
  expect(performance.now() - asked).toBeLessThan(1_500);
  await eventually("the server notices", () => server.outages.includes("unavailable"), 5_000);
  proxy.heal();
  expect(silence.fired).toBeGreaterThan(0);

  // Connections that have gone silent stay so: only new ones help.
  await eventually(
    "enqueues are taken again",
    () =>
      client.enqueue(new Task("work"), { queue }).then(
        () => true,
        () => false,
      ),
    5_000,
  );
  await server.hasSettled(21, 5_000);
  expect(server.settled.every(({ cause }) => cause === "success")).toBe(true);
});

it("settles what is in flight as soon as its socket is destroyed (D13)", async () => {
  const queue = freshQueue();
  const proxy = await bench.proxy(redis.port);
  const client = bench.client(proxy.url, { commandTimeout: "30s" });
  await client.ping();
  const slow = proxy.rule({}, { do: "delay", ms: 60_000 });
  const inFlight = Promise.allSettled([
    client.enqueue(new Task("work"), { queue }),
    client.enqueue(new Task("work"), { queue, processIn: "1h" }),
  ]);
  await slow.met;
  await eventually("both are under way", () => slow.fired >= 2);
  const cut = performance.now();
  proxy.cut();
  const answers = await inFlight;
  expect(performance.now() - cut).toBeLessThan(500);
  for (const answer of answers) {
    expect(answer.status === "rejected" && answer.reason).toBeInstanceOf(AmbiguousEnqueueError);
  }
});

it("leaves a server that became a replica, and is at home again when it is a primary (E01)", async () => {
  const queue = freshQueue();
  const client = bench.client(redis.url);
  const server = await bench.server(redis.url, () => undefined, { queue });
  await client.enqueueBatch(tasks(10, queue));
  await server.hasSettled(10);
  const admin = redis.client();
  const connectionsBefore = await connections();

  // A replica of nobody keeps its data and its connections, and takes no writes.
  await admin.replicaof("127.0.0.1", String(await freePort()));
  await expect(client.enqueue(new Task("work"), { queue })).rejects.toBeInstanceOf(RedisReadOnlyError);
  await eventually("the server is told", () =>
    server.log.lines.some((line) => /takes no writes|READONLY|read.only/i.test(line)),
  );
  const began = performance.now();
  const tried = await connections();
  await eventually("a second has passed", () => performance.now() - began > 1_000);
  // Whoever finds the door shut does not hammer at it.
  expect((await connections()) - tried).toBeLessThan(30);
  expect(tried).toBeGreaterThan(connectionsBefore);

  await admin.replicaof("NO", "ONE");
  await eventually("enqueues are taken again", () =>
    client.enqueue(new Task("work"), { queue }).then(
      () => true,
      () => false,
    ),
  );
  await server.hasSettled(11);

  async function connections(): Promise<number> {
    const stats = String(await admin.call("INFO", "stats"));
    return Number(/total_connections_received:(\d+)/.exec(stats)?.[1]);
  }
});
