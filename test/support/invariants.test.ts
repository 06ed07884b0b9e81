import { beforeEach, describe, expect, it } from "vitest";
import { encodeTaskMessage } from "../../src/protocol/codec.ts";
import type { TaskMessage } from "../../src/protocol/task-message.ts";
import { message } from "../contract/tasks.ts";
import { assertInvariants, checkInvariants, type InvariantId } from "./invariants.ts";
import { redisForFile } from "./redis-rig.ts";

const rig = await redisForFile();
const redis = rig.client();

const QUEUE = "mail[1]";
const key = (suffix: string) => `asynq:{${QUEUE}}:${suffix}`;
const own = (suffix: string) => `tq:{${QUEUE}}:${suffix}`;

function encoded(id: string, change: Partial<TaskMessage> = {}): Buffer {
  return encodeTaskMessage(message(QUEUE, { id, ...change }));
}

type Fields = Readonly<Record<string, string | Buffer>>;

async function hash(id: string, state: string, fields: Fields = {}): Promise<void> {
  await redis.hset(key(`t:${id}`), { msg: encoded(id), state, ...fields });
}

async function inZset(id: string, state: string, score: number, fields: Fields = {}): Promise<void> {
  await hash(id, state, fields);
  await redis.zadd(key(state), score, id);
}

async function pending(id: string, fields: Fields = {}): Promise<void> {
  await hash(id, "pending", { pending_since: "1700000000000000000", ...fields });
  await redis.lpush(key("pending"), id);
}

async function active(id: string): Promise<void> {
  await hash(id, "active");
  await redis.lpush(key("active"), id);
  const [seconds] = await redis.time();
  await redis.zadd(key("lease"), Number(seconds) + 30 + 7 / 2 ** 20, id);
}

async function grouped(id: string, group: string, container = `g:${group}`): Promise<void> {
  await hash(id, "aggregating", { group });
  await redis.zadd(key(container), 1_700_000_000, id);
}

async function broken(): Promise<InvariantId[]> {
  const { violations } = await checkInvariants(redis);
  return [...new Set(violations.map(({ invariant }) => invariant))].sort();
}

beforeEach(async () => {
  await redis.flushall();
  await redis.sadd("asynq:queues", QUEUE);
});

describe("a healthy queue", () => {
  it("keeps every invariant, with tasks of all states and our own extras", async () => {
    const lock = key("unique:email:send:");
    await pending("p1");
    await pending("p2", { unique_key: lock });
    await redis.set(lock, "p2", "EX", 60);
    await active("a1");
    await inZset("s1", "scheduled", 1_700_000_001, { "tq:at": "1700000000250" });
    await redis.zadd(own("due"), 1_700_000_000_250, "s1");
    await redis.pexpire(own("due"), 120_000);
    await inZset("r1", "retry", 1_700_000_100, { msg: encoded("r1", { retried: 3 }) });
    await inZset("x1", "archived", 1_700_000_100);
    await inZset("c1", "completed", 1_700_000_160, {
      msg: encoded("c1", { completedAt: 1_700_000_100, retention: 60 }),
      result: "ok",
    });
    await inZset("s2", "scheduled", 253_402_300_799, { "tq:parked": "type:a\nk\n0000000000000001" });
    await redis.zadd(own("parked"), 0, "type:a\nk\n0000000000000001s2");
    await redis.zadd(own("looks"), 1_700_000_000_250, "type:a\nk");
    await redis.hset(own("slots"), "type:a\nk\na1", "");
    await redis.hset(own("held"), "type:a\nk", 1);
    await redis.zadd(own("turns"), 0, "type:a\nl\np1");
    await redis.hset(own("limits"), "server", "1700000000250 []");
    await redis.set(own("rate:type:r\n"), "x", "PX", 60_000);
    await grouped("g1", "a:b");
    await redis.sadd(key("groups"), "a:b");
    await grouped("g2", "a:b", "g:a:b:set-1");
    await redis.zadd(key("aggregation_sets"), 1_700_000_120, key("g:a:b:set-1"));
    await redis.sadd(own("aggs"), "a:b");
    await redis.set(key("paused"), "1700000000");
    await redis.mset(key("processed"), "5", key("failed"), "2");
    await redis.set(key("processed:2023-11-14"), "5", "EX", 1000);
    await redis.set(key("failed:2023-11-14"), "2", "EX", 1000);
    await assertInvariants(redis);
  });

  it("lists a quarantined message apart instead of calling it damage", async () => {
    await inZset("q1", "archived", 1_700_000_100, { msg: Buffer.from([0xff, 0xff]) });
    expect(await checkInvariants(redis)).toEqual({
      violations: [],
      quarantined: [{ queue: QUEUE, id: "q1" }],
    });
  });
});

describe("each defect is seen", () => {
  const defects: readonly [what: string, invariants: readonly InvariantId[], make: () => Promise<unknown>][] =
    [
      [
        "an id in two containers",
        ["I1", "I2"],
        async () => {
          await pending("t");
          await redis.zadd(key("retry"), 1_700_000_000, "t");
        },
      ],
      [
        "an id twice in one list",
        ["I1"],
        async () => {
          await pending("t");
          await redis.lpush(key("pending"), "t");
        },
      ],
      ["a state that is not its container's", ["I2"], () => inZset("t", "archived", 1, { state: "retry" })],
      ["V1: a failed retry that left the hash in no container", ["I4"], () => hash("t", "active")],
      [
        "V4: a lock taken for a task that does not own it",
        ["I6"],
        async () => {
          await pending("t");
          await redis.set(key("unique:email:send:"), "t", "EX", 60);
        },
      ],
      ["a lock whose task is gone", ["I6"], () => redis.set(key("unique:email:send:"), "t", "EX", 60)],
      [
        "a lock that never ends",
        ["I6"],
        async () => {
          await pending("t", { unique_key: key("unique:email:send:") });
          await redis.set(key("unique:email:send:"), "t");
        },
      ],
      [
        "V5: an undecodable message that is not archived",
        ["I3"],
        () => pending("t", { msg: Buffer.from([0xff]) }),
      ],
      [
        "V6: the stub a dequeue makes of an id without hash",
        ["I3"],
        async () => {
          await active("t");
          await redis.hdel(key("t:t"), "msg");
        },
      ],
      ["V6: an id without hash", ["I3"], () => redis.lpush(key("pending"), "t")],
      ["the message of another task", ["I3"], () => pending("t", { msg: encoded("other") })],
      [
        "V8: hashes of a trimmed archive",
        ["I4"],
        async () => {
          await inZset("t", "archived", 1);
          await redis.zrem(key("archived"), "t");
        },
      ],
      ["V9: a group nobody lists", ["I8"], () => grouped("t", "news")],
      ["a listed group without tasks", ["I8"], () => redis.sadd(key("groups"), "news")],
      ["an aggregation set nobody lists", ["I7", "I8"], () => grouped("t", "news", "g:news:set-1")],
      [
        "V12: active without a lease",
        ["I5"],
        async () => {
          await active("t");
          await redis.del(key("lease"));
        },
      ],
      [
        "a lease of a task that is not active",
        ["I5"],
        async () => {
          await pending("t");
          await redis.zadd(key("lease"), 1_700_000_000, "t");
        },
      ],
      [
        "a lease without end",
        ["I5"],
        async () => {
          await active("t");
          await redis.zadd(key("lease"), 9_000_000_000, "t");
        },
      ],
      [
        "pending since never",
        ["I7"],
        async () => {
          await pending("t");
          await redis.hdel(key("t:t"), "pending_since");
        },
      ],
      [
        "a queue that nobody registered",
        ["I8"],
        async () => {
          await pending("t");
          await redis.del("asynq:queues");
        },
      ],
      ["a fraction in a score that Go reads", ["I9"], () => inZset("t", "retry", 1_700_000_000.5)],
      [
        "a completed task kept too long",
        ["I9"],
        () => inZset("t", "completed", 99, { msg: encoded("t", { completedAt: 10, retention: 60 }) }),
      ],
      ["a fine delay left behind", ["I9"], () => pending("t", { "tq:at": "1700000000250" })],
      [
        "a fine delay rounded down",
        ["I9"],
        () => inZset("t", "retry", 1_700_000_000, { "tq:at": "1700000000250" }),
      ],
      [
        "an entry of due without a task",
        ["I9"],
        async () => {
          await redis.zadd(own("due"), 1, "t");
          await redis.expire(own("due"), 100);
        },
      ],
      [
        "more retries than allowed",
        ["I10"],
        () => pending("t", { msg: encoded("t", { retry: 1, retried: 2 }) }),
      ],
      ["more failed than processed", ["I11"], () => redis.mset(key("processed"), "1", key("failed"), "2")],
      ["days that exceed the total", ["I11"], () => redis.set(key("processed:2023-11-14"), "5", "EX", 1000)],
      [
        "a day's counter that never ends",
        ["I12"],
        () => redis.mset(key("processed"), "5", key("processed:2023-11-14"), "5"),
      ],
      ["a task that waits for a limit in no line", ["I16"], () => inZset("t", "scheduled", 253_402_300_799)],
      ["a key of the wrong type", ["I12"], () => redis.set(key("pending"), "oops")],
      ["a key nobody knows", ["I12"], () => redis.set(own("what"), "oops")],
      [
        "a server record that outlives its server",
        ["I12"],
        () => redis.set("asynq:servers:{host:1:a}", "oops"),
      ],
    ];

  it.each(defects)("%s", async (_what, invariants, make) => {
    await make();
    expect(await broken()).toEqual(invariants);
    await expect(assertInvariants(redis)).rejects.toThrow(`${invariants[0]} `);
    rig.expectDamage(...invariants);
  });
});

it("judges only the queues it is asked about", async () => {
  await redis.lpush("asynq:{other}:pending", "ghost");
  await assertInvariants(redis, [QUEUE]);
  await expect(assertInvariants(redis, ["other"])).rejects.toThrow(
    "queue other: ghost in pending has no hash",
  );
  rig.expectDamage("I3", "I8");
});
