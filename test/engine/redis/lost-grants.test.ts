import { createHash } from "node:crypto";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import type { Leased } from "../../../src/broker/broker.ts";
import type { Engine } from "../../../src/broker/engine.ts";
import { type LostExchange, LostGrants } from "../../../src/engine/redis/lost-grants.ts";
import { createRedisEngine } from "../../../src/engine/redis/redis-engine.ts";
import { exchange, lostGrants } from "../../../src/engine/redis/scripts.gen.ts";
import { queueKeys } from "../../../src/protocol/keys.ts";
import { type Logger, silentLogger } from "../../../src/runtime/logger.ts";
import { complete, counts, done, enqueued, ids, leased, settled } from "../../contract/tasks.ts";
import { type FakeClock, fakeRuntime, settle } from "../../support/fake-runtime.ts";
import { redisForFile } from "../../support/redis-rig.ts";
import { type Fault, RespProxy, type Rule } from "../../support/resp-proxy.ts";
import { until } from "../../support/server-process.ts";
import { HeardLog } from "./connecting.ts";
import { fakeTime, setFakeTime } from "./fake-time.ts";

const redis = await redisForFile();
const client = redis.client();
const proxy = await RespProxy.start(redis.port);
afterAll(() => proxy.stop());

const q = "default";
const keys = queueKeys(q);
/** Longer than anything here takes, or short where a test waits for it in real time. */
const LONG = 5_000;
const SHORT = 250;
/** Short too, with time left for an answer that comes in the middle of it. */
const TIMELY = 1_000;
/** Redis runs somebody's script: it did nothing. */
const BUSY = "-BUSY Redis is busy running a script.\r\n";

const sha1 = (source: string) => createHash("sha1").update(fakeTime(source)).digest("hex");

interface Opened {
  readonly engine: Engine;
  readonly clock: FakeClock;
  readonly pass: (ms: number) => Promise<void>;
}

const opened: Engine[] = [];
afterEach(async () => {
  redis.resume();
  proxy.heal();
  for (const engine of opened.splice(0)) await engine.close();
  await client.del("tq:test:clock");
});

/** An engine whose connection the tests harm. Its script for lost grants may be changed. */
async function open({
  commandTimeout = LONG,
  logger = silentLogger as Logger,
  change = (source: string) => source,
} = {}): Promise<Opened> {
  const runtime = fakeRuntime({ now: Date.now() - 86_400_000 });
  await client.flushall();
  await setFakeTime(client, runtime.clock.now());
  const engine = createRedisEngine(
    proxy.url,
    { runtime, logger, commandTimeout: `${commandTimeout}ms` },
    {
      clockOffset: 0,
      scriptSource: (source, name) => fakeTime(name === "lost_grants" ? change(source) : source),
    },
  );
  opened.push(engine);
  await engine.open();
  // So that Redis knows the scripts by their SHA, and a rule meets each of them once.
  await engine.broker.exchange(q, [], 1);
  const pass = async (ms: number) => {
    await setFakeTime(client, runtime.clock.now() + ms);
    await runtime.clock.advance(ms);
  };
  return { engine, clock: runtime.clock, pass };
}

/** The next exchange meets this fault. */
function harm(fault: Fault): Rule {
  return proxy.rule({ script: sha1(exchange.source), nth: 1 }, fault);
}

/** Enqueues tasks and lets an exchange lease them, whose reply is lost; answers their ids in order. */
async function lose(
  engine: Engine,
  count: number,
  fault: Fault = { do: "drop-reply-then-close" },
): Promise<string[]> {
  const tasks: string[] = [];
  for (let i = 0; i < count; i += 1) tasks.push(await enqueued(engine, q));
  const rule = harm(fault);
  const lost = engine.broker.exchange(q, [], count);
  await expect(lost).rejects.toMatchObject({ code: "ENGINE_UNAVAILABLE" });
  expect(rule.fired).toBe(1);
  return tasks;
}

describe("tasks that an exchange leased while its reply was lost", () => {
  it("come with the next exchange, their leases renewed, and can be finished", async () => {
    const { engine, pass } = await open();
    const tasks = await lose(engine, 3);
    await pass(4_000);
    const found = await leased(engine, q, 3);
    expect(ids(found)).toEqual(tasks);
    for (const id of tasks) {
      const ends = Math.floor(Number(await client.zscore(keys.lease, id)));
      expect(ends).toBe(Math.ceil(engine.broker.now() / 1_000) + 30);
    }
    for (const attempt of found) expect(await settled(engine, attempt, done)).toBe("settled");
  });

  it("come together with new ones, within the limit", async () => {
    const { engine } = await open();
    const tasks = await lose(engine, 2);
    const fresh = await enqueued(engine, q);
    await enqueued(engine, q);
    expect(ids(await leased(engine, q, 3))).toEqual([...tasks, fresh]);
  });

  it("go back to the head of the queue, in order, where the limit leaves no room", async () => {
    const { engine } = await open();
    const [first, second, third] = await lose(engine, 3);
    await enqueued(engine, q);
    expect(ids(await leased(engine, q, 1))).toEqual([first]);
    expect(await counts(engine, q)).toEqual({ active: 1, pending: 3 });
    expect(ids(await leased(engine, q, 2))).toEqual([second, third]);
  });

  it("are handed out once, though two exchanges ask at the same time", async () => {
    const { engine } = await open();
    const tasks = await lose(engine, 2);
    const both = await Promise.all([engine.broker.exchange(q, [], 10), engine.broker.exchange(q, [], 10)]);
    expect(ids(both.flatMap(({ leased }) => leased))).toEqual(tasks);
    const more = await engine.broker.exchange(q, [], 2);
    expect(more.leased).toEqual([]);
  });

  it("are looked for also while the queue is paused, and by an exchange that only settles", async () => {
    const { engine } = await open();
    await lose(engine, 1);
    await client.set(keys.paused, "1");
    await engine.broker.exchange(q, [], 0);
    expect(await counts(engine, q)).toEqual({ pending: 1 });
  });

  it("go back by themselves if no exchange follows", async () => {
    const { engine, pass } = await open();
    const tasks = await lose(engine, 2);
    await pass(LONG + 2_000);
    await expect.poll(() => counts(engine, q)).toEqual({ pending: 2 });
    expect(ids(await leased(engine, q, 2))).toEqual(tasks);
  });

  it("go back when the engine closes", async () => {
    const { engine } = await open();
    await lose(engine, 2);
    await engine.close();
    expect(await client.llen(keys.pending)).toBe(2);
    expect(await client.exists(keys.active, keys.lease)).toBe(0);
  });

  it("go back when the engine closes under the very exchange that leases them", async () => {
    const { engine, clock } = await open();
    await enqueued(engine, q);
    const rule = harm({ do: "delay", ms: SHORT });
    const exchanged = engine.broker.exchange(q, [], 1);
    await rule.met;
    const closed = engine.close();
    await clock.advance(3_000);
    await closed;
    expect((await exchanged).leased).toEqual([]);
    expect(await client.llen(keys.pending)).toBe(1);
    expect(await client.exists(keys.active, keys.lease)).toBe(0);
  });

  it("go back also if the exchange that leases them arrives while the engine closes", async () => {
    const { engine, clock } = await open({ commandTimeout: TIMELY });
    const tasks = [await enqueued(engine, q), await enqueued(engine, q)];
    redis.pause();
    await expect(engine.broker.exchange(q, [], 2)).rejects.toMatchObject({ code: "ENGINE_UNAVAILABLE" });
    let closed = false;
    const closing = engine.close().then(() => {
      closed = true;
    });
    // Longer than a Redis that does not answer is waited for, were nothing on its way to it.
    await clock.advance(TIMELY + 100);
    expect(closed).toBe(false);
    redis.resume();
    // What could not be sent in the time that has passed is sent again.
    const goOn = () => clock.advance(50).then(() => closed);
    await expect.poll(goOn, { interval: 100, timeout: LONG }).toBe(true);
    await closing;
    expect(await client.lrange(keys.pending, 0, -1)).toEqual([...tasks].reverse());
    expect(await client.exists(keys.active, keys.lease)).toBe(0);
  });

  it("are not taken from whoever has them after a hand-back whose answer was lost", async () => {
    const { engine, pass } = await open();
    const [id] = (await lose(engine, 1)) as [string];
    const handBack = harm({ do: "drop-reply-then-close" });
    await engine.broker.exchange(q, [], 0);
    expect(handBack.fired).toBe(1);
    expect(await counts(engine, q)).toEqual({ pending: 1 });
    // Somebody else runs it, and its lease is lost: only a proof could take the task from there.
    await client.lmove(keys.pending, keys.active, "RIGHT", "LEFT");
    await client.hset(keys.taskPrefix + id, "state", "active");
    await client.hdel(keys.taskPrefix + id, "pending_since");
    await pass(1_000);
    expect((await engine.broker.exchange(q, [], 1)).leased).toEqual([]);
    expect(await client.lrange(keys.active, 0, -1)).toEqual([id]);
    await engine.broker.sweep(q, 1);
    await pass(LONG);
  });

  it("do not keep outcomes from being settled while they cannot be asked for", async () => {
    const { engine } = await open();
    await enqueued(engine, "other");
    const id = await enqueued(engine, q);
    const [attempt] = (await leased(engine, q, 1)) as [Leased];
    expect(attempt.message.id).toBe(id);
    await lose(engine, 1);
    const refused = proxy.rule(
      { script: sha1(lostGrants.source), nth: 1 },
      { do: "replace-reply", reply: "-ERR no\r\n" },
    );
    expect(await settled(engine, attempt, done)).toBe("settled");
    expect(refused.fired).toBe(1);
    expect(await engine.broker.exchange(q, [], 1)).toMatchObject({ leased: [{}] });
  });

  it("are named where their message cannot be read", async () => {
    const { engine } = await open();
    const id = await enqueued(engine, q);
    await client.hset(keys.taskPrefix + id, "msg", "garbage");
    const rule = harm({ do: "drop-reply-then-close" });
    await expect(engine.broker.exchange(q, [], 1)).rejects.toMatchObject({ code: "ENGINE_UNAVAILABLE" });
    expect(rule.fired).toBe(1);
    expect(await engine.broker.exchange(q, [], 1)).toMatchObject({ leased: [], quarantined: [id] });
  });

  it("are named in the log where no exchange follows that could tell", async () => {
    const logger = new HeardLog();
    const { engine, pass } = await open({ logger });
    const id = await enqueued(engine, q);
    await client.hset(keys.taskPrefix + id, "msg", "garbage");
    const rule = harm({ do: "drop-reply-then-close" });
    await expect(engine.broker.exchange(q, [], 1)).rejects.toMatchObject({ code: "ENGINE_UNAVAILABLE" });
    expect(rule.fired).toBe(1);
    const named = logger.next(id);
    await pass(LONG + 2_000);
    expect(await named).toContain("undecodable");
    expect(logger.lines.filter((line) => line.includes(id))).toHaveLength(1);
    expect(await counts(engine, q)).toEqual({ archived: 1 });
  });

  it("are kept where the exchange that claims them fails", async () => {
    const { engine } = await open();
    const tasks = await lose(engine, 2);
    const failing = harm({ do: "replace-reply", reply: "-ERR no\r\n" });
    await expect(engine.broker.exchange(q, [], 2)).rejects.toMatchObject({ code: "REDIS_COMMAND" });
    expect(failing.fired).toBe(1);
    expect(ids(await leased(engine, q, 2))).toEqual(tasks);
  });

  it("come with the next exchange where what failed was the second call for an outcome", async () => {
    const { engine } = await open();
    await enqueued(engine, q);
    const [attempt] = (await leased(engine, q, 1)) as [Leased];
    // It has to be shown in a second call that the task was leased.
    await client.zrem(keys.lease, attempt.message.id);
    const waiting = await enqueued(engine, q);
    const second = proxy.rule(
      { script: sha1(exchange.source), nth: 2 },
      { do: "replace-reply", reply: "-ERR no\r\n" },
    );
    const outcome = { leased: attempt, settlement: done };
    const failed = engine.broker.exchange(q, [outcome], 1);
    await expect(failed).rejects.toMatchObject({ code: "REDIS_COMMAND" });
    expect(second.fired).toBe(1);
    const { answers, leased: found } = await engine.broker.exchange(q, [outcome], 1);
    expect(answers).toEqual(["settled"]);
    expect(ids(found)).toEqual([waiting]);
    expect(await settled(engine, found[0] as Leased, done)).toBe("settled");
  });

  it("are waited for until the lost exchange can no longer arrive", async () => {
    const { engine, pass } = await open();
    const tasks = await lose(engine, 1, { do: "drop-request-then-close" });
    const recalls = proxy.rule({ script: sha1(lostGrants.source) }, { do: "delay", ms: 0 });
    await engine.broker.exchange("other", [], 1);
    expect(recalls.fired).toBe(0);
    expect(ids(await leased(engine, q, 1))).toEqual(tasks);
    await engine.broker.exchange(q, [], 1);
    expect(recalls.fired).toBeGreaterThanOrEqual(2);
    await pass(LONG + 1);
    await engine.broker.exchange(q, [], 1);
    const asked = recalls.fired;
    await engine.broker.exchange(q, [], 1);
    expect(recalls.fired).toBe(asked);
  });

  it("are known by the name of the exchange, not by its token alone", async () => {
    const namesake = async (opened: Opened) => {
      const [id] = await lose(opened.engine, 1);
      await client.hset(`${keys.taskPrefix}${id}`, "tq:x", "another");
      const { leased } = await opened.engine.broker.exchange(q, [], 1);
      await opened.pass(LONG + 1);
      await opened.engine.broker.exchange(q, [], 1);
      await client.del(keys.active, keys.lease, `${keys.taskPrefix}${id}`);
      return leased;
    };
    expect(await namesake(await open())).toEqual([]);
    const careless = (source: string) => source.replace(" and fields[3] == nonce", "");
    expect(await namesake(await open({ change: careless }))).toHaveLength(1);
  });

  it("are not handed out where they are active no more", async () => {
    const archived = async ({ engine, pass }: Opened) => {
      const [id] = (await lose(engine, 1)) as [string];
      await client.hset(keys.taskPrefix + id, "state", "archived");
      await client.zadd(keys.archived, Math.floor(engine.broker.now() / 1_000), id);
      const { leased } = await engine.broker.exchange(q, [], 1);
      await pass(LONG + 1);
      await engine.broker.exchange(q, [], 1);
      await client.del(keys.active, keys.lease);
      return leased;
    };
    expect(await archived(await open())).toEqual([]);
    const careless = (source: string) => source.replace("fields[2] == 'active' and ", "");
    expect(await archived(await open({ change: careless }))).toHaveLength(1);
  });

  it("are handed out once, though they are listed twice", async () => {
    const twice = async ({ engine }: Opened) => {
      const [id] = (await lose(engine, 1)) as [string];
      await client.lpush(keys.active, id);
      const { leased } = await engine.broker.exchange(q, [], 5);
      await client.lrem(keys.active, 1, id);
      return ids(leased);
    };
    expect(await twice(await open())).toHaveLength(1);
    const careless = (source: string) => source.replace("held[id] = nil\n", "");
    expect(await twice(await open({ change: careless }))).toHaveLength(2);
  });

  it("are taken from a reply that comes late, and are handed out once", async () => {
    const { engine, late } = await openLate();
    const tasks = await late(2);
    const recalls = proxy.rule({ script: sha1(lostGrants.source) }, { do: "delay", ms: 0 });
    const found = await leased(engine, q, 2);
    expect(ids(found)).toEqual(tasks);
    expect((await engine.broker.exchange(q, [], 2)).leased).toEqual([]);
    expect(recalls.fired).toBe(0);
    for (const attempt of found) expect(await settled(engine, attempt, done)).toBe("settled");
  });

  it("are handed out once, though they are asked for and the reply comes late as well", async () => {
    const { engine } = await open({ commandTimeout: TIMELY });
    const id = await enqueued(engine, q);
    redis.pause();
    await expect(engine.broker.exchange(q, [], 5)).rejects.toMatchObject({ code: "ENGINE_UNAVAILABLE" });
    const recall = proxy.rule({ script: sha1(lostGrants.source) }, { do: "delay", ms: 0 });
    const exchanged = engine.broker.exchange(q, [], 5);
    await recall.met;
    redis.resume();
    const { leased: found } = await exchanged;
    expect(ids(found)).toEqual([id]);
    expect(await counts(engine, q)).toEqual({ active: 1 });
    expect(await settled(engine, found[0] as Leased, done)).toBe("settled");
  });

  it("are not handed out if somebody has recovered them meanwhile", async () => {
    const { engine, late } = await openLate();
    const [id] = (await late(1)) as [string];
    await client.zrem(keys.lease, id);
    await client.lrem(keys.active, 0, id);
    await client.hset(keys.taskPrefix + id, "state", "archived");
    await client.zadd(keys.archived, Math.floor(engine.broker.now() / 1_000), id);
    expect((await engine.broker.exchange(q, [], 1)).leased).toEqual([]);
  });
});

/** An engine that gives up early, and a `lose` that returns when the reply has come after all. */
async function openLate() {
  const { engine } = await open({ commandTimeout: SHORT });
  const late = async (count: number): Promise<string[]> => {
    const tasks = await lose(engine, count, { do: "delay", ms: 1.5 * SHORT });
    // The connection answers in order: what is answered now was behind the late reply.
    const up = () =>
      engine.ping().then(
        () => true,
        () => false,
      );
    await expect.poll(up, { timeout: LONG }).toBe(true);
    await settle();
    return tasks;
  };
  return { engine, late };
}

describe("an exchange that is known to be lost after its reply has come", () => {
  it("is not asked for", async () => {
    const runtime = fakeRuntime();
    const asked: LostExchange[] = [];
    const lost = new LostGrants(
      { runtime, logger: silentLogger, commandTimeout: LONG },
      {
        recall: async (_, sent) => {
          asked.push(sent);
          return { time: sent.deadline + 1, grants: [] };
        },
        accept: async () => ({ leased: [], quarantined: [] }),
        extend: async () => [],
        handBack: async () => undefined,
      },
    );
    const [late, other] = ["late", "other"].map((nonce): LostExchange => {
      const deadline = runtime.clock.now() + LONG;
      return { score: "1.5", nonce, deadline, endsAt: runtime.clock.monotonic() + LONG, closed: false };
    }) as [LostExchange, LostExchange];
    lost.lateReply(q, late, []);
    for (const sent of [late, other]) lost.add(q, sent);
    await lost.claim(q, 1, LONG);
    expect(asked).toEqual([other]);
    expect(lost.has(q)).toBe(false);
  });
});

describe("outcomes whose answer was lost", () => {
  it("are settled by the first send, and gone at the second", async () => {
    const { engine } = await open();
    const id = await enqueued(engine, q);
    const [attempt] = await leased(engine, q, 1);
    if (attempt === undefined) throw new Error(`${id} was not leased`);
    const rule = harm({ do: "drop-reply-then-close" });
    const outcome = { leased: attempt, settlement: done };
    await expect(engine.broker.exchange(q, [outcome], 0)).rejects.toMatchObject({
      code: "ENGINE_UNAVAILABLE",
      inDoubt: true,
    });
    expect(rule.fired).toBe(1);
    const { answers } = await engine.broker.exchange(q, [{ ...outcome, repeated: true }], 0);
    expect(answers).toEqual(["gone"]);
    expect(await client.get(keys.processed)).toBe("1");
  });

  it("are told from those that Redis surely did not get", async () => {
    const { engine } = await open({ commandTimeout: SHORT });
    await enqueued(engine, q);
    const [attempt] = await leased(engine, q, 1);
    const outcome = { leased: attempt as Leased, settlement: done };
    const rule = harm({ do: "replace-reply", reply: BUSY });
    const refused = { code: "ENGINE_UNAVAILABLE", inDoubt: false };
    await expect(engine.broker.exchange(q, [outcome], 0)).rejects.toMatchObject(refused);
    expect(rule.fired).toBe(1);
    await proxy.down();
    try {
      // It finds the connection broken.
      await expect(engine.ping()).rejects.toMatchObject({ code: "ENGINE_UNAVAILABLE" });
      await expect(engine.broker.exchange(q, [outcome], 0)).rejects.toMatchObject(refused);
    } finally {
      await proxy.up();
    }
    // So that the short time of a command is not spent on connecting.
    await until(() =>
      engine.ping().then(
        () => true,
        () => false,
      ),
    );
    const { answers } = await engine.broker.exchange(q, [outcome], 0);
    expect(answers).toEqual(["settled"]);
  });

  it("are those, too, that were answered before a later part of them was refused", async () => {
    const { engine } = await open();
    for (let n = 0; n < 2; n += 1) await enqueued(engine, q);
    const expireAt = engine.broker.now() + 60_000;
    const outcomes = (await leased(engine, q, 2)).map((attempt) => {
      return { leased: attempt, settlement: complete(attempt, expireAt, Buffer.alloc(600_000)) };
    });
    const rule = proxy.rule({ script: sha1(exchange.source), nth: 2 }, { do: "replace-reply", reply: BUSY });
    const lost = engine.broker.exchange(q, outcomes, 0);
    await expect(lost).rejects.toMatchObject({ code: "ENGINE_UNAVAILABLE", inDoubt: true });
    expect(rule.fired).toBe(1);
    const { answers } = await engine.broker.exchange(q, outcomes, 0);
    expect(answers).toEqual(["gone", "settled"]);
  });
});
