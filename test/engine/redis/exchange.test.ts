import type { Redis } from "ioredis";
import { afterEach, describe, expect, it } from "vitest";
import type { Leased, Outcome, Settlement } from "../../../src/broker/broker.ts";
import type { Engine } from "../../../src/broker/engine.ts";
import { createRedisEngine } from "../../../src/engine/redis/redis-engine.ts";
import { queueKeys } from "../../../src/protocol/keys.ts";
import { utcDay } from "../../../src/protocol/units.ts";
import { silentLogger } from "../../../src/runtime/logger.ts";
import {
  archive,
  attempts,
  complete,
  counts,
  done,
  enqueued,
  ids,
  leased,
  leasedOne,
  message,
  requeue,
  retry,
  running,
  settled,
  stateOf,
  unique,
} from "../../contract/tasks.ts";
import { fakeRuntime } from "../../support/fake-runtime.ts";
import { redisForFile } from "../../support/redis-rig.ts";
import { setFakeTime } from "./fake-time.ts";
import { guarded } from "./guarded.ts";
import { harnessesOn, type RedisHarness } from "./harness.ts";

const redis = await redisForFile();
const open = harnessesOn(redis);

const q = "default";
const keys = queueKeys(q);

/** What the call answers, or the error it rejects with. */
function exchanged({ broker }: RedisHarness, outcomes: readonly Outcome[], limit: number): Promise<unknown> {
  return broker.exchange(q, outcomes, limit).catch((error: unknown) => error);
}

async function batch(engine: RedisHarness, count: number): Promise<Leased[]> {
  await engine.broker.enqueue(Array.from({ length: count }, () => ({ message: message(q) })));
  return leased(engine, q, count);
}

describe("leasing looks before it takes", () => {
  guarded(
    redis,
    "and drops an id without a task, with what a Go peer left of it (V6)",
    {
      script: "exchange",
      text: "local message, state = fields[1], fields[2]",
      instead: "local message, state = fields[1] or '', fields[2] or 'pending'",
    },
    async (engine) => {
      await engine.client.rpush(keys.pending, "ghost", "stub");
      await engine.client.hset(`${keys.taskPrefix}stub`, "state", "active");
      await engine.client.lpush(keys.active, "stub");
      const id = await enqueued(engine, q);
      expect(await exchanged(engine, [], 3)).toMatchObject({
        leased: [{ message: { id } }],
        dropped: ["stub", "ghost"],
      });
      expect(await engine.client.exists(`${keys.taskPrefix}stub`)).toBe(0);
      expect(await engine.client.lrange(keys.active, 0, -1)).toEqual([id]);
    },
  );

  guarded(
    redis,
    "and drops an id whose key is of another type, untouched",
    {
      script: "exchange",
      text: "redis.pcall('HMGET', task, 'msg', 'state', 'pending_since')",
      instead: "redis.call('HMGET', task, 'msg', 'state', 'pending_since')",
    },
    async (engine) => {
      await engine.client.rpush(keys.pending, "other");
      await engine.client.set(`${keys.taskPrefix}other`, "somebody's");
      expect(await exchanged(engine, [], 1)).toMatchObject({ leased: [], dropped: ["other"] });
      expect(await engine.client.get(`${keys.taskPrefix}other`)).toBe("somebody's");
      await engine.client.del(`${keys.taskPrefix}other`);
    },
  );

  for (const [key, text, instead] of [
    [keys.lease, "redis.call('ZCOUNT', lease, score, score) > 0", "false"],
    [keys.active, "redis.call('LLEN', active)\n", ""],
  ] as const) {
    guarded(
      redis,
      `and takes nothing where ${key} is of another type (V12)`,
      { script: "exchange", text, instead },
      async (engine) => {
        const id = await enqueued(engine, q);
        await engine.client.set(key, "wrong");
        expect(await exchanged(engine, [], 1)).toMatchObject({ code: "REDIS_WRONG_TYPE" });
        expect(await engine.client.lrange(keys.pending, 0, -1)).toEqual([id]);
        await engine.client.del(key);
        expect(await stateOf(engine, q, id)).toBe("pending");
      },
    );
  }

  guarded(
    redis,
    "and runs a task once that is listed twice",
    { script: "exchange", text: "local is_copy = known[id]", instead: "local is_copy = false" },
    async (engine) => {
      const id = await enqueued(engine, q);
      await engine.client.lpush(keys.pending, id);
      expect(await exchanged(engine, [], 5)).toMatchObject({ leased: [{ message: { id } }], dropped: [id] });
    },
  );

  guarded(
    redis,
    "and drops the copy of a task that runs already",
    { script: "exchange", text: "local elsewhere = { active = lease, ", instead: "local elsewhere = { " },
    async (engine) => {
      const attempt = await running(engine, q);
      await engine.client.lpush(keys.pending, attempt.message.id);
      expect(await exchanged(engine, [], 1)).toMatchObject({ leased: [], dropped: [attempt.message.id] });
      expect(await settled(engine, attempt, done)).toBe("settled");
    },
  );

  guarded(
    redis,
    "and drops the copy of a task that waits or has ended elsewhere",
    {
      script: "exchange",
      text: "local copy = container and redis.pcall('ZSCORE', container, id)",
      instead: "local copy = false",
    },
    async (engine) => {
      const later = engine.broker.now() + 60_000;
      const [a, b, c] = (await batch(engine, 3)) as [Leased, Leased, Leased];
      await settled(engine, a, retry(a, later));
      await settled(engine, b, archive(b));
      await settled(engine, c, complete(c, later));
      const d = await enqueued(engine, q, {}, { processAt: later });
      const copies = [...ids([a, b, c]), d] as string[];
      await engine.client.rpush(keys.pending, ...copies);
      expect(await exchanged(engine, [], 4)).toMatchObject({ leased: [], dropped: [...copies].reverse() });
      expect(await counts(engine, q)).toEqual({ retry: 1, archived: 1, completed: 1, scheduled: 1 });
    },
  );

  guarded(
    redis,
    "and drops the copy of a task that waits in a group",
    { script: "exchange", text: "if message and state == 'aggregating' then", instead: "if false then" },
    async (engine) => {
      const id = await enqueued(engine, q, { groupKey: "g" });
      await engine.client.rpush(keys.pending, id);
      expect(await exchanged(engine, [], 1)).toMatchObject({ leased: [], dropped: [id] });
      expect(await counts(engine, q)).toEqual({ aggregating: 1 });
    },
  );

  guarded(
    redis,
    "and drops the copy of a task that is a member of an aggregation set",
    { script: "exchange", text: "copy = redis.pcall('ZSCORE', set, id)", instead: "copy = false" },
    async (engine) => {
      const id = await enqueued(engine, q, { groupKey: "g" });
      const set = { queue: q, group: "g", id: "11111111-2222-4333-8444-555555555555" };
      await engine.broker.createAggregationSet(set, { gracePeriod: 0 });
      await engine.client.rpush(keys.pending, id);
      expect(await exchanged(engine, [], 1)).toMatchObject({ leased: [], dropped: [id] });
      expect(await engine.broker.readAggregationSet(set)).toHaveLength(1);
    },
  );

  guarded(
    redis,
    "and frees a task from what an earlier attempt left in the active list",
    { script: "exchange", text: "misplaced[#misplaced + 1] = id" },
    async (engine) => {
      const { message } = await running(engine, q);
      await engine.client.zrem(keys.lease, message.id);
      await engine.client.lpush(keys.pending, message.id);
      const attempt = await leasedOne(engine, q);
      expect(await engine.client.lrange(keys.active, 0, -1)).toEqual([message.id]);
      expect(await settled(engine, attempt, done)).toBe("settled");
    },
  );

  guarded(
    redis,
    "and takes another token where its own is taken",
    {
      script: "exchange",
      text: "redis.call('ZCOUNT', lease, score, score) > 0",
      instead: "false",
    },
    async (engine) => {
      const first = await running(engine, q);
      const taken = Number(await engine.client.zscore(keys.lease, first.message.id)) + PART;
      await engine.client.zadd(keys.lease, taken, "stranger");
      const second = await running(engine, q);
      expect(Number(await engine.client.zscore(keys.lease, second.message.id))).not.toBe(taken);
      await engine.client.zrem(keys.lease, "stranger");
    },
  );

  guarded(
    redis,
    "and stops at 4 MB, but not before the first task",
    {
      script: "exchange",
      text: "if message and bytes > 0 and bytes + #message > budget then",
      instead: "if false then",
    },
    async (engine) => {
      const sizes = [5, 1.5, 1.5, 1.5];
      await engine.broker.enqueue(
        sizes.map((mb) => ({ message: message(q, { payload: Buffer.alloc(mb * 1_024 * 1_024) }) })),
      );
      for (const count of [1, 2]) {
        expect(await exchanged(engine, [], 4)).toMatchObject({ leased: { length: count }, more: true });
      }
      expect(await exchanged(engine, [], 4)).toMatchObject({ leased: { length: 1 }, more: false });
    },
  );
});

const PART = 1 / 2 ** 20;

describe("while tasks move to another node of a Cluster", () => {
  it("nothing is leased, and nothing lost; outcomes stand", async () => {
    const moving = "{ err = 'ERR Script attempted to access a non local key in a cluster node' }";
    const engine = await open({
      scriptSource: (source) =>
        source.replace("redis.pcall('HMGET', task, 'msg', 'state', 'pending_since')", moving),
    });
    const still = await open();
    const attempt = await running(still, q);
    const waiting = await enqueued(still, q);
    expect(await exchanged(engine, [{ leased: attempt, settlement: done }], 5)).toMatchObject({
      answers: ["settled"],
      leased: [],
      dropped: [],
    });
    expect(ids(await leased(still, q, 1))).toEqual([waiting]);
  });
});

describe("leasing", () => {
  it("takes at most 200 tasks in one go, and says that there are more", async () => {
    const engine = await open();
    await engine.broker.enqueue(Array.from({ length: 250 }, () => ({ message: message(q) })));
    expect(await exchanged(engine, [], 1_000)).toMatchObject({ leased: { length: 200 }, more: true });
    expect(await exchanged(engine, [], 1_000)).toMatchObject({ leased: { length: 50 }, more: false });
  });

  it("leaves the oldest task at the tail of the active list, as a Go worker does", async () => {
    const engine = await open();
    const first = await batch(engine, 3);
    const second = await batch(engine, 2);
    expect(await engine.client.lrange(keys.active, 0, -1)).toEqual(ids([...first, ...second]).reverse());
  });

  guarded(
    redis,
    "keeps a busy lease set in its fast form, with no stranger in it",
    { script: "exchange", text: "local crowd = #chosen > 16", instead: "local crowd = false" },
    async (engine) => {
      const attempts = await batch(engine, 17);
      expect(await engine.client.call("OBJECT", "ENCODING", keys.lease)).toBe("skiplist");
      expect(new Set(await engine.client.zrange(keys.lease, "0", "-1"))).toEqual(new Set(ids(attempts)));
    },
  );

  it("goes on while Redis has no memory left", async () => {
    const engine = await open();
    const [first] = (await batch(engine, 1)) as [Leased];
    await settled(engine, first, done);
    const attempt = await running(engine, q);
    const waiting = await enqueued(engine, q);
    await redis.setMaxmemory(-200_000);
    try {
      const outcome: Outcome = { leased: attempt, settlement: retry(attempt, engine.broker.now() + 500) };
      expect(await exchanged(engine, [outcome], 1)).toMatchObject({
        answers: ["settled"],
        leased: [{ message: { id: waiting } }],
      });
    } finally {
      await redis.setMaxmemory("off");
    }
  });
});

describe("settling", () => {
  it("takes tasks out of the active list wherever they lie in it, and leaves the others in order", async () => {
    const engine = await open();
    const all = await batch(engine, 60);
    const leaving = all.filter((_, i) => i % 7 === 3 || (i > 20 && i < 30));
    const staying = all.filter((attempt) => !leaving.includes(attempt));
    const outcomes = [...leaving].reverse().map((attempt) => ({ leased: attempt, settlement: done }));
    const { answers } = await engine.broker.exchange(q, outcomes, 0);
    expect(new Set(answers)).toEqual(new Set(["settled"]));
    expect(await engine.client.lrange(keys.active, 0, -1)).toEqual(ids(staying).reverse());
  });

  it("answers each outcome in the caller's order", async () => {
    const engine = await open();
    const [a, b, c] = (await batch(engine, 3)) as [Leased, Leased, Leased];
    await settled(engine, b, done);
    const outcomes = [c, b, a].map((attempt) => ({ leased: attempt, settlement: done }));
    expect((await engine.broker.exchange(q, outcomes, 0)).answers).toEqual(["settled", "gone", "settled"]);
  });

  it("takes any number of outcomes", async () => {
    const engine = await open();
    const all: Leased[] = [];
    for (let i = 0; i < 6; i += 1) all.push(...(await batch(engine, 200)));
    const outcomes = all.map((attempt) => ({ leased: attempt, settlement: done }));
    const { answers } = await engine.broker.exchange(q, outcomes, 0);
    expect(answers).toEqual(all.map(() => "settled"));
    expect(await attempts(engine, q)).toEqual({ processed: 1_200, failed: 0 });
  });

  for (const [what, key, settle] of [
    ["retry", keys.retry, (attempt: Leased) => retry(attempt, 0)],
    ["archived", keys.archived, archive],
    ["completed", keys.completed, (attempt: Leased) => complete(attempt, 60_000)],
  ] as const) {
    guarded(
      redis,
      `leaves the task where it is if "${what}" is of another type (V1)`,
      { script: "exchange", text: "redis.call('ZCARD', container)\n" },
      async (engine) => {
        const attempt = await running(engine, q);
        await engine.client.set(key, "wrong");
        const outcome = { leased: attempt, settlement: settle(attempt) };
        expect(await exchanged(engine, [outcome], 0)).toMatchObject({ code: "REDIS_WRONG_TYPE" });
        await engine.client.del(key);
        expect(await engine.client.zcard(keys.lease)).toBe(1);
        expect(await settled(engine, attempt, done)).toBe("settled");
      },
    );
  }

  guarded(
    redis,
    "frees a lock only if the task still holds it",
    {
      script: "exchange",
      text: "if redis.pcall('GET', lock) == id then",
      instead: "if true then",
    },
    async (engine) => {
      const entry = unique(q, "key", 5_000);
      await engine.broker.enqueue([entry]);
      const attempt = await leasedOne(engine, q);
      await engine.clock.advance(6_000);
      const other = unique(q, "key");
      await engine.broker.enqueue([other]);
      expect(await settled(engine, attempt, done)).toBe("settled");
      expect(await engine.client.get(entry.message.uniqueKey)).toBe(other.message.id);
    },
  );

  it("touches no key outside the queue, whatever a message calls its lock", async () => {
    const engine = await open();
    const id = await enqueued(engine, q, { uniqueKey: "precious" });
    await engine.client.set("precious", id);
    const attempt = await leasedOne(engine, q);
    expect(await settled(engine, attempt, done)).toBe("settled");
    expect(await engine.client.get("precious")).toBe(id);
    await engine.client.del("precious");
  });
});

describe("a retry finer than a second", () => {
  it("waits for the next whole second where Go looks, and for its own instant where we do (18.2)", async () => {
    const engine = await open();
    const attempt = await running(engine, q);
    const at = Math.ceil(engine.broker.now() / 1_000) * 1_000 + 2_250;
    await settled(engine, attempt, retry(attempt, at));
    const { id } = attempt.message;
    expect(await engine.client.zscore(keys.retry, id)).toBe(String(Math.ceil(at / 1_000)));
    expect(await engine.client.zscore(keys.due, id)).toBe(String(at));
    expect(await engine.client.hget(keys.taskPrefix + id, "tq:at")).toBe(String(at));
    expect(await engine.client.pttl(keys.due)).toBeGreaterThan(119_000);
  });

  it("counts whole seconds when it is more than a minute away", async () => {
    const engine = await open();
    const attempt = await running(engine, q);
    await settled(engine, attempt, retry(attempt, engine.broker.now() + 61_001));
    expect(await engine.client.exists(keys.due)).toBe(0);
    expect(await engine.client.hexists(keys.taskPrefix + attempt.message.id, "tq:at")).toBe(0);
  });

  for (const text of ["redis.call('HDEL', task, 'tq:at')\n", "redis.call('ZREM', due, id)\n"]) {
    guarded(
      redis,
      `leaves nothing behind for the retry after it (${text.trim()})`,
      { script: "exchange", text },
      async (engine) => {
        const { client } = engine;
        const attempt = await running(engine, q);
        const { id } = attempt.message;
        await settled(engine, attempt, retry(attempt, engine.broker.now() + 2_250));
        // A Go forwarder takes it, and knows nothing of our field and key.
        await client.zrem(keys.retry, id);
        await client.hset(keys.taskPrefix + id, "state", "pending", "pending_since", "1");
        await client.lpush(keys.pending, id);
        const again = await leasedOne(engine, q);
        await settled(engine, again, retry(again, Math.ceil(engine.broker.now() / 1_000) * 1_000 + 9_000));
        expect(await client.hexists(keys.taskPrefix + id, "tq:at")).toBe(0);
        expect(await client.zscore(keys.due, id)).toBeNull();
      },
    );
  }
});

describe("the log of failed attempts (18.12)", () => {
  const attempt = {
    at: 1_700_000_000_123,
    outcome: "retry",
    cause: "error",
    duration: 7,
    server: "host:1",
    error: "no route",
  } as const;

  it("is an array with a line for each, which Go leaves alone", async () => {
    const engine = await open();
    const first = await running(engine, q);
    const task = keys.taskPrefix + first.message.id;
    await settled(engine, first, { ...retry(first, engine.broker.now()), attempt });
    const line = '[1700000000123,"retry","error",7,"host:1","no route"]';
    expect(await engine.client.hget(task, "tq:log")).toBe(`[${line}]`);
    await engine.clock.advance(1_000);
    await engine.broker.forward(q, 10);
    const second = await leasedOne(engine, q);
    await settled(engine, second, { ...archive(second), attempt });
    expect(await engine.client.hget(task, "tq:log")).toBe(`[${line}\n,${line}]`);
  });

  it("holds ten, and not one more", async () => {
    const engine = await open();
    const { id } = (await running(engine, q)).message;
    const task = keys.taskPrefix + id;
    await engine.client.hset(task, "tq:log", `[${Array.from({ length: 30 }, (_, i) => i).join("\n,")}]`);
    await engine.clock.advance(62_000);
    const [expired] = await engine.broker.listExpired(q, 1);
    if (expired === undefined) throw new Error("nothing has expired");
    const settlement = { ...archive(expired), attempt };
    expect(await engine.broker.recover(q, [{ expired, settlement }])).toEqual(["settled"]);
    expect(JSON.parse((await engine.client.hget(task, "tq:log")) ?? "")).toEqual([
      ...[21, 22, 23, 24, 25, 26, 27, 28, 29],
      [1_700_000_000_123, "retry", "error", 7, "host:1", "no route"],
    ]);
  });

  it("begins anew in ten failures where somebody else has written it", async () => {
    const engine = await open();
    const leased = await running(engine, q);
    const { id } = leased.message;
    await engine.client.hset(keys.taskPrefix + id, "tq:log", "nonsense");
    expect(await settled(engine, leased, { ...archive(leased), attempt })).toBe("settled");
    expect((await engine.inspection.taskInfo(q, id))?.attempts).toEqual([]);
  });

  it("costs two commands where an attempt has failed, and none where it has not", async () => {
    const engine = await open();
    const cost = async (settlement: (leased: Leased) => Settlement): Promise<number> => {
      const leased = await running(engine, q);
      await engine.client.config("RESETSTAT");
      await settled(engine, leased, settlement(leased));
      const stats = await engine.client.info("commandstats");
      // The harness ages keys before each call.
      return ["hget", "hset", "hmget"].reduce((sum, name) => {
        return sum + Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
      }, 0);
    };
    expect(await cost(() => done)).toBe(1);
    expect(await cost((leased) => retry(leased, 0))).toBe(2);
    expect(await cost((leased) => ({ ...retry(leased, 0), attempt }))).toBe(4);
  });
});

describe("counters", () => {
  it("keep those of a day for 90 days from their first task", async () => {
    const engine = await open();
    const [a, b] = (await batch(engine, 2)) as [Leased, Leased];
    await settled(engine, a, archive(a));
    const day = utcDay(engine.clock.now());
    const ends = Math.floor(engine.clock.now() / 1_000) + 90 * 86_400;
    for (const name of ["processed", "failed"]) {
      expect(await engine.client.expiretime(`asynq:{${q}}:${name}:${day}`)).toBe(ends);
    }
    await engine.clock.advance(1_000);
    await settled(engine, b, archive(b));
    // The harness ages keys with its clock, so an expiry that is left alone comes nearer by what has passed.
    expect(await engine.client.expiretime(`asynq:{${q}}:failed:${day}`)).toBe(ends - 1);
  });

  it("begin anew beyond the largest integer", async () => {
    const engine = await open();
    const [a, b] = (await batch(engine, 2)) as [Leased, Leased];
    await engine.client.mset(keys.processed, "9223372036854775807", keys.failed, "7");
    await settled(engine, a, archive(a));
    expect(await engine.client.mget(keys.processed, keys.failed)).toEqual(["1", "1"]);
    await settled(engine, b, done);
    expect(await engine.client.mget(keys.processed, keys.failed)).toEqual(["2", "1"]);
  });

  it("that are damaged do not keep a task from ending", async () => {
    const engine = await open();
    const attempt = await running(engine, q);
    const day = `asynq:{${q}}:processed:${utcDay(engine.clock.now())}`;
    await engine.client.lpush(day, "not a counter");
    await engine.client.lpush(keys.processed, "not a counter");
    expect(await settled(engine, attempt, done)).toBe("settled");
    await engine.client.del(day, keys.processed);
    expect(await counts(engine, q)).toEqual({});
  });
});

describe("requeueing", () => {
  it("happens after the leasing, so that the task is not taken again at once", async () => {
    const engine = await open();
    const attempt = await running(engine, q);
    const result = await engine.broker.exchange(q, [{ leased: attempt, settlement: requeue }], 1);
    expect(result).toMatchObject({ answers: ["settled"], leased: [] });
    expect(await counts(engine, q)).toEqual({ pending: 1 });
  });

  it("keeps the order of leasing, at the head", async () => {
    const engine = await open();
    const [a, b, c] = (await batch(engine, 3)) as [Leased, Leased, Leased];
    await enqueued(engine, q);
    const outcomes = [b, c, a].map((attempt) => ({ leased: attempt, settlement: requeue }));
    await engine.broker.exchange(q, outcomes, 0);
    expect(ids(await leased(engine, q, 3))).toEqual(ids([a, b, c]));
  });

  guarded(
    redis,
    "leaves the task where it is if pending is of another type",
    { script: "exchange", text: "redis.call('LLEN', pending)\n" },
    async (engine) => {
      const attempt = await running(engine, q);
      await engine.client.set(keys.pending, "wrong");
      const outcome = { leased: attempt, settlement: requeue };
      expect(await exchanged(engine, [outcome], 0)).toMatchObject({ code: "REDIS_WRONG_TYPE" });
      await engine.client.del(keys.pending);
      expect(await engine.client.zcard(keys.lease)).toBe(1);
      await settled(engine, attempt, done);
    },
  );
});

const HOUR = 3_600_000;

describe("when the clocks do not agree (18.3)", () => {
  guarded(
    redis,
    "the exchange leases nothing, but settles",
    { script: "exchange", text: "if clock_is_wrong then\nstatus = 'clock'\nelseif", instead: "if" },
    async (engine) => {
      const attempt = await running(engine, q);
      const waiting = await enqueued(engine, q);
      await setFakeTime(engine.client, engine.clock.now() + HOUR);
      expect(await exchanged(engine, [{ leased: attempt, settlement: done }], 1)).toMatchObject({
        answers: ["settled"],
        leased: [],
      });
      expect(await stateOf(engine, q, waiting)).toBe("pending");
    },
  );

  guarded(
    redis,
    "times of the settlement are those of Redis",
    {
      script: "exchange",
      text: "local shift = clock_is_wrong and time_ms - now or 0",
      instead: "local shift = 0",
    },
    async (engine) => {
      const [a, b, c] = (await batch(engine, 3)) as [Leased, Leased, Leased];
      const now = engine.broker.now();
      await setFakeTime(engine.client, now + HOUR);
      const outcomes = [
        { leased: a, settlement: retry(a, now + 90_000) },
        { leased: b, settlement: archive(b) },
        { leased: c, settlement: complete(c, now + 60_000) },
      ];
      await engine.broker.exchange(q, outcomes, 0);
      const { client } = engine;
      expect(await client.zscore(keys.retry, a.message.id)).toBe(
        String(Math.ceil((now + HOUR + 90_000) / 1_000)),
      );
      expect(await client.zscore(keys.archived, b.message.id)).toBe(String(Math.floor((now + HOUR) / 1_000)));
      const kept = await client.zscore(keys.completed, c.message.id);
      expect(kept).toBe(String(Math.floor((now + HOUR + 60_000) / 1_000)));
      redis.expectDamage("I9");
    },
  );

  it.each([
    "2028-02-28",
    "2028-02-29",
    "2028-03-01",
    "2031-12-31",
    "2032-01-01",
    "2100-02-28",
    "2100-03-01",
    "2400-02-29",
  ])("attempts are counted on Redis's day: %s", async (day) => {
    const engine = await open();
    const attempts = await batch(engine, 2);
    for (const [attempt, time] of [
      [attempts[0], "00:00:00.000Z"],
      [attempts[1], "23:59:59.999Z"],
    ] as const) {
      await setFakeTime(engine.client, Date.parse(`${day}T${time}`));
      await settled(engine, attempt as Leased, archive(attempt as Leased));
    }
    const days = [
      ...(await engine.client.keys("*:processed:*")),
      ...(await engine.client.keys("*:failed:*")),
    ];
    expect(days).toEqual([`${keys.processed}:${day}`, `${keys.failed}:${day}`]);
    expect(await engine.client.mget(days)).toEqual(["2", "2"]);
    await engine.client.flushall();
  });

  it("leases go on once the clock is right again", async () => {
    const engine = await open();
    const id = await enqueued(engine, q);
    await setFakeTime(engine.client, engine.clock.now() - 3_000);
    expect(await exchanged(engine, [], 1)).toMatchObject({ leased: [] });
    await setFakeTime(engine.client, engine.clock.now());
    expect(ids(await leased(engine, q, 1))).toEqual([id]);
  });
});

describe("with the clocks as they are", () => {
  async function real(options: {
    now: number;
    commandTimeout?: `${number}ms`;
    scriptSource?: (s: string) => string;
  }) {
    const runtime = fakeRuntime({ now: options.now });
    const { commandTimeout = "5000ms", scriptSource = (source: string) => source } = options;
    const engine = createRedisEngine(
      redis.url,
      { runtime, logger: silentLogger, commandTimeout },
      { scriptSource },
    );
    await engine.open();
    engines.push(engine);
    return { engine, clock: runtime.clock };
  }

  const engines: Engine[] = [];
  afterEach(async () => {
    for (const engine of engines.splice(0)) await engine.close();
    await redis.flush();
  });

  it("an engine whose wall clock is wrong, or jumps, goes by the clock of Redis", async () => {
    await redis.flush();
    const { engine, clock } = await real({ now: Date.now() - HOUR });
    const id = await enqueued(engine, q);
    clock.setWall(clock.now() + 3 * HOUR);
    const attempts = await leased(engine, q, 1);
    expect(ids(attempts)).toEqual([id]);
    const ends = Number(await redis.client().zscore(keys.lease, id));
    expect(ends - Date.now() / 1_000).toBeGreaterThan(28);
    expect(ends - Date.now() / 1_000).toBeLessThan(33);
    expect(await engine.broker.extendLeases(q, attempts)).toEqual(["extended"]);
  });

  /** What a Redis that was frozen does with an exchange whose sender has given up by then. */
  async function thawed(scriptSource?: (source: string) => string): Promise<number> {
    await redis.flush();
    const client = redis.client();
    const { engine } = await real({
      now: Date.now(),
      commandTimeout: "300ms",
      ...(scriptSource && { scriptSource }),
    });
    await engine.broker.exchange(q, [], 1);
    await enqueued(engine, q);
    const before = await exchanges(client);
    redis.pause();
    try {
      await expect(engine.broker.exchange(q, [], 1)).rejects.toMatchObject({ code: "ENGINE_UNAVAILABLE" });
    } finally {
      redis.resume();
    }
    await expect.poll(() => exchanges(client)).toBeGreaterThan(before);
    return client.llen(keys.active);
  }

  async function exchanges(client: Redis): Promise<number> {
    return Number(/cmdstat_evalsha:calls=(\d+)/.exec(await client.info("commandstats"))?.[1] ?? 0);
  }

  it("leases nothing for a sender that has given up", async () => {
    expect(await thawed()).toBe(0);
    const guard = "local clock_is_wrong = clock_differs(now, deadline)";
    expect(await thawed((source) => source.replace(guard, "local clock_is_wrong = false"))).toBe(1);
  });
});
