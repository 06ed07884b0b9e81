import { describe, expect } from "vitest";
import type { ExpiredLease, Leased, Outcome } from "../../../src/broker/broker.ts";
import { queueKeys } from "../../../src/protocol/keys.ts";
import {
  archive,
  complete,
  counts,
  done,
  enqueued,
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
import { guarded } from "./guarded.ts";
import type { RedisHarness } from "./harness.ts";

const redis = await redisForFile();

const q = "default";
const keys = queueKeys(q);
const WRONG_TYPE = { code: "REDIS_WRONG_TYPE" };

/** Runs `body` while a key of another type stands at `key`. */
async function spoiled<T>({ client }: RedisHarness, key: string, body: () => Promise<T>): Promise<T> {
  const [kept, away] = [await client.exists(key), `${key}:away`];
  if (kept) await client.rename(key, away);
  await client.set(key, "wrong");
  try {
    return await body();
  } finally {
    await client.del(key);
    if (kept) await client.rename(away, key);
  }
}

/** An instant that is not a whole second and near, so that it is kept in `due` too. */
const exact = ({ broker }: RedisHarness) => Math.floor(broker.now() / 1_000) * 1_000 + 2_250;

const problem = (error: unknown) => error;

describe("settling where `due` is of another type (V1)", () => {
  guarded(
    redis,
    "leaves every task of the call where it is",
    { script: "exchange", text: "if written[retry] then\nredis.call('ZCARD', due)\nend\n" },
    async (engine) => {
      await engine.broker.enqueue([1, 2, 3].map(() => ({ message: message(q) })));
      const [a, b, c] = (await leased(engine, q, 3)) as [Leased, Leased, Leased];
      const outcomes: Outcome[] = [
        { leased: a, settlement: done },
        { leased: b, settlement: retry(b, exact(engine)) },
        { leased: c, settlement: archive(c) },
      ];
      await spoiled(engine, keys.due, async () => {
        expect(await engine.broker.exchange(q, outcomes, 0).catch(problem)).toMatchObject(WRONG_TYPE);
      });
      expect((await engine.broker.exchange(q, outcomes, 0)).answers).toEqual([
        "settled",
        "settled",
        "settled",
      ]);
    },
  );

  guarded(
    redis,
    "recovers nothing",
    { script: "recover", text: "redis.call('ZCARD', due)\n" },
    async (engine) => {
      await engine.broker.enqueue([1, 2].map(() => ({ message: message(q) })));
      await leased(engine, q, 2);
      await engine.clock.advance(62_000);
      const [a, b] = (await engine.broker.listExpired(q, 10)) as [ExpiredLease, ExpiredLease];
      const recoveries = [
        { expired: a, settlement: archive(a) },
        { expired: b, settlement: retry(b, exact(engine)) },
      ];
      await spoiled(engine, keys.due, async () => {
        expect(await engine.broker.recover(q, recoveries).catch(problem)).toMatchObject(WRONG_TYPE);
      });
      expect(await engine.broker.recover(q, recoveries)).toEqual(["settled", "settled"]);
    },
  );
});

describe("recovering where `active` is of another type", () => {
  guarded(
    redis,
    "leaves the task where it is",
    { script: "recover", text: "redis.call('LLEN', active)\n" },
    async (engine) => {
      await running(engine, q);
      await engine.clock.advance(62_000);
      const [expired] = (await engine.broker.listExpired(q, 10)) as [ExpiredLease];
      const recoveries = [{ expired, settlement: archive(expired) }];
      await spoiled(engine, keys.active, async () => {
        expect(await engine.broker.recover(q, recoveries).catch(problem)).toMatchObject(WRONG_TYPE);
      });
      expect(await engine.broker.recover(q, recoveries)).toEqual(["settled"]);
    },
  );
});

describe("enqueueing where a container is of another type", () => {
  const failed = { status: "failed", error: WRONG_TYPE };
  const stored = { status: "enqueued" };

  guarded(
    redis,
    "fails only the task that needs `due`, and stores nothing of it",
    { script: "enqueue", text: "(entry.at and failure_of('ZCARD', due))", instead: "false" },
    async (engine) => {
      const entries = [{}, { processAt: exact(engine) }, {}].map((entry) => ({
        message: message(q),
        ...entry,
      }));
      await spoiled(engine, keys.due, async () => {
        expect(await engine.broker.enqueue(entries)).toMatchObject([stored, failed, stored]);
      });
      expect(await counts(engine, q)).toEqual({ pending: 2 });
      expect(await engine.client.exists(keys.scheduled)).toBe(0);
    },
  );

  guarded(
    redis,
    "fails only the task that needs `groups`, and stores nothing of it",
    { script: "enqueue", text: " or failure_of('SCARD', groups)" },
    async (engine) => {
      const entries = [{}, { groupKey: "g" }, { groupKey: "g" }].map((fields) => ({
        message: message(q, fields),
      }));
      await spoiled(engine, keys.groups, async () => {
        expect(await engine.broker.enqueue(entries)).toMatchObject([stored, failed, failed]);
      });
      expect(await engine.client.exists(`${keys.groupPrefix}g`)).toBe(0);
    },
  );

  for (const container of ["completed", "archived"] as const) {
    guarded(
      redis,
      `replaces no finished task while "${container}" cannot be read`,
      { script: "enqueue", text: `failure_of('ZCARD', ${container})`, instead: "false" },
      async (engine) => {
        const old = await running(engine, q);
        await settled(engine, old, archive(old));
        const { id } = old.message;
        const entries = [{ message: message(q) }, { message: message(q, { id }), replaceFinished: true }];
        await spoiled(engine, keys[container], async () => {
          const answers = await engine.broker.enqueue([...entries, { message: message(q), processAt: 1e14 }]);
          expect(answers).toMatchObject([stored, failed, stored]);
        });
        expect(await stateOf(engine, q, id)).toBe("archived");
        expect(await counts(engine, q)).toEqual({ pending: 1, archived: 1, scheduled: 1 });
      },
    );
  }

  guarded(
    redis,
    "fails before the first write where an id may have to be freed",
    {
      script: "enqueue",
      text: "local unclean = failure_of('ZCARD', lease)",
      instead: "local unclean = false",
    },
    async (engine) => {
      const stub = `${keys.taskPrefix}stub`;
      await engine.client.hset(stub, "state", "active");
      const entries = [
        { message: message(q, { groupKey: "g" }) },
        { message: message(q, { id: "stub", groupKey: "g" }) },
      ];
      await spoiled(engine, keys.lease, async () => {
        expect(await engine.broker.enqueue(entries)).toMatchObject([failed, failed]);
      });
      expect(await engine.client.exists(keys.groups)).toBe(0);
      await engine.client.del(stub);
    },
  );
});

describe("forwarding where a key is of another type", () => {
  for (const [what, key, text] of [
    ["its group", `${keys.groupPrefix}g`, "type(redis.pcall('ZCARD', key)) == 'number' and "],
    ["`groups`", keys.groups, " and type(redis.pcall('SCARD', groups)) == 'number'"],
  ] as const) {
    guarded(
      redis,
      `puts a task off that cannot join ${what}, and moves those behind it`,
      { script: "forward", text },
      async (engine) => {
        const due = engine.broker.now() + 10_000;
        const grouped = await enqueued(engine, q, { groupKey: "g" }, { processAt: due });
        const plain = await enqueued(engine, q, {}, { processAt: due + 1_000 });
        await engine.clock.advance(12_000);
        const again = (Math.floor(engine.clock.now() / 1_000) + 60) * 1_000;
        await spoiled(engine, key, async () => {
          expect(await engine.broker.forward(q, 10).catch(problem)).toEqual({ moved: 1, nextDueAt: again });
        });
        expect((await leasedOne(engine, q)).message.id).toBe(plain);
        expect(await stateOf(engine, q, grouped)).toBe("scheduled");
        await engine.clock.advance(61_000);
        expect((await engine.broker.forward(q, 10)).moved).toBe(1);
        expect(await stateOf(engine, q, grouped)).toBe("aggregating");
      },
    );
  }

  guarded(
    redis,
    "moves nothing if `pending` is",
    { script: "forward", text: "redis.call('LLEN', pending)\n" },
    async (engine) => {
      const id = await enqueued(engine, q, {}, { processAt: engine.broker.now() + 1_000 });
      await engine.clock.advance(2_000);
      await spoiled(engine, keys.pending, async () => {
        expect(await engine.broker.forward(q, 10).catch(problem)).toMatchObject(WRONG_TYPE);
      });
      expect((await engine.broker.forward(q, 10)).moved).toBe(1);
      expect(await stateOf(engine, q, id)).toBe("pending");
    },
  );
});

describe("reclaiming aggregation sets where a key is of another type", () => {
  const set = (group: string) => `${keys.groupPrefix}${group}:11111111-2222-4333-8444-555555555555`;

  /** Tasks of groups `a` and `b`, each in a set whose deadline has passed, that of `a` first. */
  async function abandoned(engine: RedisHarness): Promise<void> {
    for (const [i, group] of ["a", "b"].entries()) {
      await enqueued(engine, q, { groupKey: group });
      await engine.client.rename(keys.groupPrefix + group, set(group));
      await engine.client.zadd(keys.aggregationSets, i + 1, set(group));
    }
    await engine.client.del(keys.groups);
  }

  guarded(
    redis,
    "drops the entry of what is no set, and goes on",
    { script: "reclaim_aggregation_sets", text: "if type(size) == 'number' then", instead: "if true then" },
    async (engine) => {
      await abandoned(engine);
      await spoiled(engine, set("a"), async () => {
        expect(await engine.broker.reclaimAggregationSets(q).catch(problem)).toBe(2);
        expect(await engine.client.get(set("a"))).toBe("wrong");
      });
      expect(await engine.client.zcard(`${keys.groupPrefix}b`)).toBe(1);
      expect(await engine.client.exists(keys.aggregationSets)).toBe(0);
      await engine.client.flushall();
    },
  );

  guarded(
    redis,
    "puts a set off whose group is, and goes on",
    {
      script: "reclaim_aggregation_sets",
      text: "if is_usable('ZCARD', group_key) and ",
      instead: "if ",
    },
    async (engine) => {
      await abandoned(engine);
      await spoiled(engine, `${keys.groupPrefix}a`, async () => {
        expect(await engine.broker.reclaimAggregationSets(q).catch(problem)).toBe(1);
      });
      expect(await engine.client.zcard(`${keys.groupPrefix}b`)).toBe(1);
      await engine.clock.advance(61_000);
      expect(await engine.broker.reclaimAggregationSets(q)).toBe(1);
      expect(await engine.client.zcard(`${keys.groupPrefix}a`)).toBe(1);
    },
  );
});

describe("leasing where a container is of another type", () => {
  guarded(
    redis,
    "takes nothing, and puts back what is handed back",
    { script: "exchange", text: " or type(copy) == 'table' then", instead: " then" },
    async (engine) => {
      const ended = await running(engine, q);
      await settled(engine, ended, complete(ended, engine.broker.now() + 60_000));
      const attempt = await running(engine, q);
      await engine.client.lpush(keys.pending, ended.message.id);
      const outcome: Outcome = { leased: attempt, settlement: requeue };
      await spoiled(engine, keys.completed, async () => {
        expect(await engine.broker.exchange(q, [outcome], 5).catch(problem)).toMatchObject({
          answers: ["settled"],
          leased: [],
          dropped: [],
        });
      });
      expect(await engine.broker.exchange(q, [], 5)).toMatchObject({
        leased: [{ message: { id: attempt.message.id } }],
        dropped: [ended.message.id],
      });
    },
  );
});

describe("what no writer of ours leaves", () => {
  guarded(
    redis,
    "forwards no task that runs",
    {
      script: "forward",
      text: "task.state == 'active' and redis.call('ZSCORE', lease, id)",
      instead: "false",
    },
    async (engine) => {
      const attempt = await running(engine, q);
      await engine.client.zadd(keys.scheduled, 1, attempt.message.id);
      expect(await engine.broker.forward(q, 10)).toEqual({ moved: 0, nextDueAt: undefined });
      expect(await settled(engine, attempt, done)).toBe("settled");
    },
  );

  guarded(
    redis,
    "brings back a lease that never ends",
    { script: "list_expired", text: "fraction = fraction == fraction and fraction or 0\n" },
    async (engine) => {
      const { message } = await running(engine, q);
      await engine.client.zadd(keys.lease, "inf", message.id);
      expect(await engine.broker.listExpired(q, 10).catch(problem)).toEqual([]);
      expect(Number(await engine.client.zscore(keys.lease, message.id))).toBeLessThan(1e11);
      await engine.client.flushall();
    },
  );

  guarded(
    redis,
    "gives a lease to an id of 65 dashes",
    { script: "exchange", text: "while crowd and known[crowd] do", instead: "while false do" },
    async (engine) => {
      const odd = await enqueued(engine, q, { id: "-".repeat(65) });
      await engine.broker.enqueue(Array.from({ length: 16 }, () => ({ message: message(q) })));
      await leased(engine, q, 17);
      expect(await engine.client.zscore(keys.lease, odd)).not.toBeNull();
    },
  );
});
