import { describe, expect, it } from "vitest";
import type { ExpiredLease, Leased } from "../../../src/broker/broker.ts";
import { queueKeys } from "../../../src/protocol/keys.ts";
import { utcDay } from "../../../src/protocol/units.ts";
import {
  archive,
  attempts,
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
} from "../../contract/tasks.ts";
import { redisForFile } from "../../support/redis-rig.ts";
import { setFakeTime } from "./fake-time.ts";
import { guarded } from "./guarded.ts";
import { harnessesOn, type RedisHarness } from "./harness.ts";

const redis = await redisForFile();
const open = harnessesOn(redis);

const q = "default";
const keys = queueKeys(q);
const HOUR = 3_600_000;
/** When nobody doubts any more that a lease of now has run out. */
const EXPIRED = 62_000;

/** One attempt whose worker is gone, as listed. */
async function expired(engine: RedisHarness): Promise<[Leased, ExpiredLease]> {
  const attempt = await running(engine, q);
  await engine.clock.advance(EXPIRED);
  const listed = await engine.broker.listExpired(q, 10);
  expect(listed).toHaveLength(1);
  return [attempt, listed[0] as ExpiredLease];
}

const recover = ({ broker }: RedisHarness, lease: ExpiredLease, retryAt = broker.now() + 20_000) =>
  broker.recover(q, [{ expired: lease, settlement: retry(lease, retryAt) }]);

describe("recovering an expired attempt", () => {
  guarded(
    redis,
    "leaves it alone once its lease was renewed after the listing",
    {
      script: "recover",
      text: "elseif tonumber(held) ~= tonumber(ARGV[args_before + i]) then",
      instead: "elseif false then",
    },
    async (engine) => {
      const [attempt, lease] = await expired(engine);
      expect(await engine.broker.extendLeases(q, [attempt])).toEqual(["extended"]);
      expect(await recover(engine, lease)).toEqual(["fenced"]);
      expect(await settled(engine, attempt, done)).toBe("settled");
    },
  );

  guarded(
    redis,
    "only cleans up where the task is not active",
    { script: "recover", text: "elseif state_of(task) ~= 'active' then", instead: "elseif false then" },
    async (engine) => {
      const [{ message: lost }, lease] = await expired(engine);
      await engine.client.del(keys.taskPrefix + lost.id);
      await enqueued(engine, q, { id: lost.id });
      expect(await recover(engine, lease)).toEqual(["gone"]);
      expect(await counts(engine, q)).toEqual({ pending: 1 });
      expect(await engine.client.exists(keys.lease, keys.active)).toBe(0);
    },
  );

  it("does not need its entry in the active list", async () => {
    const engine = await open();
    const [{ message: lost }, lease] = await expired(engine);
    await engine.client.lrem(keys.active, 0, lost.id);
    expect(await recover(engine, lease)).toEqual(["settled"]);
    expect(await counts(engine, q)).toEqual({ retry: 1 });
    expect(await attempts(engine, q)).toEqual({ processed: 1, failed: 1 });
  });

  guarded(
    redis,
    "happens once, whoever tries",
    { script: "recover", text: "if not held then\nwhy = GONE\nelseif ", instead: "if " },
    async (engine) => {
      const [attempt, lease] = await expired(engine);
      expect(await recover(engine, lease)).toEqual(["settled"]);
      expect(await recover(engine, lease)).toEqual(["gone"]);
      expect(await settled(engine, attempt, done)).toBe("gone");
      expect(await attempts(engine, q)).toEqual({ processed: 1, failed: 1 });
    },
  );

  guarded(
    redis,
    "counts no failure where there was none",
    { script: "recover", text: "if kind ~= 's' then", instead: "if true then" },
    async (engine) => {
      const [, lease] = await expired(engine);
      const settlement = retry(lease, engine.broker.now() + 20_000, false);
      expect(await engine.broker.recover(q, [{ expired: lease, settlement }])).toEqual(["settled"]);
      expect(await attempts(engine, q)).toEqual({ processed: 0, failed: 0 });
    },
  );

  guarded(
    redis,
    "goes on past a task whose key is of another type by now",
    {
      script: "recover",
      text: "redis.pcall('HGET', task, 'state')",
      instead: "redis.call('HGET', task, 'state')",
    },
    async (engine) => {
      const other = await running(engine, q);
      await running(engine, q);
      await engine.clock.advance(EXPIRED);
      const listed = await engine.broker.listExpired(q, 10);
      const task = keys.taskPrefix + other.message.id;
      await engine.client.set(task, "somebody's");
      const recoveries = listed.map((lease) => ({ expired: lease, settlement: archive(lease) }));
      const answers = engine.broker.recover(q, recoveries).catch((error: unknown) => error);
      expect(await answers).toEqual(["gone", "settled"]);
      expect(await engine.client.get(task)).toBe("somebody's");
      expect(await engine.client.exists(keys.lease, keys.active)).toBe(0);
      await engine.client.del(task);
    },
  );

  for (const what of ["processed_day", "failed_day", "processed", "failed"] as const) {
    guarded(
      redis,
      `is not kept from its end by a damaged counter (${what})`,
      {
        script: "recover",
        text: `redis.pcall('INCRBY', ${what},`,
        instead: `redis.call('INCRBY', ${what},`,
      },
      async (engine) => {
        const [, lease] = await expired(engine);
        const day = utcDay(engine.clock.now());
        const { processed, failed } = keys;
        const counters = {
          processed,
          failed,
          processed_day: `${processed}:${day}`,
          failed_day: `${failed}:${day}`,
        };
        await engine.client.lpush(counters[what], "not a counter");
        expect(await recover(engine, lease).catch((error: unknown) => error)).toEqual(["settled"]);
        await engine.client.del(...Object.values(counters));
        expect(await counts(engine, q)).toEqual({ retry: 1 });
      },
    );
  }

  it("waits for the exact instant of a retry, as any other retry does", async () => {
    const engine = await open();
    const [{ message: lost }, lease] = await expired(engine);
    const at = Math.ceil(engine.broker.now() / 1_000) * 1_000 + 15_250;
    expect(await recover(engine, lease, at)).toEqual(["settled"]);
    expect(await engine.client.zscore(keys.due, lost.id)).toBe(String(at));
  });

  it("takes any number of attempts, of both kinds", async () => {
    const engine = await open();
    await engine.broker.enqueue(Array.from({ length: 600 }, () => ({ message: message(q) })));
    for (let i = 0; i < 3; i += 1) await leased(engine, q, 200);
    await engine.clock.advance(EXPIRED);
    const listed = [...(await engine.broker.listExpired(q, 1_000))];
    expect(listed).toHaveLength(500);
    const later = engine.broker.now() + 20_000;
    const answers = await engine.broker.recover(
      q,
      listed.map((lease, i) => ({
        expired: lease,
        settlement: i % 2 ? archive(lease) : retry(lease, later, false),
      })),
    );
    expect(new Set(answers)).toEqual(new Set(["settled"]));
    expect(await counts(engine, q)).toEqual({ active: 100, archived: 250, retry: 250 });
    expect(await attempts(engine, q)).toEqual({ processed: 250, failed: 250 });
  });

  for (const [what, key] of [
    ["retry", keys.retry],
    ["archived", keys.archived],
  ] as const) {
    guarded(
      redis,
      `leaves the task where it is if "${what}" is of another type (V1)`,
      { script: "recover", text: `redis.call('ZCARD', ${what})\n` },
      async (engine) => {
        const [, lease] = await expired(engine);
        await engine.client.set(key, "wrong");
        const settlement = what === "retry" ? retry(lease, 0) : archive(lease);
        const call = engine.broker.recover(q, [{ expired: lease, settlement }]);
        await expect(call).rejects.toMatchObject({ code: "REDIS_WRONG_TYPE", key });
        await engine.client.del(key);
        expect(await engine.client.zcard(keys.lease)).toBe(1);
      },
    );
  }

  guarded(
    redis,
    "is refused when the clocks do not agree (18.3)",
    {
      script: "recover",
      text: "if clock_differs(now, deadline) then",
      instead: "if false then",
    },
    async (engine) => {
      const [, lease] = await expired(engine);
      await setFakeTime(engine.client, engine.clock.now() - HOUR);
      await expect(recover(engine, lease)).rejects.toMatchObject({ code: "ENGINE_UNAVAILABLE" });
      expect(await counts(engine, q)).toEqual({ active: 1 });
      await setFakeTime(engine.client, engine.clock.now());
    },
  );
});

describe("listing expired attempts", () => {
  it("is not stopped by a message that nobody can read; that one is archived as it is (V5)", async () => {
    const engine = await open();
    const bytes = Buffer.from("\xff not a message", "latin1");
    await engine.inject(q, "bad", bytes, "active");
    const good = await running(engine, q);
    await engine.clock.advance(EXPIRED);
    expect(ids(await engine.broker.listExpired(q, 10))).toEqual([good.message.id]);
    expect(await stateOf(engine, q, "bad")).toBe("archived");
    expect(await engine.client.hgetBuffer(`${keys.taskPrefix}bad`, "msg")).toEqual(bytes);
    expect(await attempts(engine, q)).toEqual({ processed: 1, failed: 1 });
  });

  it("is not stopped by one that cannot be archived either", async () => {
    const engine = await open();
    await engine.inject(q, "bad", Buffer.from([0xff]), "active");
    const good = await running(engine, q);
    await engine.client.set(keys.archived, "wrong");
    await engine.clock.advance(EXPIRED);
    expect(ids(await engine.broker.listExpired(q, 10))).toEqual([good.message.id]);
  });

  it("drops ids without a task, and what is left of them (V6)", async () => {
    const engine = await open();
    const ended = Math.floor(engine.clock.now() / 1_000) - 60;
    await engine.client.zadd(keys.lease, ended, "ghost", ended, "stub", ended, "other");
    await engine.client.lpush(keys.active, "ghost", "stub", "other");
    await engine.client.hset(`${keys.taskPrefix}stub`, "state", "active");
    await engine.client.set(`${keys.taskPrefix}other`, "somebody's");
    expect(await engine.broker.listExpired(q, 10)).toEqual([]);
    expect(await engine.client.keys("asynq:*")).toEqual([`${keys.taskPrefix}other`]);
    await engine.client.flushall();
  });

  guarded(
    redis,
    "brings back leases that a clock which jumped had put too far ahead",
    { script: "list_expired", text: "for i = 1, #ahead, 2 do", instead: "for i = 1, 0 do" },
    async (engine) => {
      const attempt = await running(engine, q);
      const before = Number(await engine.client.zscore(keys.lease, attempt.message.id));
      await engine.client.zadd(keys.lease, before + 3_600, attempt.message.id);
      expect(await engine.broker.listExpired(q, 10)).toEqual([]);
      expect(Number(await engine.client.zscore(keys.lease, attempt.message.id))).toBe(before);
      expect(await settled(engine, attempt, done)).toBe("settled");
    },
  );

  guarded(
    redis,
    "is refused when the clocks do not agree (18.3)",
    { script: "list_expired", text: "if clock_differs(now, deadline) then", instead: "if false then" },
    async (engine) => {
      await running(engine, q);
      await engine.clock.advance(EXPIRED);
      await setFakeTime(engine.client, engine.clock.now() - HOUR);
      const listed = engine.broker.listExpired(q, 10);
      await expect(listed).rejects.toMatchObject({ code: "ENGINE_UNAVAILABLE" });
      await setFakeTime(engine.client, engine.clock.now());
    },
  );

  it("ends at 4 MB, and goes on from there", async () => {
    const engine = await open();
    const payload = Buffer.alloc(1_500_000);
    await engine.broker.enqueue(Array.from({ length: 4 }, () => ({ message: message(q, { payload }) })));
    for (let i = 0; i < 2; i += 1) await leased(engine, q, 2);
    await engine.clock.advance(EXPIRED);
    const listed = await engine.broker.listExpired(q, 10);
    expect(listed).toHaveLength(3);
    await engine.broker.recover(
      q,
      listed.map((lease) => ({ expired: lease, settlement: archive(lease) })),
    );
    expect(await engine.broker.listExpired(q, 10)).toHaveLength(1);
  });
});

describe("sweeping tasks that are active without a lease", () => {
  /** A running task whose lease is gone. */
  async function unleased(engine: RedisHarness): Promise<Leased> {
    const attempt = await running(engine, q);
    await engine.client.zrem(keys.lease, attempt.message.id);
    return attempt;
  }

  guarded(
    redis,
    "gives them a lease that their worker takes over",
    { script: "exchange", text: "elseif fraction ~= RESERVED then", instead: "else" },
    async (engine) => {
      const attempt = await unleased(engine);
      const { id } = attempt.message;
      expect(await engine.broker.sweep(q, 10)).toEqual({ leased: [id], dropped: [], more: false });
      const score = Number(await engine.client.zscore(keys.lease, id));
      expect(score).toBe(Math.ceil(engine.clock.now() / 1_000) + 30 + 1 - 1 / 2 ** 20);
      expect(await settled(engine, attempt, done)).toBe("settled");
    },
  );

  guarded(
    redis,
    "gives them a lease that the heartbeat of their worker takes over",
    { script: "extend_leases", text: "elseif fraction ~= RESERVED then", instead: "else" },
    async (engine) => {
      const attempt = await unleased(engine);
      await engine.broker.sweep(q, 10);
      expect(await engine.broker.extendLeases(q, [attempt])).toEqual(["extended"]);
      const score = Number(await engine.client.zscore(keys.lease, attempt.message.id));
      expect(score % 1).not.toBe(1 - 1 / 2 ** 20);
      expect(await engine.broker.extendLeases(q, [attempt])).toEqual(["extended"]);
    },
  );

  it("lets them expire as any other if their worker is dead", async () => {
    const engine = await open();
    const { message } = await unleased(engine);
    await engine.broker.sweep(q, 10);
    await engine.clock.advance(EXPIRED);
    const [lease] = await engine.broker.listExpired(q, 10);
    expect(lease?.message.id).toBe(message.id);
    expect(await recover(engine, lease as ExpiredLease)).toEqual(["settled"]);
  });

  for (const [what, text, instead] of [
    ["drops what is not active", "if message and state == 'active' then", "if message then"],
    ["drops what says that it is active and has no message", "if message and state ==", "if state =="],
    [
      "goes on past a key of another type",
      "redis.pcall('HMGET', task, 'msg', 'state')",
      "redis.call('HMGET', task, 'msg', 'state')",
    ],
    ["deletes what is left of a task", "redis.call('DEL', task)\n", ""],
    ["deletes no key of another type", "= deletable and not message", "= not message"],
    ["deletes no task that lives elsewhere", "= deletable and not message and", "= deletable and"],
    ["takes what it drops out of the list", "redis.call('LREM', active, 0, id)\n", ""],
  ] as const) {
    guarded(redis, what, { script: "sweep", text, instead }, async (engine) => {
      const id = await enqueued(engine, q);
      await engine.client.lpush(keys.active, id, "ghost", "stub", "other");
      await engine.client.hset(`${keys.taskPrefix}stub`, "state", "active");
      await engine.client.set(`${keys.taskPrefix}other`, "somebody's");
      const swept = await engine.broker.sweep(q, 10).catch((error: unknown) => error);
      expect(swept).toEqual({ leased: [], dropped: [id, "ghost", "stub", "other"], more: false });
      expect(await engine.client.exists(keys.active, keys.lease, `${keys.taskPrefix}stub`)).toBe(0);
      expect(await engine.client.get(`${keys.taskPrefix}other`)).toBe("somebody's");
      expect(await stateOf(engine, q, id)).toBe("pending");
      await engine.client.del(`${keys.taskPrefix}other`);
    });
  }

  guarded(
    redis,
    "leaves a lease alone that is there",
    { script: "sweep", text: "elseif scores[j] then", instead: "elseif false then" },
    async (engine) => {
      const { id } = (await running(engine, q)).message;
      const before = await engine.client.zscore(keys.lease, id);
      expect(await engine.broker.sweep(q, 10)).toEqual({ leased: [], dropped: [], more: false });
      expect(await engine.client.zscore(keys.lease, id)).toBe(before);
    },
  );

  guarded(
    redis,
    "leases by the clock of Redis alone (18.3.3)",
    {
      script: "sweep",
      text: "math.ceil(time[1] + time[2] / 1000000)",
      instead: "math.ceil(now / 1000)",
    },
    async (engine) => {
      const { id } = (await unleased(engine)).message;
      const ahead = engine.clock.now() + 3_000;
      await setFakeTime(engine.client, ahead);
      expect(await engine.broker.sweep(q, 10)).toEqual({ leased: [id], dropped: [], more: false });
      const ends = Math.floor(Number(await engine.client.zscore(keys.lease, id)));
      expect(ends).toBe(Math.ceil(ahead / 1_000) + 30);
      await setFakeTime(engine.client, engine.clock.now());
    },
  );

  guarded(
    redis,
    "repairs no more than it is asked to, and the others the next time (V7)",
    { script: "sweep", text: "elseif #leased + #dropped == limit then", instead: "elseif false then" },
    async (engine) => {
      const { id } = (await unleased(engine)).message;
      await engine.client.lpush(keys.active, "a", "b");
      expect(await engine.broker.sweep(q, 2)).toEqual({ leased: [id], dropped: ["a"], more: true });
      expect(await engine.broker.sweep(q, 2)).toEqual({ leased: [], dropped: ["b"], more: false });
    },
  );

  guarded(
    redis,
    "finds nothing in a queue where nothing runs",
    { script: "sweep", text: "if #found == 0 then", instead: "if false then" },
    async (engine) => {
      const swept = await engine.broker.sweep(q, 10).catch((error: unknown) => error);
      expect(swept).toEqual({ leased: [], dropped: [], more: false });
    },
  );

  guarded(
    redis,
    "removes the second entry of a task that is listed twice",
    { script: "sweep", text: "redis.call('LREM', active, 1, id)\n" },
    async (engine) => {
      const attempt = await running(engine, q);
      await engine.client.lpush(keys.active, attempt.message.id);
      await engine.broker.sweep(q, 10);
      expect(await engine.client.lrange(keys.active, 0, -1)).toEqual([attempt.message.id]);
      await settled(engine, attempt, done);
    },
  );

  guarded(
    redis,
    "works while Redis has no memory left",
    {
      script: "sweep",
      text: "redis.call('ZREM', lease, id)\nredis.call('ZADD'",
      instead: "redis.call('ZADD'",
    },
    async (engine) => {
      const first = await unleased(engine);
      await engine.broker.sweep(q, 10);
      await settled(engine, first, done);
      const attempt = await unleased(engine);
      await redis.setMaxmemory(-200_000);
      try {
        const swept = await engine.broker.sweep(q, 10).catch((error: unknown) => error);
        expect(swept).toEqual({ leased: [attempt.message.id], dropped: [], more: false });
      } finally {
        await redis.setMaxmemory("off");
      }
    },
  );

  guarded(
    redis,
    "is refused when the clocks do not agree (18.3)",
    { script: "sweep", text: "if clock_differs(now, deadline) then", instead: "if false then" },
    async (engine) => {
      await unleased(engine);
      await setFakeTime(engine.client, engine.clock.now() + HOUR);
      await expect(engine.broker.sweep(q, 10)).rejects.toMatchObject({ code: "ENGINE_UNAVAILABLE" });
      await setFakeTime(engine.client, engine.clock.now());
      await engine.broker.sweep(q, 10);
    },
  );

  guarded(
    redis,
    "goes through a long list call by call",
    { script: "sweep", text: "(full or #found == window)", instead: "full" },
    async (engine) => {
      const strays = Array.from({ length: 1_200 }, (_, i) => `stray-${i}`);
      for (let i = 0; i < 6; i += 1) {
        await engine.broker.enqueue(Array.from({ length: 200 }, () => ({ message: message(q) })));
        await leased(engine, q, 200);
      }
      await engine.client.lpush(keys.active, ...strays);
      const dropped: string[] = [];
      for (let more = true, calls = 0; more && calls < 8; calls += 1) {
        const result = await engine.broker.sweep(q, 400);
        expect(result.dropped.length).toBeLessThanOrEqual(400);
        dropped.push(...result.dropped);
        more = result.more;
      }
      expect(dropped.sort()).toEqual(strays.sort());
      expect(await counts(engine, q)).toEqual({ active: 1_200 });
    },
  );
});

describe("a task that was recovered", () => {
  it("may be run and finished again, and the first worker can no longer touch it", async () => {
    const engine = await open();
    const [attempt, lease] = await expired(engine);
    await recover(engine, lease, engine.broker.now());
    await engine.clock.advance(1_000);
    await engine.broker.forward(q, 10);
    const second = await leasedOne(engine, q);
    expect(await engine.broker.extendLeases(q, [attempt])).toEqual(["lost"]);
    for (const settlement of [done, requeue, archive(attempt)]) {
      expect(await settled(engine, attempt, settlement)).toBe("fenced");
    }
    expect(await settled(engine, second, done)).toBe("settled");
  });
});
