import { describe, expect, it } from "vitest";
import { queueKeys } from "../../../src/protocol/keys.ts";
import { archive, enqueued, forwardAll, leasedOne, retry, settled, unique } from "../../contract/tasks.ts";
import { redisForFile } from "../../support/redis-rig.ts";
import { guarded } from "./guarded.ts";
import { harnessesOn, type RedisHarness } from "./harness.ts";

const redis = await redisForFile();
const open = harnessesOn(redis);

const q = "default";
const keys = queueKeys(q);

/** Seconds, as scores count. */
const seconds = ({ clock }: RedisHarness) => Math.floor(clock.now() / 1_000);

describe("forwarding on Redis", () => {
  it("says when a task that this machine's slower clock holds back will be moved (18.3.3)", async () => {
    const engine = await open({ clockOffset: 300 });
    const { broker, clock } = engine;
    const processAt = broker.now() + 100;
    await enqueued(engine, q, {}, { processAt });
    await clock.advance(200);
    expect(await broker.forward(q, 10)).toEqual({ moved: 0, nextDueAt: processAt + 300 });
    await clock.advance(200);
    expect((await broker.forward(q, 10)).moved).toBe(1);
  });

  guarded(
    redis,
    "registers the group that a due task joins (V9)",
    { script: "forward", text: "redis.call('SADD', groups, task.group)\n" },
    async (engine) => {
      await enqueued(engine, q, { groupKey: "g" }, { processAt: engine.broker.now() + 10_000 });
      await engine.clock.advance(11_000);
      await engine.broker.forward(q, 10);
      expect(await engine.client.smembers(keys.groups)).toEqual(["g"]);
    },
  );

  guarded(
    redis,
    "only removes an id that has no task (18.2)",
    {
      script: "forward",
      text: "elseif redis.call('HSTRLEN', key, 'msg') == 0 then",
      instead: "elseif false then",
    },
    async (engine) => {
      await engine.client.zadd(keys.scheduled, 1, "ghost");
      expect(await engine.broker.forward(q, 10)).toEqual({ moved: 0, nextDueAt: undefined });
      expect(await engine.client.exists(keys.scheduled, keys.pending, `${keys.taskPrefix}ghost`)).toBe(0);
    },
  );

  guarded(
    redis,
    "runs nothing again by an instant whose task does not wait any more (18.2)",
    {
      script: "forward",
      text: "local set = task and ((task.state == 'scheduled' and scheduled) or (task.state == 'retry' and retry))",
      instead: "local set = task and ((task.state == 'scheduled' and scheduled) or retry)",
    },
    async (engine) => {
      // As Go's tools leave it, which know nothing of exact instants.
      const processAt = engine.broker.now() + 250;
      const id = await enqueued(engine, q, {}, { processAt });
      await engine.client
        .pipeline()
        .zrem(keys.scheduled, id)
        .zadd(keys.retry, Math.ceil(processAt / 1_000), id)
        .hset(keys.taskPrefix + id, "state", "archived")
        .zadd(keys.archived, seconds(engine), id)
        .exec();
      await engine.clock.advance(250);
      expect((await engine.broker.forward(q, 10)).moved).toBe(0);
      await engine.client
        .pipeline()
        .zrem(keys.retry, id)
        .hdel(keys.taskPrefix + id, "tq:at")
        .exec();
    },
  );

  guarded(
    redis,
    "goes by the instant that the task itself names (18.2)",
    { script: "forward", text: "tonumber(task.at) == at and ", instead: "" },
    async (engine) => {
      const processAt = engine.broker.now() + 950;
      const id = await enqueued(engine, q, {}, { processAt });
      await engine.client.zadd(keys.due, processAt - 500, id);
      await engine.clock.advance(450);
      expect((await engine.broker.forward(q, 10)).moved).toBe(0);
    },
  );

  guarded(
    redis,
    "leaves a task alone that Go has given a later second (18.2)",
    {
      script: "forward",
      text: "and tonumber(redis.call('ZSCORE', set, id)) == math.ceil(at / 1000) then",
      instead: "then",
    },
    async (engine) => {
      const id = await enqueued(engine, q, {}, { processAt: engine.broker.now() + 250 });
      const later = seconds(engine) + 60;
      await engine.client.zadd(keys.scheduled, later, id);
      await engine.clock.advance(250);
      expect(await engine.broker.forward(q, 10)).toEqual({ moved: 0, nextDueAt: later * 1_000 });
      await engine.client.hdel(keys.taskPrefix + id, "tq:at");
    },
  );

  guarded(
    redis,
    "forgets the exact instant of a task that it moves (18.2)",
    { script: "forward", text: "redis.call('HDEL', task.key, 'tq:at')\n" },
    async (engine) => {
      const id = await enqueued(engine, q, {}, { processAt: engine.broker.now() + 250 });
      await engine.clock.advance(250);
      await engine.broker.forward(q, 10);
      expect(await engine.client.hexists(keys.taskPrefix + id, "tq:at")).toBe(0);
      expect(await engine.client.exists(keys.due)).toBe(0);
    },
  );

  guarded(
    redis,
    "moves nothing for a caller that has given up (18.3)",
    { script: "forward", text: "if clock_differs(now, deadline) then", instead: "if false then" },
    async (engine) => {
      await enqueued(engine, q, {}, { processAt: engine.broker.now() + 250 });
      await engine.clock.advance(250);
      await engine.client.set("tq:test:clock", String((engine.clock.now() + 6_000) * 1_000));
      await expect(engine.broker.forward(q, 10)).rejects.toMatchObject({ code: "ENGINE_UNAVAILABLE" });
      expect(await engine.client.exists(keys.pending)).toBe(0);
    },
  );

  it("moves what others put among the due, whatever its hash is", async () => {
    const engine = await open();
    await engine.client.zadd(keys.scheduled, 1, "wrong");
    await engine.client.set(`${keys.taskPrefix}wrong`, "not a hash");
    const id = await enqueued(engine, q, {}, { processAt: engine.broker.now() + 250 });
    await engine.clock.advance(250);
    expect(await engine.broker.forward(q, 10)).toEqual({ moved: 1, nextDueAt: undefined });
    expect(await engine.client.lrange(keys.pending, 0, -1)).toEqual([id]);
    await engine.client.del(`${keys.taskPrefix}wrong`);
  });

  it("runs scheduled tasks and retries in the order in which they fall due", async () => {
    const engine = await open();
    const first = await enqueued(engine, q);
    const attempt = await leasedOne(engine, q);
    const now = engine.broker.now();
    const last = await enqueued(engine, q, {}, { processAt: now + 3_250 });
    const middle = await enqueued(engine, q, {}, { processAt: now + 2_750 });
    await settled(engine, attempt, retry(attempt, now + 1_500));
    await engine.clock.advance(5_000);
    expect((await forwardAll(engine, q)).moved).toBe(3);
    expect(await engine.client.lrange(keys.pending, 0, -1)).toEqual([last, middle, first]);
  });

  it("asks Redis for little while nothing is due", async () => {
    const engine = await open();
    await enqueued(engine, q, {}, { processAt: engine.broker.now() + 50_250 });
    await engine.broker.forward(q, 500);
    await engine.client.config("RESETSTAT");
    await engine.broker.forward(q, 500);
    const stats = await engine.client.info("commandstats");
    const calls = [...stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)].map(([, name, n]) => [name, n]);
    expect(Object.fromEntries(calls)).toEqual({
      "config|resetstat": "1",
      evalsha: "1",
      get: "1",
      zrange: "3",
    });
  });
});

describe("reclaiming aggregation sets on Redis", () => {
  const set = `${keys.groupPrefix}digest:42:11111111-2222-4333-8444-555555555555`;

  /** A task of group `digest:42` in a set whose deadline passed a second ago. */
  async function abandoned(engine: RedisHarness): Promise<string> {
    const id = await enqueued(engine, q, { groupKey: "digest:42" });
    await engine.client
      .pipeline()
      .rename(`${keys.groupPrefix}digest:42`, set)
      .del(keys.groups)
      .zadd(keys.aggregationSets, seconds(engine) - 1, set)
      .exec();
    return id;
  }

  guarded(
    redis,
    "registers the group that gets its tasks back (V9)",
    {
      script: "reclaim_aggregation_sets",
      text: "redis.call('SADD', groups, string.sub(group_key, #group_prefix + 1))\n",
    },
    async (engine) => {
      const id = await abandoned(engine);
      // Else it would be found as a group that is not listed.
      await engine.client.acl("SETUSER", "default", "-scan");
      expect(await engine.broker.reclaimAggregationSets(q)).toBe(1);
      await engine.client.acl("SETUSER", "default", "+@all");
      expect(await engine.client.smembers(keys.groups)).toEqual(["digest:42"]);
      expect(await engine.client.zrange(`${keys.groupPrefix}digest:42`, "0", "-1")).toEqual([id]);
      expect(await engine.client.exists(set, keys.aggregationSets)).toBe(0);
    },
  );

  guarded(
    redis,
    "registers no group for a set without tasks (15.4)",
    { script: "reclaim_aggregation_sets", text: "if size > 0 then", instead: "if true then" },
    async (engine) => {
      await engine.client.zadd(keys.aggregationSets, 1, set);
      expect(await engine.broker.reclaimAggregationSets(q)).toBe(1);
      expect(await engine.client.exists(keys.groups, keys.aggregationSets)).toBe(0);
    },
  );

  guarded(
    redis,
    "returns a set of any size (V7)",
    { script: "reclaim_aggregation_sets", text: "local chunk = 1000", instead: "local chunk = 100000" },
    async (engine) => {
      await abandoned(engine);
      const pipeline = engine.client.pipeline();
      for (let i = 0; i < 9_000; i += 1) pipeline.zadd(set, i, `member-${i}`);
      await pipeline.exec();
      expect(await engine.broker.reclaimAggregationSets(q).catch(() => 0)).toBe(1);
      expect(await engine.client.zcard(`${keys.groupPrefix}digest:42`)).toBe(9_001);
      await engine.client.flushall();
    },
  );

  it("empties any number of sets", async () => {
    const engine = await open();
    for (let i = 0; i < 25; i += 1) await engine.client.zadd(keys.aggregationSets, 1, `${set}${i}`);
    expect(await engine.broker.reclaimAggregationSets(q)).toBe(25);
    expect(await engine.client.exists(keys.aggregationSets)).toBe(0);
  });
});

describe("groups that have tasks and are not listed", () => {
  const group = `${keys.groupPrefix}digest:42`;

  /** As a Go peer leaves it that forwards a task, or returns an aggregation set. */
  async function forgotten(engine: RedisHarness, queue = q, name = "digest:42"): Promise<string> {
    const id = await enqueued(engine, queue, { groupKey: name });
    await engine.client.del(queueKeys(queue).groups);
    return id;
  }

  guarded(
    redis,
    "are listed again (V9)",
    { script: "relist_groups", text: "redis.call('SADD', groups, group)\n" },
    async (engine) => {
      await forgotten(engine);
      await engine.broker.reclaimAggregationSets(q);
      expect(await engine.client.smembers(keys.groups)).toEqual(["digest:42"]);
    },
  );

  guarded(
    redis,
    "are told from aggregation sets",
    {
      script: "relist_groups",
      text: "if redis.pcall('HGET', task_prefix .. id, 'group') == group then",
      instead: "if true then",
    },
    async (engine) => {
      await forgotten(engine);
      await engine.client.rename(group, `${group}:11111111-2222-4333-8444-555555555555`);
      await engine.client.zadd(
        keys.aggregationSets,
        seconds(engine) + 60,
        `${group}:11111111-2222-4333-8444-555555555555`,
      );
      await engine.broker.reclaimAggregationSets(q);
      expect(await engine.client.exists(keys.groups)).toBe(0);
    },
  );

  it("are found behind members that have no task", async () => {
    const engine = await open();
    await forgotten(engine);
    await engine.client.zadd(group, 1, "ghost");
    await engine.broker.reclaimAggregationSets(q);
    expect(await engine.client.smembers(keys.groups)).toEqual(["digest:42"]);
    await engine.client.zrem(group, "ghost");
  });

  it("are found among very many keys, some of which are looked at in each call", async () => {
    const engine = await open();
    const pipeline = engine.client.pipeline();
    for (let i = 0; i < 20_000; i += 1) pipeline.set(`foreign:${i}`, "");
    await pipeline.exec();
    await forgotten(engine);
    let calls = 0;
    do {
      await engine.broker.reclaimAggregationSets(q);
      calls += 1;
    } while (calls < 20 && (await engine.client.exists(keys.groups)) === 0);
    expect(await engine.client.exists(keys.groups)).toBe(1);
    // And round again, from the beginning.
    await engine.client.del(keys.groups);
    for (let i = 0; i < 11; i += 1) await engine.broker.reclaimAggregationSets(q);
    expect(await engine.client.exists(keys.groups)).toBe(1);
    await engine.client.config("RESETSTAT");
    await engine.broker.reclaimAggregationSets(q);
    expect(await engine.client.info("commandstats")).toContain("cmdstat_scan:calls=1,");
    await engine.client.flushall();
  });

  it.each(["a*b", "a?b", "a[xyz]b", "a\\b", "\u{1f4ec}"])(
    "are found in the queue %s, and in no other",
    async (queue) => {
      const engine = await open();
      await forgotten(engine, queue);
      await forgotten(engine, "axb");
      await engine.broker.reclaimAggregationSets(queue);
      expect(await engine.client.smembers(queueKeys(queue).groups)).toEqual(["digest:42"]);
      expect(await engine.client.exists(queueKeys("axb").groups)).toBe(0);
      await engine.client.flushall();
    },
  );

  guarded(
    redis,
    "are listed even where Redis has no memory left",
    { script: "relist_groups", text: "redis.call('SREM', groups, group)\n" },
    async (engine) => {
      await forgotten(engine);
      await redis.setMaxmemory(-200_000);
      const problem = await engine.broker.reclaimAggregationSets(q).catch((error: unknown) => error);
      await redis.setMaxmemory("off");
      expect(problem).toBe(0);
      expect(await engine.client.smembers(keys.groups)).toEqual(["digest:42"]);
    },
  );

  it("wait where the user may not look at keys", async () => {
    const engine = await open();
    await forgotten(engine);
    await engine.client.acl("SETUSER", "default", "-scan");
    expect(await engine.broker.reclaimAggregationSets(q)).toBe(0);
    await engine.client.acl("SETUSER", "default", "+@all");
    expect(await engine.client.exists(keys.groups)).toBe(0);

    await engine.broker.reclaimAggregationSets(q);
    expect(await engine.client.exists(keys.groups)).toBe(1);
  });
});

describe("trimming the archive on Redis", () => {
  /** `count` archived tasks, one a second, the last one now. */
  async function archived(engine: RedisHarness, count: number): Promise<void> {
    const newest = seconds(engine);
    const pipeline = engine.client.pipeline().sadd("asynq:queues", q);
    for (let i = 0; i < count; i += 1) {
      pipeline.hset(`${keys.taskPrefix}old-${i}`, { msg: "", state: "archived" });
      pipeline.zadd(keys.archived, newest - count + i + 1, `old-${i}`);
    }
    await pipeline.exec();
  }

  async function trimmed(engine: RedisHarness, limit: number): Promise<number> {
    let total = 0;
    for (;;) {
      const removed = await engine.broker.trimArchive(q, limit);
      total += removed;
      if (removed < limit) return total;
    }
  }

  guarded(
    redis,
    "keeps the newest 10,000 and deletes the hashes of all others, however many (V7)",
    { script: "trim_archive", text: "redis.call('DEL', task_prefix .. id)\n" },
    async (engine) => {
      await archived(engine, 19_000);
      expect(await trimmed(engine, 500)).toBe(9_000);
      expect(await engine.client.zcard(keys.archived)).toBe(10_000);
      expect(await engine.client.dbsize()).toBe(10_000 + ["archived", "queues", "clock"].length);
      await engine.client.flushall();
    },
  );

  guarded(
    redis,
    "handles no more than asked for in one call (V7)",
    {
      script: "trim_archive",
      text: "math.min(limit, math.max(too_old, too_many))",
      instead: "math.max(too_old, too_many)",
    },
    async (engine) => {
      await archived(engine, 20);
      await engine.clock.advance(91 * 86_400_000);
      expect(await engine.broker.trimArchive(q, 7)).toBe(7);
      expect(await trimmed(engine, 7)).toBe(13);
    },
  );

  guarded(
    redis,
    "frees the unique lock of a task that it deletes (15.7)",
    { script: "trim_archive", text: "release_lock(task_prefix .. id, id, unique_prefix)\n" },
    async (engine) => {
      const entry = unique(q, "key", 100 * 86_400_000);
      await engine.broker.enqueue([entry]);
      const attempt = await leasedOne(engine, q);
      await settled(engine, attempt, archive(attempt));
      await engine.clock.advance(91 * 86_400_000);
      expect(await engine.broker.trimArchive(q, 10)).toBe(1);
      expect(await engine.client.exists(entry.message.uniqueKey)).toBe(0);
    },
  );

  for (const script of ["trim_archive", "delete_expired"] as const) {
    const state = script === "trim_archive" ? "archived" : "completed";
    guarded(
      redis,
      `deletes no task that ${script} finds listed and that lives elsewhere`,
      { script, text: "return found == state", instead: "return true" },
      async (engine) => {
        const id = await enqueued(engine, q);
        await engine.client.zadd(keys[state], 1, id);
        const call = script === "trim_archive" ? engine.broker.trimArchive : engine.broker.deleteExpired;
        expect(await call(q, 10)).toBe(1);
        expect(await engine.client.zcard(keys[state])).toBe(0);
        expect((await leasedOne(engine, q)).message.id).toBe(id);
      },
    );
  }
});

describe("a wall clock far from Redis's", () => {
  it("leaves the work to others for a minute, then goes by Redis's", async () => {
    const engine = await open({ clockOffset: 6_000 });
    await enqueued(engine, q, {}, { processAt: engine.broker.now() + 1_000 });
    await engine.clock.advance(10_000);
    expect(await engine.broker.forward(q, 10)).toEqual({ moved: 0, nextDueAt: undefined });
    await engine.clock.advance(59_000);
    expect((await engine.broker.forward(q, 10)).moved).toBe(0);
    await engine.clock.advance(1_000);
    expect((await engine.broker.forward(q, 10)).moved).toBe(1);
  });

  it("takes for due what is due by both, while they differ by little", async () => {
    for (const clockOffset of [-3_000, 3_000]) {
      const engine = await open({ clockOffset });
      await enqueued(engine, q, {}, { processAt: engine.broker.now() + 10_000 });
      await engine.clock.advance(10_000 + Math.max(0, clockOffset) - 1_000);
      expect((await engine.broker.forward(q, 10)).moved).toBe(0);
      await engine.clock.advance(1_000);
      expect((await engine.broker.forward(q, 10)).moved).toBe(1);
    }
  });
});
