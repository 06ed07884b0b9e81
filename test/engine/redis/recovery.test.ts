import { describe, expect, it } from "vitest";
import type { ExpiredLease, Leased } from "../../../src/broker/broker.ts";
import { queueKeys } from "../../../src/protocol/keys.ts";
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

  it("happens once, whoever tries", async () => {
    const engine = await open();
    const [attempt, lease] = await expired(engine);
    expect(await recover(engine, lease)).toEqual(["settled"]);
    expect(await recover(engine, lease)).toEqual(["gone"]);
    expect(await settled(engine, attempt, done)).toBe("gone");
    expect(await attempts(engine, q)).toEqual({ processed: 1, failed: 1 });
  });

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
        await expect(engine.broker.recover(q, [{ expired: lease, settlement }])).rejects.toThrow(/WRONGTYPE/);
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
      expect(await engine.broker.sweep(q, 10)).toEqual({ leased: [id], dropped: [] });
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

  it("drops what is not active, or has no task", async () => {
    const engine = await open();
    const id = await enqueued(engine, q);
    await engine.client.lpush(keys.active, id, "ghost", "stub", "other");
    await engine.client.hset(`${keys.taskPrefix}stub`, "state", "active");
    await engine.client.set(`${keys.taskPrefix}other`, "somebody's");
    expect(await engine.broker.sweep(q, 10)).toEqual({ leased: [], dropped: [id, "ghost", "stub", "other"] });
    expect(await engine.client.exists(keys.active, keys.lease, `${keys.taskPrefix}stub`)).toBe(0);
    expect(await engine.client.get(`${keys.taskPrefix}other`)).toBe("somebody's");
    expect(await stateOf(engine, q, id)).toBe("pending");
    await engine.client.del(`${keys.taskPrefix}other`);
  });

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
        expect(swept).toEqual({ leased: [attempt.message.id], dropped: [] });
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

  it("goes through a long list call by call, and repairs no more than it is asked to", async () => {
    const engine = await open();
    const strays = Array.from({ length: 1_200 }, (_, i) => `stray-${i}`);
    for (let i = 0; i < 6; i += 1) {
      await engine.broker.enqueue(Array.from({ length: 200 }, () => ({ message: message(q) })));
      await leased(engine, q, 200);
    }
    await engine.client.lpush(keys.active, ...strays);
    const dropped: string[] = [];
    for (let call = 0; call < 8 && dropped.length < strays.length; call += 1) {
      const result = await engine.broker.sweep(q, 400);
      expect(result.dropped.length).toBeLessThanOrEqual(400);
      dropped.push(...result.dropped);
    }
    expect(dropped.sort()).toEqual(strays.sort());
    expect(await counts(engine, q)).toEqual({ active: 1_200 });
  });
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
