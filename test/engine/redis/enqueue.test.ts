import { describe, expect, it } from "vitest";
import type { EnqueueEntry } from "../../../src/broker/enqueue-entry.ts";
import { queueKeys } from "../../../src/protocol/keys.ts";
import { message, unique } from "../../contract/tasks.ts";
import { redisForFile } from "../../support/redis-rig.ts";
import { guarded } from "./guarded.ts";
import { harnessesOn, type RedisHarness } from "./harness.ts";

const redis = await redisForFile();
const open = harnessesOn(redis);

async function statuses({ broker }: RedisHarness, entries: readonly EnqueueEntry[]): Promise<string[]> {
  return (await broker.enqueue(entries)).map(({ status }) => status);
}

const q = "default";
const keys = queueKeys(q);

describe("enqueueing on Redis", () => {
  guarded(
    redis,
    "takes no lock for a task whose id is taken (V4)",
    {
      script: "enqueue",
      text: "local taken = is_taken(entry.task, entry.id)\n",
      instead: `local taken = is_taken(entry.task, entry.id)
if entry.lock then redis.call('SET', entry.lock, entry.id, 'NX', 'PX', entry.ttl) end\n`,
    },
    async (engine) => {
      await engine.broker.enqueue([{ message: message(q, { id: "taken" }) }]);
      const refused = unique(q, "key", 60_000, { id: "taken" });
      expect(await statuses(engine, [refused])).toEqual(["conflict"]);
      expect(await engine.client.exists(refused.message.uniqueKey)).toBe(0);
      expect(await statuses(engine, [unique(q, "key")])).toEqual(["enqueued"]);
    },
  );

  guarded(
    redis,
    "says conflict, not duplicate, to a repeat whose lock is its own (18.4)",
    { script: "enqueue", text: "if holder and holder ~= entry.id then", instead: "if holder then" },
    async (engine) => {
      const first = unique(q, "key");
      expect(await statuses(engine, [first])).toEqual(["enqueued"]);
      expect(await statuses(engine, [first])).toEqual(["conflict"]);
    },
  );

  guarded(
    redis,
    "stores a task whose own lock outlived its hash, and renews the lock (18.4)",
    { script: "enqueue", text: "redis.call('SET', entry.lock, entry.id, 'PX', entry.ttl)" },
    async (engine) => {
      const entry = unique(q, "key", 90_000);
      await engine.client.set(entry.message.uniqueKey, entry.message.id, "PX", 10_000);
      expect(await statuses(engine, [entry])).toEqual(["enqueued"]);
      expect(await engine.client.pttl(entry.message.uniqueKey)).toBeGreaterThan(80_000);
    },
  );

  for (const [form, script] of [
    ["plain", "enqueue_pending"],
    ["scheduled", "enqueue"],
  ] as const) {
    guarded(
      redis,
      `gives the id of a ghost to a ${form} task, and takes what is left of the ghost away (18.4)`,
      { script, text: "redis.call('ZREM', lease, id)\nredis.call('LREM', active, 0, id)\n" },
      async (engine) => {
        await engine.client
          .pipeline()
          .hset(`${keys.taskPrefix}ghost`, { state: "active", result: "of another task" })
          .lpush(keys.active, "ghost")
          .zadd(keys.lease, 2_000_000_000, "ghost")
          .exec();
        const entry = { message: message(q, { id: "ghost" }) };
        const processAt = engine.broker.now() + 3_600_000;
        expect(await statuses(engine, [form === "plain" ? entry : { ...entry, processAt }])).toEqual([
          "enqueued",
        ]);
        expect(await engine.client.exists(keys.active, keys.lease)).toBe(0);
        expect(await engine.client.hexists(`${keys.taskPrefix}ghost`, "result")).toBe(0);
      },
    );
  }

  guarded(
    redis,
    "takes a finished task out of its set when another takes its place (18.4)",
    { script: "enqueue", text: "redis.call('ZREM', archived, entry.id)\n" },
    async (engine) => {
      const old = message(q, { id: "again" });
      await engine.client
        .pipeline()
        .sadd("asynq:queues", q)
        .hset(`${keys.taskPrefix}again`, { msg: "bytes", state: "archived" })
        .zadd(keys.archived, 1_700_000_000, "again")
        .exec();
      expect(await statuses(engine, [{ message: old, replaceFinished: true }])).toEqual(["enqueued"]);
      expect(await engine.client.zcard(keys.archived)).toBe(0);
    },
  );

  guarded(
    redis,
    "frees the lock of a grouped task it replaces, which only the old message names (15.7)",
    { script: "enqueue", text: "if not lock and fields[2] then", instead: "if false then" },
    async (engine) => {
      const old = unique(q, "key", 60_000, { id: "again", groupKey: "g" });
      await engine.broker.enqueue([old]);
      // As an operator archives it.
      await engine.client
        .pipeline()
        .del(`${keys.groupPrefix}g`, keys.groups)
        .zadd(keys.archived, 1_700_000_000, "again")
        .hset(`${keys.taskPrefix}again`, "state", "archived")
        .exec();
      const entry = { message: message(q, { id: "again" }), replaceFinished: true };
      expect(await statuses(engine, [entry])).toEqual(["enqueued"]);
      expect(await engine.client.exists(old.message.uniqueKey)).toBe(0);
    },
  );

  guarded(
    redis,
    "names its group in the hash of a scheduled task, so that it joins when due (15.5)",
    { script: "enqueue", text: "if entry.group then\nadd(", instead: "if entry.group_set then\nadd(" },
    async (engine) => {
      const processAt = engine.broker.now() + 10_000;
      await engine.broker.enqueue([{ message: message(q, { groupKey: "g" }), processAt }]);
      await engine.clock.advance(11_000);
      await engine.broker.forward(q, 10);
      expect(await engine.client.zcard(`${keys.groupPrefix}g`)).toBe(1);
    },
  );

  for (const script of ["enqueue", "enqueue_pending"]) {
    guarded(
      redis,
      `stores nothing by ${script} for a caller that has given up (18.3)`,
      { script, text: "if clock_differs(now, deadline) then", instead: "if false then" },
      async (engine) => {
        await engine.client.set("tq:test:clock", String((engine.clock.now() + 6_000) * 1_000));
        const entry = { message: message(q) };
        const late = script === "enqueue" ? { ...entry, processAt: engine.clock.now() + 60_000 } : entry;
        expect(await engine.broker.enqueue([late])).toMatchObject([
          { status: "failed", error: { code: "ENGINE_UNAVAILABLE" } },
        ]);
        expect(await engine.client.keys("asynq:*")).toEqual([]);
      },
    );
  }

  it("answers each of many in its place, whatever their kind, queue and number", async () => {
    const engine = await open();
    const now = engine.broker.now();
    await engine.broker.enqueue([
      { message: message(q, { id: "taken" }) },
      unique(q, "held", 60_000, { id: "holder" }),
    ]);
    const entries: EnqueueEntry[] = [
      { message: message(q, { id: "taken" }) },
      unique(q, "held"),
      { message: message("other") },
      { message: message(q, { groupKey: "g" }) },
      { message: message(q), processAt: now + 1_500 },
      { message: message(q, { id: "twice" }) },
      { message: message(q, { id: "twice" }) },
      { message: message("other", { id: "twice" }) },
    ];
    expect(await engine.broker.enqueue(entries)).toEqual([
      { status: "conflict" },
      { status: "duplicate", holder: "holder" },
      { status: "enqueued", state: "pending" },
      { status: "enqueued", state: "aggregating" },
      { status: "enqueued", state: "scheduled" },
      { status: "enqueued", state: "pending" },
      { status: "conflict" },
      { status: "enqueued", state: "pending" },
    ]);
  });

  it("cuts what is many or large into calls, and keeps the order", async () => {
    const engine = await open();
    const payload = Buffer.alloc(3_000, "x");
    const entries = Array.from({ length: 500 }, () => ({ message: message(q, { payload }) }));
    await engine.broker.enqueue([{ message: message("other") }]);
    await engine.client.config("RESETSTAT");
    expect(new Set(await statuses(engine, entries))).toEqual(new Set(["enqueued"]));
    const stored = await engine.client.lrange(keys.pending, 0, -1);
    expect(stored.reverse()).toEqual(entries.map((entry) => entry.message.id));
    // No more than 256 KiB a call, so some 85 of these.
    expect(await callsOf(engine, "evalsha")).toBe(6);
    await engine.client.config("RESETSTAT");
    await engine.broker.enqueue(Array.from({ length: 500 }, () => ({ message: message(q) })));
    // And no more than 200 tasks.
    expect(await callsOf(engine, "evalsha")).toBe(3);
  });

  it("leaves nothing behind of a task whose container is of another type", async () => {
    const engine = await open();
    await engine.client.set(keys.scheduled, "not a zset");
    const entries = [
      { message: message(q), processAt: engine.broker.now() + 60_000 },
      unique(q, "key"),
      { ...unique(q, "other"), processAt: engine.broker.now() + 60_000 },
    ];
    expect(await engine.broker.enqueue(entries)).toMatchObject([
      { status: "failed", error: { code: "REDIS_WRONG_TYPE" } },
      { status: "enqueued" },
      { status: "failed", error: { code: "REDIS_WRONG_TYPE" } },
    ]);
    expect(await engine.client.keys(`${keys.taskPrefix}*`)).toHaveLength(1);
    expect(await engine.client.keys(`${keys.uniquePrefix}*`)).toHaveLength(1);
    await engine.client.del(keys.scheduled);
  });

  it("registers the queue with every task, so that a removed one comes back", async () => {
    const engine = await open();
    await engine.broker.enqueue([{ message: message(q) }]);
    await engine.client.srem("asynq:queues", q);
    await engine.broker.enqueue([{ message: message(q) }]);
    expect(await engine.client.smembers("asynq:queues")).toEqual([q]);
  });

  it("registers the queue though every id of a call is taken, as asynq does", async () => {
    const engine = await open();
    const task = { message: message(q) };
    for (const entries of [[task], [{ ...task, processAt: 1e15 }]]) {
      expect(await statuses(engine, [task])).toEqual([expect.any(String)]);
      await engine.client.srem("asynq:queues", q);
      expect(await statuses(engine, entries)).toEqual(["conflict"]);
      expect(await engine.client.smembers("asynq:queues")).toEqual([q]);
    }
  });

  it("costs one script call, alone or as one of many", async () => {
    const engine = await open();
    await engine.broker.enqueue([{ message: message(q) }]);
    await engine.client.config("RESETSTAT");
    await engine.broker.enqueue([{ message: message(q) }]);
    await engine.broker.enqueue(Array.from({ length: 100 }, () => ({ message: message(q) })));
    expect(await callsOf(engine, "evalsha")).toBe(2);
    // Each task its hash; each call the time (here a GET), a look at all ids, the registry and the list.
    expect(await callsOf(engine, "hset")).toBe(101);
    for (const command of ["get", "exists", "sadd", "lpush"]) expect(await callsOf(engine, command)).toBe(2);
  });
});

async function callsOf({ client }: RedisHarness, command: string): Promise<number> {
  const stats = await client.info("commandstats");
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
}
