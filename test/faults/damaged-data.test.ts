import { describe, expect, it } from "vitest";
import { RedisWrongTypeError } from "../../src/errors.ts";
import { queueKeys } from "../../src/protocol/keys.ts";
import { Task } from "../../src/task.ts";
import { checkInvariants } from "../support/invariants.ts";
import { redisForFile } from "../support/redis-rig.ts";
import { benchForFile, freshQueue } from "./bench.ts";
import { eventually } from "./eventually.ts";

/** F01 to F04: data that somebody else has damaged. docs/reliability.md b. */

const redis = await redisForFile();
const bench = benchForFile();

function tasks(count: number, queue: string) {
  return Array.from({ length: count }, (_, i) => ({ task: new Task("work", { i }), options: { queue } }));
}

it("drops pending ids that have no task, and runs the others at once (F01)", async () => {
  const queue = freshQueue();
  const keys = queueKeys(queue);
  const client = bench.client(redis.url);
  const admin = redis.client();
  await admin.rpush(keys.pending, "ghost-1", "ghost-2");
  await client.enqueueBatch(tasks(2, queue));
  await admin.lpush(keys.pending, "ghost-3");
  const server = await bench.server(redis.url, () => undefined, { queue });
  await server.hasSettled(2);
  await eventually("no id is left", async () => (await admin.exists(keys.pending, keys.active)) === 0);
  expect(server.log.lines.filter((line) => line.includes("ghost-1"))).toHaveLength(1);
  expect(server.settled).toHaveLength(2);
  expect(await admin.keys(`${keys.taskPrefix}*`)).toEqual([]);
});

describe("leases that are lost", () => {
  it.each(["ZREM", "DEL"] as const)("gives a running task its lease back after %s (F02)", async (how) => {
    const queue = freshQueue();
    const keys = queueKeys(queue);
    const client = bench.client(redis.url);
    const admin = redis.client();
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const server = await bench.server(redis.url, () => released, { queue });
    const { id } = await client.enqueue(new Task("work"), { queue });
    await eventually("it runs", () => server.starts(id) === 1);
    const removed = how === "DEL" ? await admin.del(keys.lease) : await admin.zrem(keys.lease, id);
    expect(removed).toBe(1);

    const leaseEnd = async () => Math.floor(Number(await admin.zscore(keys.lease, id)));
    await eventually("it has a lease", async () => (await leaseEnd()) > 0, 2_000);
    const sweptUntil = await leaseEnd();
    await eventually("its owner renews it", async () => (await leaseEnd()) > sweptUntil + 1);
    release();
    await server.hasSettled(1);
    expect(server.starts(id)).toBe(1);
    expect(server.lost).toEqual([]);
    expect(server.settled).toMatchObject([{ taskId: id, cause: "success" }]);
  });

  it("runs an active task again that nobody runs, and removes a lease that belongs to nothing (F02)", async () => {
    const queue = freshQueue();
    const keys = queueKeys(queue);
    const client = bench.client(redis.url);
    const admin = redis.client();
    const { id } = await client.enqueue(new Task("work"), { queue });
    const { broker } = bench.engine(redis.url);
    expect((await broker.exchange(queue, [], 1)).leased).toHaveLength(1);
    expect(await admin.del(keys.lease)).toBe(1);
    await admin.zadd(keys.lease, String(Math.floor(Date.now() / 1_000) - 100), "nothing");

    const server = await bench.server(redis.url, () => undefined, { queue });
    await eventually("it has run", () => server.settled.some(({ cause }) => cause === "success"));
    expect(server.started).toMatchObject([{ taskId: id, attempt: 2 }]);
    expect(server.log.lines.filter((line) => line.includes("without a lease"))).toHaveLength(1);
    expect(await admin.exists(keys.lease, keys.active)).toBe(0);
  });
});

describe("messages that nobody can read (F03)", () => {
  it("archives them with their bytes untouched, and runs everything else", async () => {
    const queue = freshQueue();
    const keys = queueKeys(queue);
    const client = bench.client(redis.url);
    const inspector = bench.inspector(redis.url);
    const admin = redis.client();
    await client.enqueueBatch(tasks(5, queue));
    const damage = [
      Buffer.alloc(0),
      Buffer.from([0xff]),
      Buffer.from([0x0a, 0x05, 0x61]),
      Buffer.from([0x0a, 0x02, 0xc3, 0x28]),
      Buffer.from([0x0b, 0x0c]),
      Buffer.concat([Buffer.from([0x08]), Buffer.alloc(11, 0xff)]),
      Buffer.alloc(1_000_000, 0xa5),
    ];
    for (const [i, bytes] of damage.entries()) {
      await admin.hset(`${keys.taskPrefix}bad-${i}`, { msg: bytes, state: "pending", pending_since: "1" });
      await admin.rpush(keys.pending, `bad-${i}`);
    }
    const server = await bench.server(redis.url, () => undefined, { queue });
    await server.hasSettled(5);
    expect(server.settled.every(({ cause }) => cause === "success")).toBe(true);
    await eventually("all bad ones are put aside", async () => {
      const { archived, pending, active } = await inspector.getQueueInfo(queue);
      return archived === damage.length && pending + active === 0;
    });
    for (const [i, bytes] of damage.entries()) {
      expect((await admin.hgetBuffer(`${keys.taskPrefix}bad-${i}`, "msg"))?.equals(bytes)).toBe(true);
      const info = await inspector.getTaskInfo({ queue, id: `bad-${i}` });
      expect([info.state, info.damaged]).toEqual(["archived", true]);
    }
    const { quarantined } = await checkInvariants(admin, [queue]);
    expect(quarantined).toHaveLength(damage.length);
    expect(server.log.lines.filter((line) => line.includes("bad-0"))).toHaveLength(1);
  });

  it("recovers the others of a dead server when one of its tasks became unreadable", async () => {
    const queue = freshQueue();
    const keys = queueKeys(queue);
    const client = bench.client(redis.url);
    const admin = redis.client();
    await client.enqueueBatch(
      ["good", "bad"].map((taskId) => ({ task: new Task("work"), options: { queue, taskId } })),
    );
    const { broker } = bench.engine(redis.url);
    expect((await broker.exchange(queue, [], 2)).leased).toHaveLength(2);
    await admin.hset(`${keys.taskPrefix}bad`, { msg: Buffer.from([0xff, 0xff]) });

    const server = await bench.server(redis.url, () => undefined, { queue });
    await eventually("the good one has run", () => server.settled.some(({ cause }) => cause === "success"));
    expect(server.started).toMatchObject([{ taskId: "good", attempt: 2 }]);
    expect(await admin.zscore(keys.archived, "bad")).not.toBeNull();
    expect(await admin.exists(keys.lease, keys.active)).toBe(0);
  });
});

describe("a key of the wrong type (F04)", () => {
  const wrong = ["pending", "active", "lease", "scheduled", "archived"] as const;
  it.each(wrong)(
    "%s: a typed error, nothing moved by halves, and work again once it is gone",
    async (name) => {
      const queue = freshQueue();
      const keys = queueKeys(queue);
      const client = bench.client(redis.url);
      const admin = redis.client();
      const { broker } = bench.engine(redis.url);
      if (name !== "pending") await client.enqueue(new Task("work"), { queue, taskId: "before" });
      await admin.set(keys[name], "x");
      const before = await snapshot();

      const put = () =>
        client.enqueue(new Task("work"), {
          queue,
          taskId: "during",
          ...(name === "scheduled" && { processIn: "1h" }),
        });
      if (name === "pending" || name === "scheduled") {
        const error = await put().then(
          () => undefined,
          (refusal: unknown) => refusal,
        );
        expect(error).toBeInstanceOf(RedisWrongTypeError);
        expect(await admin.exists(`${keys.taskPrefix}during`)).toBe(0);
      }
      if (name === "active" || name === "lease") {
        const error = await broker.exchange(queue, [], 1).then(
          () => undefined,
          (refusal: unknown) => refusal,
        );
        expect(error).toBeInstanceOf(RedisWrongTypeError);
      }
      expect(await snapshot()).toEqual(before);

      const server = await bench.server(redis.url, () => undefined, { queue });
      await admin.del(keys[name]);
      await client.enqueue(new Task("work"), { queue, taskId: "after" });
      await eventually("work is done again", () => server.settled.some(({ taskId }) => taskId === "after"));

      /** Everything but the registry of queues. */
      async function snapshot(): Promise<Record<string, string | null>> {
        const found: Record<string, string | null> = {};
        for (const key of (await admin.keys(`*{${queue}}*`)).sort()) {
          found[key] = (await admin.dumpBuffer(key))?.toString("hex") ?? null;
        }
        return found;
      }
    },
  );
});
