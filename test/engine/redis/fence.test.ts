import { describe, expect, it } from "vitest";
import type { Leased, Outcome, Settlement } from "../../../src/broker/broker.ts";
import { queueKeys } from "../../../src/protocol/keys.ts";
import {
  archive,
  attempts,
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
  text,
} from "../../contract/tasks.ts";
import { redisForFile } from "../../support/redis-rig.ts";
import { guarded } from "./guarded.ts";
import { harnessesOn, type RedisHarness } from "./harness.ts";

const redis = await redisForFile();
const open = harnessesOn(redis);

const q = "default";
const keys = queueKeys(q);
const task = ({ message: { id } }: Leased) => keys.taskPrefix + id;

/** The answer to one outcome; a call that fails is no answer. */
async function answer(
  { broker }: RedisHarness,
  attempt: Leased,
  settlement: Settlement,
  repeated = false,
): Promise<unknown> {
  const outcome: Outcome = { leased: attempt, settlement, repeated };
  return broker.exchange(q, [outcome], 0).then(
    ({ answers }) => answers[0],
    (error: unknown) => error,
  );
}

async function scoreOf({ client }: RedisHarness, { message: { id } }: Leased): Promise<number> {
  return Number(await client.zscore(keys.lease, id));
}

/** Takes the lease away, as an eviction, an operator or a failover might. */
async function unlease({ client }: RedisHarness, { message: { id } }: Leased): Promise<void> {
  expect(await client.zrem(keys.lease, id)).toBe(1);
}

const PART = 1 / 2 ** 20;

describe("the token of an attempt", () => {
  it("is in the fraction of a lease that ends 30 s from now, rounded up", async () => {
    const engine = await open();
    const score = await scoreOf(engine, await running(engine, q));
    expect(Math.floor(score)).toBe(Math.ceil(engine.clock.now() / 1_000) + 30);
    expect((score % 1) / PART).toSatisfy((k: number) => Number.isInteger(k) && k >= 1 && k <= 2 ** 20 - 2);
  });

  it("is shared by the tasks of one exchange, and by no two exchanges", async () => {
    const engine = await open();
    for (let i = 0; i < 4; i += 1) await enqueued(engine, q);
    const [a, b] = (await leased(engine, q, 2)) as [Leased, Leased];
    const [c, d] = (await leased(engine, q, 2)) as [Leased, Leased];
    expect(await scoreOf(engine, a)).toBe(await scoreOf(engine, b));
    expect(await scoreOf(engine, c)).toBe(await scoreOf(engine, d));
    expect(await scoreOf(engine, a)).not.toBe(await scoreOf(engine, c));
  });

  for (const [text, instead] of [
    ["if fraction == tonumber(wanted) % 1 then", "if true then"],
    ["local plain = not held and ", "local plain = "],
  ] as const) {
    guarded(
      redis,
      `keeps a late worker's outcome from the attempt that runs now (V2, ${text.trim()})`,
      { script: "exchange", text, instead },
      async (engine) => {
        const late = await running(engine, q);
        await settled(engine, late, requeue);
        const now = await leasedOne(engine, q);
        for (const settlement of [done, archive(late), retry(late, 0), requeue]) {
          expect(await answer(engine, late, settlement)).toBe("fenced");
        }
        expect(await counts(engine, q)).toEqual({ active: 1 });
        expect(await settled(engine, now, done)).toBe("settled");
      },
    );
  }

  guarded(
    redis,
    "keeps us from a task that a Go worker has leased since",
    { script: "exchange", text: "if fraction == tonumber(wanted) % 1 then", instead: "if true then" },
    async (engine) => {
      const attempt = await running(engine, q);
      await engine.client.zadd(keys.lease, Math.floor(engine.clock.now() / 1_000) + 30, attempt.message.id);
      expect(await answer(engine, attempt, done)).toBe("fenced");
      expect(await counts(engine, q)).toEqual({ active: 1 });
    },
  );
});

describe("a task whose lease was lost", () => {
  guarded(
    redis,
    "is still finished by the worker that was given it (V1)",
    { script: "exchange", text: "if why == UNLEASED and proven then", instead: "if false then" },
    async (engine) => {
      const settlements: ((attempt: Leased) => Settlement)[] = [
        () => done,
        (attempt) => retry(attempt, engine.broker.now() + 5_000),
        (attempt) => archive(attempt),
        (attempt) => complete(attempt, engine.broker.now() + 60_000),
        () => requeue,
      ];
      for (const settlement of settlements) {
        const attempt = await running(engine, q);
        await unlease(engine, attempt);
        expect(await answer(engine, attempt, settlement(attempt))).toBe("settled");
      }
      expect(await counts(engine, q)).toEqual({ retry: 1, archived: 1, completed: 1, pending: 1 });
    },
  );

  guarded(
    redis,
    "is not finished by who was given something else",
    { script: "exchange", text: "elseif redis.sha1hex(message) ~= proof then", instead: "elseif false then" },
    async (engine) => {
      const attempt = await running(engine, q);
      await unlease(engine, attempt);
      const other = Buffer.concat([
        (await engine.client.hgetBuffer(task(attempt), "msg")) as Buffer,
        RETRIED,
      ]);
      await engine.client.hset(task(attempt), "msg", other);
      expect(await answer(engine, attempt, done)).toBe("fenced");
      expect(await stateOf(engine, q, attempt.message.id)).toBe("active");
      await engine.broker.sweep(q, 10);
    },
  );

  it("is not put back by a requeue that may have been obeyed before", async () => {
    const engine = await open();
    const attempt = await running(engine, q);
    await unlease(engine, attempt);
    expect(await answer(engine, attempt, requeue, true)).toBe("gone");
    expect(await counts(engine, q)).toEqual({ active: 1 });
    await engine.broker.sweep(q, 10);
  });

  it("is cleaned up when its hash is gone too", async () => {
    const engine = await open();
    const attempt = await running(engine, q);
    await engine.client.zadd(
      keys.lease,
      Math.ceil(engine.clock.now() / 1_000) + 30 + 1 - PART,
      attempt.message.id,
    );
    await engine.client.del(task(attempt));
    expect(await answer(engine, attempt, done)).toBe("gone");
    expect(await engine.client.exists(keys.active, keys.lease, task(attempt))).toBe(0);
  });

  guarded(
    redis,
    "has its lease put back by the heartbeat of its worker",
    { script: "extend_leases", text: "if why == UNLEASED and proven then", instead: "if false then" },
    async (engine) => {
      const attempt = await running(engine, q);
      const before = await scoreOf(engine, attempt);
      await unlease(engine, attempt);
      expect(await engine.broker.extendLeases(q, [attempt])).toEqual(["extended"]);
      expect((await scoreOf(engine, attempt)) % 1).toBe(before % 1);
      expect(await settled(engine, attempt, done)).toBe("settled");
    },
  );
});

const RETRIED = Buffer.from([0x30, 1]);

describe("a task whose hash was lost", () => {
  for (const [text, instead] of [
    ["if not why and (state == nil or (state and state ~= 'active'))", "if not why and state == nil"],
    ["redis.pcall('HGET', tasks[i], 'state') == 'active'", "true"],
  ] as const) {
    guarded(
      redis,
      `does not take a new one of the same id with it (${instead})`,
      { script: "exchange", text, instead },
      async (engine) => {
        const attempt = await running(engine, q);
        await engine.client.del(task(attempt));
        await enqueued(engine, q, { id: attempt.message.id });
        expect(await answer(engine, attempt, done)).toBe("gone");
        expect(await counts(engine, q)).toEqual({ pending: 1 });
        expect(await engine.client.exists(keys.lease)).toBe(0);
        expect(await stateOf(engine, q, attempt.message.id)).toBe("pending");
      },
    );
  }

  guarded(
    redis,
    "is made anew by a retry, a completion or an archive",
    {
      script: "exchange",
      text: "elseif not why and (state == nil or (state and state ~= 'active')) then",
      instead: "elseif not why and state ~= 'active' then",
    },
    async (engine) => {
      const later = engine.broker.now() + 60_000;
      for (const make of [
        (a: Leased) => retry(a, later),
        (a: Leased) => complete(a, later),
        (a: Leased) => archive(a),
      ]) {
        const attempt = await running(engine, q);
        await engine.client.del(task(attempt));
        expect(await answer(engine, attempt, make(attempt))).toBe("settled");
      }
      expect(await counts(engine, q)).toEqual({ retry: 1, completed: 1, archived: 1 });
    },
  );

  guarded(
    redis,
    "is put back with its bytes",
    { script: "exchange", text: "if kind == 'q' and not state then\nwhy = GHOST\nelseif", instead: "if" },
    async (engine) => {
      const attempt = await running(engine, q, { payload: Buffer.from("precious") });
      await engine.client.del(task(attempt));
      expect(await answer(engine, attempt, requeue)).toBe("settled");
      const again = await engine.broker.exchange(q, [], 1);
      expect(again.leased.map(({ message: { payload } }) => text(payload))).toEqual(["precious"]);
    },
  );

  for (const [text, instead] of [
    ["redis.pcall('HGET', task, 'state')", "redis.call('HGET', task, 'state')"],
    ["redis.pcall('HGET', tasks[i], 'state')", "redis.call('HGET', tasks[i], 'state')"],
    [
      "if not why and (state == nil or (state and state ~= 'active'))",
      "if not why and state and state ~= 'active'",
    ],
  ] as const) {
    guarded(
      redis,
      `does not fail its neighbours if a key of another type stands there, nor touch that key (${instead})`,
      { script: "exchange", text, instead },
      async (engine) => {
        await enqueued(engine, q);
        await enqueued(engine, q);
        const [bad, good] = (await leased(engine, q, 2)) as [Leased, Leased];
        await engine.client.del(task(bad));
        await engine.client.set(task(bad), "somebody's");
        const outcomes = [bad, good].map((attempt) => ({ leased: attempt, settlement: done }));
        const result = await engine.broker.exchange(q, outcomes, 0).catch((error: unknown) => error);
        expect(result).toMatchObject({ answers: ["gone", "settled"] });
        expect(await engine.client.get(task(bad))).toBe("somebody's");
        expect(await counts(engine, q)).toEqual({});
        await engine.client.del(task(bad));
      },
    );
  }
});

describe("two outcomes of one attempt", () => {
  guarded(
    redis,
    "count once, successes alone",
    { script: "exchange", text: "not leaving[id] and " },
    async (engine) => {
      const attempt = await running(engine, q);
      const outcome: Outcome = { leased: attempt, settlement: done };
      const { answers } = await engine.broker.exchange(q, [outcome, outcome], 0);
      expect(answers).toEqual(["settled", "gone"]);
      expect(await attempts(engine, q)).toEqual({ processed: 1, failed: 0 });
    },
  );

  guarded(
    redis,
    "count once",
    { script: "exchange", text: "elseif seen[id] then", instead: "elseif false then" },
    async (engine) => {
      const attempt = await running(engine, q);
      const outcomes = [done, archive(attempt)].map((settlement) => ({ leased: attempt, settlement }));
      const { answers } = await engine.broker.exchange(q, outcomes, 0);
      expect(answers).toEqual(["settled", "gone"]);
      expect(await attempts(engine, q)).toEqual({ processed: 1, failed: 0 });
    },
  );

  guarded(
    redis,
    "let a success beat a requeue, in either order",
    {
      script: "exchange",
      text: "(holder and tonumber(holder) % 1 == tonumber(wanted[i]) % 1)",
      instead: "true",
    },
    async (engine) => {
      for (const [order, answers] of [
        [
          [done, requeue],
          ["settled", "gone"],
        ],
        [
          [requeue, done],
          ["gone", "settled"],
        ],
      ] as const) {
        const attempt = await running(engine, q);
        const outcomes = order.map((settlement) => ({ leased: attempt, settlement }));
        expect((await engine.broker.exchange(q, outcomes, 0)).answers).toEqual(answers);
        expect(await counts(engine, q)).toEqual({});
      }
    },
  );

  guarded(
    redis,
    "put a task back once, also by proof",
    { script: "exchange", text: "(by_proof[i] and not seen[id])", instead: "by_proof[i]" },
    async (engine) => {
      const attempt = await running(engine, q);
      await unlease(engine, attempt);
      const outcomes = [requeue, requeue].map((settlement) => ({ leased: attempt, settlement }));
      const { answers } = await engine.broker.exchange(q, outcomes, 0);
      expect([...answers].sort()).toEqual(["gone", "settled"]);
      expect(await engine.client.llen(keys.pending)).toBe(1);
    },
  );
});

describe("extending a lease", () => {
  guarded(
    redis,
    "is refused to an attempt that is over",
    { script: "extend_leases", text: "if fraction == tonumber(wanted) % 1 then", instead: "if true then" },
    async (engine) => {
      const late = await running(engine, q);
      await settled(engine, late, requeue);
      const now = await leasedOne(engine, q);
      const before = await scoreOf(engine, now);
      await engine.clock.advance(5_000);
      expect(await engine.broker.extendLeases(q, [late, now])).toEqual(["lost", "extended"]);
      expect(await scoreOf(engine, now)).toBe(before + 5);
    },
  );

  guarded(
    redis,
    "never shortens it (V11)",
    { script: "extend_leases", text: "math.max(ends, fresh)", instead: "fresh" },
    async (engine) => {
      const attempt = await running(engine, q);
      const ahead = (await scoreOf(engine, attempt)) + 20;
      await engine.client.zadd(keys.lease, ahead, attempt.message.id);
      expect(await engine.broker.extendLeases(q, [attempt])).toEqual(["extended"]);
      expect(await scoreOf(engine, attempt)).toBe(ahead);
    },
  );

  guarded(
    redis,
    "brings back one that a clock which jumped had put far ahead",
    { script: "extend_leases", text: "if ends > now / 1000 + 2 * length then", instead: "if false then" },
    async (engine) => {
      const attempt = await running(engine, q);
      const before = await scoreOf(engine, attempt);
      await engine.client.zadd(keys.lease, before + 3_600, attempt.message.id);
      expect(await engine.broker.extendLeases(q, [attempt])).toEqual(["extended"]);
      expect(await scoreOf(engine, attempt)).toBe(before);
    },
  );

  it("also works after it has run out, as long as nobody has recovered the task", async () => {
    const engine = await open();
    const attempt = await running(engine, q);
    await engine.clock.advance(45_000);
    expect(await engine.broker.extendLeases(q, [attempt])).toEqual(["extended"]);
    expect(await settled(engine, attempt, done)).toBe("settled");
  });

  guarded(
    redis,
    "works while Redis has no memory left (V10)",
    { script: "extend_leases", text: "redis.call('ZREM', lease, unpack(extended))\n" },
    async (engine) => {
      const attempt = await running(engine, q);
      await engine.broker.extendLeases(q, [attempt]);
      await engine.clock.advance(5_000);
      await redis.setMaxmemory(-200_000);
      try {
        const extended = engine.broker.extendLeases(q, [attempt]).catch((error: unknown) => error);
        expect(await extended).toEqual(["extended"]);
      } finally {
        await redis.setMaxmemory("off");
      }
    },
  );

  it("takes any number of attempts", async () => {
    const engine = await open();
    await engine.broker.enqueue(Array.from({ length: 600 }, () => ({ message: message(q) })));
    const all: Leased[] = [];
    for (let i = 0; i < 3; i += 1) all.push(...(await leased(engine, q, 200)));
    expect(new Set(await engine.broker.extendLeases(q, all))).toEqual(new Set(["extended"]));
  });
});

describe("writing a result", () => {
  guarded(
    redis,
    "revives no task that is gone (15.12)",
    { script: "write_result", text: "if why == nil and state ~= 'active' then", instead: "if false then" },
    async (engine) => {
      const attempt = await running(engine, q);
      await engine.client.del(task(attempt));
      expect(await engine.broker.writeResult(attempt, Buffer.from("late"))).toBe("gone");
      expect(await engine.client.exists(task(attempt))).toBe(0);
      await settled(engine, attempt, done);
    },
  );

  guarded(
    redis,
    "is refused to an attempt that is over",
    { script: "write_result", text: "if fraction == tonumber(wanted) % 1 then", instead: "if true then" },
    async (engine) => {
      const late = await running(engine, q);
      await settled(engine, late, requeue);
      const now = await leasedOne(engine, q);
      expect(await engine.broker.writeResult(late, Buffer.from("late"))).toBe("fenced");
      expect(await engine.client.hexists(task(now), "result")).toBe(0);
    },
  );

  guarded(
    redis,
    "works for the worker of a task whose lease was lost",
    { script: "write_result", text: "if why == UNLEASED and proof ~= '' then", instead: "if false then" },
    async (engine) => {
      const attempt = await running(engine, q);
      await unlease(engine, attempt);
      expect(await engine.broker.writeResult(attempt, Buffer.from("42"))).toBe("settled");
      expect(await engine.client.hget(task(attempt), "result")).toBe("42");
      await settled(engine, attempt, done);
    },
  );
});
