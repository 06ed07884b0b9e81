import { describe, expect, it } from "vitest";
import type { Finding, FindingCode } from "../../../src/broker/repair.ts";
import { encodeTaskMessage } from "../../../src/protocol/codec.ts";
import { queueKeys } from "../../../src/protocol/keys.ts";
import type { TaskMessage } from "../../../src/protocol/task-message.ts";
import { enqueued, leasedOne, message, unique } from "../../contract/tasks.ts";
import { assertInvariants } from "../../support/invariants.ts";
import { redisForFile } from "../../support/redis-rig.ts";
import { harnessesOn, type RedisHarness } from "./harness.ts";

const rig = await redisForFile();
const open = harnessesOn(rig);

const QUEUE = "mail[1]*";
const keys = queueKeys(QUEUE);

async function fsck(
  { engine }: RedisHarness,
  repair = false,
  queues?: readonly string[],
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const options = { queues, repair, signal: undefined, onProgress: () => undefined };
  await engine.repair.fsck({ ...options, onFinding: (finding) => findings.push(finding) });
  return findings;
}

function encoded(id: string, change: Partial<TaskMessage> = {}): Buffer {
  return encodeTaskMessage(message(QUEUE, { id, ...change }));
}

type Damage = (harness: RedisHarness) => Promise<unknown>;

const hash =
  (id: string, state: string, fields: Record<string, string | Buffer> = {}): Damage =>
  ({ client }) =>
    client.hset(keys.taskPrefix + id, { msg: encoded(id), state, ...fields });

const pending = ({ client }: RedisHarness, id: string) =>
  client
    .multi()
    .hset(keys.taskPrefix + id, { msg: encoded(id), state: "pending", pending_since: "1700000000000000000" })
    .lpush(keys.pending, id)
    .exec();

const lock = `${keys.uniquePrefix}email:send:`;

const damages: readonly [what: string, code: FindingCode, make: Damage, state?: string][] = [
  ["an id in pending without a hash", "GHOST", ({ client }) => client.lpush(keys.pending, "t")],
  ["an id in a zset without a hash", "GHOST", ({ client }) => client.zadd(keys.retry, 1_700_000_000, "t")],
  ["a lease without a hash that ran out", "GHOST", ({ client }) => client.zadd(keys.lease, 1, "t")],
  [
    "the stub that a dequeue makes of a ghost",
    "GHOST",
    async ({ client }) => {
      await client.hset(`${keys.taskPrefix}t`, "state", "active");
      await client.lpush(keys.active, "t");
    },
  ],
  ["a result that came too late", "STUB", ({ client }) => client.hset(`${keys.taskPrefix}t`, "result", "ok")],
  ["an active task in no list (V1)", "ORPHAN", hash("t", "active"), "pending"],
  ["a pending task in no list", "ORPHAN", hash("t", "pending", { pending_since: "1" }), "pending"],
  ["a scheduled task in no set", "ORPHAN", hash("t", "scheduled"), "scheduled"],
  ["a retrying task in no set", "ORPHAN", hash("t", "retry"), "retry"],
  ["a trimmed task that kept its hash (V8)", "ORPHAN", hash("t", "archived"), "archived"],
  [
    "a completed task in no set",
    "ORPHAN",
    hash("t", "completed", { msg: encoded("t", { completedAt: 1_700_000_000, retention: 60 }) }),
    "completed",
  ],
  ["an aggregating task in no set", "ORPHAN", hash("t", "aggregating", { group: "g" }), "aggregating"],
  ["a task in a state that does not exist", "ORPHAN", hash("t", "sleeping"), "archived"],
  [
    "a task in two places",
    "DOUBLE",
    async (harness) => {
      await pending(harness, "t");
      await harness.client.zadd(keys.retry, 1_700_000_000, "t");
    },
    "pending",
  ],
  [
    "a task that is pending twice",
    "DOUBLE",
    async (harness) => {
      await pending(harness, "t");
      for (let i = 0; i < 300; i += 1) await pending(harness, `u${i}`);
      await harness.client.lpush(keys.pending, "t");
    },
    "pending",
  ],
  [
    "a scheduled task that says otherwise",
    "WRONG_STATE",
    async (harness) => {
      await hash("t", "retry")(harness);
      await harness.client.zadd(keys.scheduled, 1_700_000_000, "t");
    },
    "scheduled",
  ],
  [
    "a task that the janitor would delete unrun",
    "WRONG_STATE",
    async (harness) => {
      await hash("t", "pending")(harness);
      await harness.client.zadd(keys.completed, 1_700_000_000, "t");
    },
    "pending",
  ],
  [
    "a task in a group that it does not name",
    "WRONG_GROUP",
    async (harness) => {
      await hash("t", "aggregating", { group: "other" })(harness);
      await harness.client.zadd(`${keys.groupPrefix}g`, 1_700_000_000, "t");
      await harness.client.sadd(keys.groups, "g");
    },
    "aggregating",
  ],
  [
    "an active task without a lease (V12)",
    "ACTIVE_WITHOUT_LEASE",
    async (harness) => {
      await hash("t", "active")(harness);
      await harness.client.lpush(keys.active, "t");
    },
    "active",
  ],
  [
    "a lease of a task that is not active",
    "LEASE_WITHOUT_ACTIVE",
    async (harness) => {
      await pending(harness, "t");
      await harness.client.zadd(keys.lease, 1_700_000_000, "t");
    },
    "pending",
  ],
  [
    "an active task that is not in the list",
    "LEASE_WITHOUT_ACTIVE",
    async (harness) => {
      await hash("t", "active")(harness);
      await harness.client.zadd(keys.lease, Math.ceil(harness.clock.now() / 1_000) + 20, "t");
    },
    "active",
  ],
  [
    "a lease without end",
    "LEASE_TOO_LONG",
    async (harness) => {
      await hash("t", "active")(harness);
      await harness.client.lpush(keys.active, "t");
      await harness.client.zadd(keys.lease, 9_000_000_000, "t");
    },
    "active",
  ],
  [
    "an exact instant that a task does not wait for",
    "STALE_TIME",
    async (harness) => {
      await pending(harness, "t");
      await harness.client.hset(`${keys.taskPrefix}t`, "tq:at", "1700000000250");
    },
    "pending",
  ],
  [
    "an entry of due without a task",
    "STALE_TIME",
    async ({ client }) => {
      await client.zadd(keys.due, 1, "t");
      await client.expire(keys.due, 100);
    },
  ],
  ["a lock whose task is gone", "LOCK_LEAKED", ({ client }) => client.set(lock, "t", "EX", 60)],
  [
    "a lock of a task that does not know of it (V4)",
    "LOCK_LEAKED",
    async (harness) => {
      await pending(harness, "t");
      await harness.client.set(lock, "t", "EX", 60);
    },
  ],
  [
    "a lock of a task that has completed",
    "LOCK_LEAKED",
    async ({ client }) => {
      const msg = encoded("t", { completedAt: 1_700_000_000, retention: 60, uniqueKey: lock });
      await client.hset(`${keys.taskPrefix}t`, { msg, state: "completed", unique_key: lock });
      await client.zadd(keys.completed, 1_700_000_060, "t");
      await client.set(lock, "t", "EX", 60);
    },
  ],
  [
    "a group that nobody lists (V9)",
    "GROUP_NOT_LISTED",
    async (harness) => {
      await hash("t", "aggregating", { group: "a:b" })(harness);
      await harness.client.zadd(`${keys.groupPrefix}a:b`, 1_700_000_000, "t");
    },
  ],
  ["a listed group without tasks", "GROUP_EMPTY", ({ client }) => client.sadd(keys.groups, "g")],
  [
    "an aggregation set that nobody lists",
    "SET_NOT_LISTED",
    async (harness) => {
      await hash("t", "aggregating", { group: "a:b" })(harness);
      await harness.client.zadd(`${keys.groupPrefix}a:b:set-1`, 1_700_000_000, "t");
    },
  ],
  [
    "a listed aggregation set that does not exist",
    "SET_MISSING",
    ({ client }) => client.zadd(keys.aggregationSets, 1_700_000_000, `${keys.groupPrefix}g:set-1`),
  ],
];

describe("each kind of damage", () => {
  it.each(damages)("%s is found, mended, and then gone", async (_what, code, make, state) => {
    const harness = await open();
    const { client } = harness;
    await client.sadd("asynq:queues", QUEUE);
    await enqueued(harness, QUEUE, { id: "neighbour" });
    await make(harness);

    const seen = await fsck(harness);
    expect(seen.map((finding) => finding.code)).toEqual([code]);
    expect(seen[0]).toMatchObject({ queue: QUEUE });
    expect(seen[0]).not.toHaveProperty("repaired");
    expect(await fsck(harness)).toEqual(seen);

    const mended = await fsck(harness, true);
    expect(mended.map((finding) => finding.code)).toEqual([code]);
    expect(mended[0]?.repaired).toMatch(/./);
    await assertInvariants(client);
    expect(await fsck(harness, true)).toEqual([]);
    if (state !== undefined) expect(await client.hget(`${keys.taskPrefix}t`, "state")).toBe(state);
  });

  it("is found in a queue that is not among the queues", async () => {
    const harness = await open();
    await enqueued(harness, QUEUE);
    await harness.client.del("asynq:queues");
    const [finding, ...others] = await fsck(harness, true);
    expect(finding).toMatchObject({ code: "QUEUE_NOT_LISTED", queue: QUEUE, repaired: "listed" });
    expect(others).toEqual([]);
    await assertInvariants(harness.client);
  });

  it("is only reported where nobody knows better", async () => {
    const harness = await open();
    await harness.inject(QUEUE, "noise", Buffer.from([0xff, 0xff]));
    await harness.client.set(keys.retry, "oops");
    await harness.client.set(`${keys.taskPrefix}t`, "oops");
    const codes = (findings: Finding[]) => findings.map(({ code, subject }) => [code, subject]).sort();
    const wanted = [
      ["UNDECODABLE", "noise"],
      ["WRONG_TYPE", keys.retry],
      ["WRONG_TYPE", `${keys.taskPrefix}t`],
    ];
    expect(codes(await fsck(harness, true))).toEqual(wanted);
    expect(codes(await fsck(harness, true))).toEqual(wanted);
    await harness.client.flushall();
  });

  it("is searched for in the queues that are named, and in no other", async () => {
    const harness = await open();
    await harness.client.lpush(keys.pending, "ghost");
    await harness.client.lpush(queueKeys("other").pending, "ghost");
    await harness.client.sadd("asynq:queues", QUEUE, "other");
    const findings = await fsck(harness, true, ["other"]);
    expect(findings.map(({ queue, code }) => [queue, code])).toEqual([["other", "GHOST"]]);
    expect(await harness.client.llen(keys.pending)).toBe(1);
    await fsck(harness, true);
  });

  it("is left to a worker that may still store its task again", async () => {
    const harness = await open();
    await enqueued(harness, QUEUE, { id: "t" });
    await leasedOne(harness, QUEUE);
    await harness.client.del(`${keys.taskPrefix}t`);
    const [finding] = await fsck(harness, true);
    expect(finding).toMatchObject({ code: "GHOST", subject: "t" });
    expect(finding).not.toHaveProperty("repaired");
    expect(await harness.client.lrange(keys.active, 0, -1)).toEqual(["t"]);
    await harness.clock.advance(31_000);
    expect((await fsck(harness, true))[0]).toMatchObject({ code: "GHOST", repaired: "removed" });
    await assertInvariants(harness.client);
  });
});

it("finds nothing in a queue with tasks of all kinds", async () => {
  const harness = await open();
  const now = harness.broker.now();
  for (let i = 0; i < 1_500; i += 1) await enqueued(harness, QUEUE);
  await harness.broker.exchange(QUEUE, [], 300);
  await enqueued(harness, QUEUE, {}, { processAt: now + 1_234 });
  await enqueued(harness, QUEUE, { groupKey: "a:b" });
  await enqueued(harness, QUEUE, { groupKey: "a:b" }, { processAt: now + 50_000 });
  await harness.broker.enqueue([unique(QUEUE, "x"), unique(QUEUE, "y", 60_000, { groupKey: "g" })]);
  expect(await fsck(harness, true)).toEqual([]);
});

it("knows a task in whichever of very many aggregation sets it is", async () => {
  const harness = await open();
  const pipeline = harness.client.pipeline().sadd("asynq:queues", QUEUE);
  for (let i = 0; i < 1_100; i += 1) {
    const set = `${keys.groupPrefix}g${i}:set`;
    const fields = { msg: encoded(`t${i}`), state: "aggregating", group: `g${i}` };
    pipeline.hset(`${keys.taskPrefix}t${i}`, fields).zadd(set, 1_700_000_000, `t${i}`);
    pipeline.zadd(keys.aggregationSets, 1_700_000_000 + i, set);
  }
  await pipeline.exec();
  expect(await fsck(harness, true)).toEqual([]);
});
