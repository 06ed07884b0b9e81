import { setTimeout as wait } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { RedisAuthError, RedisOutOfMemoryError } from "../../src/errors.ts";
import { Task } from "../../src/task.ts";
import { assertInvariants } from "../support/invariants.ts";
import { redisForFile } from "../support/redis-rig.ts";
import { benchForFile, freshQueue, type LocalServer } from "./bench.ts";
import { eventually } from "./eventually.ts";

/** C03, C08 to C10, C13 and C16: what Redis may do to its clients and their data while they work. docs/reliability.md b. */

const redis = await redisForFile();
const bench = benchForFile();

function tasks(count: number, queue: string) {
  return Array.from({ length: count }, (_, i) => ({ task: new Task("work", { i }), options: { queue } }));
}

/** Every task was run, once, and none failed. */
function expectEachOnce({ started, settled }: LocalServer, count: number): void {
  expect(new Set(settled.map(({ taskId }) => taskId)).size).toBe(count);
  expect(started.length).toBe(count);
  expect(settled.filter(({ cause }) => cause !== "success")).toEqual([]);
}

it("works on while its connections are killed again and again, and hears cancelations afterwards (C08)", async () => {
  const queue = freshQueue();
  const client = bench.client(redis.url);
  const inspector = bench.inspector(redis.url);
  let canceled: () => void = () => undefined;
  const cancelation = new Promise<void>((resolve) => {
    canceled = resolve;
  });
  const server = await bench.server(
    redis.url,
    async (task, ctx) => {
      if (task.payload !== "wait") return wait(5);
      ctx.signal.addEventListener("abort", canceled);
      await cancelation;
    },
    { queue, concurrency: 10 },
  );
  await client.enqueueBatch(tasks(600, queue));
  const admin = redis.client();
  let kills = 0;
  for (let round = 0; round < 3; round += 1) {
    await server.hasSettled(100 * (round + 1));
    for (const type of ["normal", "pubsub"]) {
      kills += Number(await admin.call("CLIENT", "KILL", "TYPE", type));
    }
  }
  expect(kills).toBeGreaterThanOrEqual(9);
  await server.hasSettled(600);
  expectEachOnce(server, 600);

  const { id } = await client.enqueue(new Task("work", "wait"), { queue });
  await eventually("the task runs", () => server.starts(id) === 1);
  await eventually("somebody listens again", async () => {
    const [, subscribers] = (await admin.call("PUBSUB", "NUMSUB", "asynq:cancel")) as [string, number];
    return subscribers === 1;
  });
  await inspector.cancelProcessing(id);
  await cancelation;
});

it("sends scripts again that Redis was told to forget, and nobody notices (C09)", async () => {
  const queue = freshQueue();
  const client = bench.client(redis.url);
  const server = await bench.server(redis.url, () => wait(2), { queue, concurrency: 10 });
  const admin = redis.client();
  const before = await noScripts();
  let flushing = true;
  const flusher = (async () => {
    while (flushing) {
      await admin.script("FLUSH");
      await wait(5);
    }
  })();
  for (let round = 0; round < 10; round += 1) {
    const results = await client.enqueueBatch(tasks(50, queue));
    expect(results.every(({ ok }) => ok)).toBe(true);
  }
  await server.hasSettled(500);
  flushing = false;
  await flusher;
  expect((await noScripts()) - before).toBeGreaterThan(5);
  expectEachOnce(server, 500);
  expect(server.outages).toEqual([]);

  async function noScripts(): Promise<number> {
    return Number(
      /errorstat_NOSCRIPT:count=(\d+)/.exec(String(await admin.call("INFO", "errorstats")))?.[1] ?? 0,
    );
  }
});

it("keeps leases and finishes tasks at maxmemory, and refuses new ones by name (C10)", async () => {
  const queue = freshQueue();
  const client = bench.client(redis.url);
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const server = await bench.server(redis.url, () => released, { queue });
  await client.enqueueBatch(tasks(3, queue));
  await eventually("three tasks run", () => server.started.length === 3);
  const admin = redis.client();
  try {
    await redis.setMaxmemory(-1);
    const refused = client.enqueue(new Task("work"), { queue });
    await expect(refused).rejects.toBeInstanceOf(RedisOutOfMemoryError);

    const [taskId = ""] = server.started.map((event) => event.taskId);
    const leaseEnd = async () => Math.floor(Number(await admin.zscore(`asynq:{${queue}}:lease`, taskId)));
    const firstEnd = await leaseEnd();
    await eventually(
      "leases are renewed past their first end",
      async () => (await leaseEnd()) >= firstEnd + 2,
    );
    expect(server.lost).toEqual([]);
    release();
    await server.hasSettled(3);
  } finally {
    await redis.setMaxmemory("off");
  }
  await client.enqueue(new Task("work"), { queue });
  await server.hasSettled(4);
  expectEachOnce(server, 4);
});

describe("a password that is changed", () => {
  it("is told by its own error, without the password, and work goes on when it is right again (C13)", async () => {
    const queue = freshQueue();
    const admin = redis.client();
    const password = "once-it-was-right";
    const rules = ["~*", "&*", "+@all"];
    await admin.call("ACL", "SETUSER", "worker", "on", `>${password}`, ...rules);
    bench.after(() => admin.call("ACL", "DELUSER", "worker"));
    const url = `redis://worker:${password}@127.0.0.1:${redis.port}`;
    const client = bench.client(url);
    const server = await bench.server(url, () => undefined, { queue });
    await client.enqueue(new Task("work"), { queue });
    await server.hasSettled(1);

    await admin.call("ACL", "SETUSER", "worker", "resetpass", ">another");
    expect(Number(await admin.call("CLIENT", "KILL", "USER", "worker"))).toBeGreaterThan(2);
    // The first one may have been on its way.
    await eventually("enqueues are refused by name", async () => {
      return client.enqueue(new Task("work"), { queue }).then(
        () => false,
        (error: unknown) => error instanceof RedisAuthError,
      );
    });
    await eventually("the server is told", () => server.log.lines.some((line) => line.includes("password")));
    const toldAt = server.log.lines.length;

    await admin.call("ACL", "SETUSER", "worker", "resetpass", `>${password}`);
    await eventually("the client is let in again", async () => {
      return client.enqueue(new Task("work"), { queue }).then(
        () => true,
        () => false,
      );
    });
    await server.hasSettled(2);
    expect(server.log.lines.filter((line) => line.includes(password))).toEqual([]);
    // No flood, whatever number of attempts it took.
    expect(toldAt).toBeLessThan(30);
  });
});

it("survives FLUSHALL in the middle of its work (C16)", async () => {
  const queue = freshQueue();
  const client = bench.client(redis.url);
  const server = await bench.server(redis.url, () => wait(20), { queue });
  await client.enqueueBatch(tasks(200, queue));
  await server.hasSettled(20);
  await redis.flush();

  const next = await client.enqueue(new Task("work", "after"), { queue });
  await eventually("new work is done", () => server.settled.some(({ taskId }) => taskId === next.id));
  const admin = redis.client();
  await eventually("no ghost is left", async () => (await admin.exists(`asynq:{${queue}}:active`)) === 0);
  expect(await admin.smembers("asynq:queues")).toContain(queue);
  expect(server.started.length).toBeLessThan(200);
  await assertInvariants(admin, [queue]);
});

it("goes on with empty queues after a restart that kept nothing, and registers them anew (C03)", async () => {
  const queue = freshQueue();
  const client = bench.client(redis.url);
  const server = await bench.server(redis.url, () => wait(20), { queue });
  await client.enqueueBatch(tasks(200, queue));
  await server.hasSettled(20);
  await redis.restart();
  const admin = redis.client();
  expect(await admin.exists(`asynq:{${queue}}:pending`)).toBe(0);

  const next = await client.enqueue(new Task("work", "after"), { queue });
  await eventually("new work is done", () => server.settled.some(({ taskId }) => taskId === next.id));
  expect(await admin.smembers("asynq:queues")).toEqual([queue]);
  await eventually("the server shows itself again", async () => (await admin.zcard("asynq:servers")) === 1);
  expect(server.started.length).toBeLessThan(200);
});
