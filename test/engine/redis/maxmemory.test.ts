import type { Redis } from "ioredis";
import { describe, expect, it } from "vitest";
import type { ExpiredLease, Leased } from "../../../src/broker/broker.ts";
import type { EnqueueEntry } from "../../../src/broker/enqueue-entry.ts";
import { queueKeys, serverKey, workersKey } from "../../../src/protocol/keys.ts";
import type { ServerInfo } from "../../../src/protocol/server-info.ts";
import { timestampOf } from "../../../src/protocol/timestamp.ts";
import {
  archive,
  counts,
  done,
  enqueued,
  leased,
  message,
  record,
  retry,
  running,
  settled,
  stateOf,
  text,
  unique,
} from "../../contract/tasks.ts";
import { redisForFile } from "../../support/redis-rig.ts";
import { guarded } from "./guarded.ts";
import { harnessesOn, type RedisHarness } from "./harness.ts";

const redis = await redisForFile();
const open = harnessesOn(redis);

const q = "default";
const keys = queueKeys(q);
const OUT_OF_MEMORY = { code: "REDIS_OUT_OF_MEMORY" };

/** What the call answers, or rejects with, while Redis is far beyond its `maxmemory`. */
async function atMaxmemory(call: () => Promise<unknown>): Promise<unknown> {
  await redis.setMaxmemory(-200_000);
  try {
    return await call().catch((error: unknown) => error);
  } finally {
    await redis.setMaxmemory("off");
  }
}

/** Lines of a script, and the same with the two parts changed about. */
function swapped(first: readonly string[], second: readonly string[]): { text: string; instead: string } {
  const lines = (...parts: (readonly string[])[]) => parts.flat().map((each) => `${each}\n`);
  return { text: lines(first, second).join(""), instead: lines(second, first).join("") };
}

// Redis at `maxmemory` refuses the first write of a script that may grow the store, and then nothing was written; but
// once a script has written anything, it may write all. So what must go on begins with a removal.
describe("a Redis that has no memory left", () => {
  guarded(
    redis,
    "lets due tasks move on, wherever they go",
    {
      script: "forward",
      ...swapped(
        [
          "for set, ids in pairs(stale) do",
          "if #ids > 0 then",
          "redis.call('ZREM', set, unpack(ids))",
          "changed = true",
          "end",
          "end",
        ],
        ["if #pushed > 0 then", "redis.call('LPUSH', pending, unpack(pushed))", "end"],
      ),
    },
    async (engine) => {
      const second = Math.ceil(engine.broker.now() / 1_000) * 1_000;
      const plain = await enqueued(engine, q, {}, { processAt: second + 1_000 });
      const exact = await enqueued(engine, q, {}, { processAt: second + 1_250 });
      const grouped = await enqueued(engine, q, { groupKey: "g" }, { processAt: second + 2_000 });
      const blocked = await enqueued(engine, q, { groupKey: "h" }, { processAt: second + 2_000 });
      await engine.client.set(`${keys.groupPrefix}h`, "wrong");
      await engine.clock.advance(5_000);
      expect(await atMaxmemory(() => engine.broker.forward(q, 10))).toMatchObject({ moved: 3 });
      await engine.client.del(`${keys.groupPrefix}h`);
      expect(await engine.client.lrange(keys.pending, 0, -1)).toEqual([exact, plain]);
      expect(await stateOf(engine, q, grouped)).toBe("aggregating");
      expect(await stateOf(engine, q, blocked)).toBe("scheduled");
      expect(await counts(engine, q)).toEqual({ pending: 2, aggregating: 1, scheduled: 1 });
    },
  );

  guarded(
    redis,
    "lets tasks return to their group",
    {
      script: "reclaim_aggregation_sets",
      ...swapped(
        ["if #due > 0 then", "redis.call('ZREM', sets, unpack(due))", "end"],
        [
          "for _, set in ipairs(blocked) do",
          "redis.call('ZADD', sets, math.floor(now / 1000) + 60, set)",
          "end",
          "for _, each in ipairs(found) do",
          "reclaim(each.set, each.size, each.group_key)",
          "end",
        ],
      ),
    },
    async (engine) => {
      const id = await enqueued(engine, q, { groupKey: "g" });
      const group = `${keys.groupPrefix}g`;
      const set = `${group}:11111111-2222-4333-8444-555555555555`;
      await engine.client.rename(group, set);
      await engine.client.del(keys.groups);
      await engine.client.zadd(keys.aggregationSets, 1, set);
      expect(await atMaxmemory(() => engine.broker.reclaimAggregationSets(q))).toBe(1);
      expect(await engine.client.zrange(group, "0", "-1")).toEqual([id]);
      expect(await engine.client.smembers(keys.groups)).toEqual(["g"]);
      expect(await engine.client.exists(set, keys.aggregationSets)).toBe(0);
    },
  );

  guarded(
    redis,
    "keeps the result of a running task, the first and any later one",
    { script: "write_result", text: "redis.call('HDEL', task, 'result')\n" },
    async (engine) => {
      const attempt = await running(engine, q);
      for (const result of ["first", "second"]) {
        const written = () => engine.broker.writeResult(attempt, Buffer.from(result));
        expect(await atMaxmemory(written)).toBe("settled");
        expect(text((await record(engine, q, attempt.message.id)).result)).toBe(result);
      }
      await settled(engine, attempt, done);
    },
  );

  guarded(
    redis,
    "keeps leases from running out",
    { script: "extend_leases", text: "redis.call('ZREM', lease, unpack(extended))\n" },
    async (engine) => {
      const attempt = await running(engine, q);
      await engine.clock.advance(20_000);
      expect(await atMaxmemory(() => engine.broker.extendLeases(q, [attempt]))).toEqual(["extended"]);
      const ends = Math.floor(Number(await engine.client.zscore(keys.lease, attempt.message.id)));
      expect(ends).toBe(Math.ceil(engine.broker.now() / 1_000) + 30);
      await settled(engine, attempt, done);
    },
  );

  guarded(
    redis,
    "brings back a lease that a clock which jumped had put too far ahead",
    {
      script: "list_expired",
      ...swapped(
        ["redis.call('ZREM', lease, id)"],
        ["redis.call('ZADD', lease, math.ceil(seconds) + length + fraction, id)"],
      ),
    },
    async (engine) => {
      const attempt = await running(engine, q);
      const before = Number(await engine.client.zscore(keys.lease, attempt.message.id));
      await engine.client.zadd(keys.lease, before + 3_600, attempt.message.id);
      expect(await atMaxmemory(() => engine.broker.listExpired(q, 10))).toEqual([]);
      expect(Number(await engine.client.zscore(keys.lease, attempt.message.id))).toBe(before);
      await settled(engine, attempt, done);
    },
  );

  guarded(
    redis,
    "lets expired attempts end in both ways",
    {
      script: "recover",
      ...swapped(
        ["redis.call('ZREM', lease, id)", "redis.call('LREM', active, -1, id)"],
        [
          "if kind == 'r' or kind == 's' then",
          "write_retry(id, task, ARGV[arg + 1], ARGV[arg + 2], kind == 'r' and ARGV[arg + 3])",
          "else",
          "write_archive(id, task, kind == 'a' and ARGV[arg + 1], kind == 'a' and ARGV[arg + 2])",
          "end",
        ],
      ),
    },
    async (engine) => {
      await engine.broker.enqueue([1, 2].map(() => ({ message: message(q) })));
      await leased(engine, q, 2);
      await engine.clock.advance(62_000);
      const [a, b] = (await engine.broker.listExpired(q, 10)) as [ExpiredLease, ExpiredLease];
      const recoveries = [
        { expired: a, settlement: retry(a, engine.broker.now() + 20_000) },
        { expired: b, settlement: archive(b) },
      ];
      expect(await atMaxmemory(() => engine.broker.recover(q, recoveries))).toEqual(["settled", "settled"]);
      expect(await counts(engine, q)).toEqual({ retry: 1, archived: 1 });
    },
  );

  const server: ServerInfo = {
    ...{ host: "h", pid: 1, serverId: "s", concurrency: 1, queues: new Map([[q, 1]]), strictPriority: false },
    ...{ status: "active", startTime: timestampOf(1_700_000_000_000), activeWorkerCount: 1 },
  };
  const worker = {
    ...{ host: server.host, pid: server.pid, serverId: server.serverId, queue: q },
    ...{ taskId: "task", taskType: "work", taskPayload: Buffer.alloc(0) },
    ...{ startTime: server.startTime, deadline: server.startTime },
  };

  for (const guard of [
    { script: "list_record", text: "redis.call('ZREM', index, record)\n" },
    { script: "write_server_state", text: "redis.call('DEL', workers)\n" },
  ]) {
    guarded(
      redis,
      `still shows a server and what it runs, at its first heartbeat and at the next (${guard.script})`,
      guard,
      async (engine) => {
        const [info, workers] = [serverKey(server), workersKey(server)];
        for (const busy of [[worker], []]) {
          const written = () => engine.broker.writeServerState(server, busy, 10_000);
          expect(await atMaxmemory(written)).toBeUndefined();
          expect(await engine.client.zrange("asynq:servers", "0", "-1")).toEqual([info]);
          expect(await engine.client.zrange("asynq:workers", "0", "-1")).toEqual([workers]);
          expect(await engine.client.ttl(info)).toBeGreaterThan(0);
          expect(await engine.client.hkeys(workers)).toEqual(busy.map(({ taskId }) => taskId));
        }
        await engine.broker.clearServerState(server);
      },
    );
  }

  it("lets what only removes go on", async () => {
    const engine = await open();
    const finished: Leased[] = [];
    for (let i = 0; i < 2; i += 1) finished.push(await running(engine, q));
    const [a, b] = finished as [Leased, Leased];
    const expireAt = engine.broker.now() + 1_000;
    const completed = { kind: "complete", message: { ...a.message, retention: 1 }, expireAt } as const;
    await settled(engine, a, completed);
    await settled(engine, b, archive(b));
    await engine.clock.advance(91 * 86_400_000);
    expect(await atMaxmemory(() => engine.broker.deleteExpired(q, 10))).toBe(1);
    expect(await atMaxmemory(() => engine.broker.trimArchive(q, 10))).toBe(1);
    expect(await counts(engine, q)).toEqual({});
  });
});

/** Every key with its value, as bytes. */
async function contents(client: Redis): Promise<Record<string, string | undefined>> {
  const names = (await client.keys("*")).sort();
  const dumps = await Promise.all(names.map((name) => client.dumpBuffer(name)));
  return Object.fromEntries(names.map((name, i) => [name, dumps[i]?.toString("base64")]));
}

describe("what adds to a Redis that has no memory left", () => {
  const later = (engine: RedisHarness) => Math.ceil(engine.broker.now() / 1_000) * 1_000 + 1_250;

  const kinds: Readonly<Record<string, (engine: RedisHarness) => EnqueueEntry[]>> = {
    "plain tasks": () => [{ message: message(q) }, { message: message(q) }],
    "a task for later": (engine) => [{ message: message(q), processAt: later(engine) }],
    "a unique task": () => [unique(q, "key")],
    "a task of a group": () => [{ message: message(q, { groupKey: "g" }) }],
    "tasks of several kinds": (engine) => [
      { message: message(q) },
      unique(q, "key"),
      { message: message(q, { groupKey: "g" }) },
      { message: message(q), processAt: later(engine) },
    ],
  };

  for (const [what, entriesOf] of Object.entries(kinds)) {
    it(`is refused by name, and nothing of it stored: ${what}`, async () => {
      const engine = await open();
      // Neither the queue nor its containers are new.
      await enqueued(engine, q);
      const entries = entriesOf(engine);
      const before = await contents(engine.client);
      const answers = await atMaxmemory(() => engine.broker.enqueue(entries));
      expect(answers).toMatchObject(entries.map(() => ({ status: "failed", error: OUT_OF_MEMORY })));
      expect(await contents(engine.client)).toEqual(before);
      const again = await engine.broker.enqueue(entries);
      expect(again).toMatchObject(entries.map(() => ({ status: "enqueued" })));
    });
  }

  it("is refused by name, and a finished task stays that was to make room", async () => {
    const engine = await open();
    const old = await running(engine, q);
    await settled(engine, old, archive(old));
    const entry = { message: message(q, { id: old.message.id }), replaceFinished: true };
    const before = await contents(engine.client);
    const answers = await atMaxmemory(() => engine.broker.enqueue([entry]));
    expect(answers).toMatchObject([{ status: "failed", error: OUT_OF_MEMORY }]);
    expect(await contents(engine.client)).toEqual(before);
    expect(await engine.broker.enqueue([entry])).toMatchObject([{ status: "enqueued" }]);
  });

  it("stores all of a task whose id must be freed first, for that is a removal", async () => {
    const engine = await open();
    await engine.client.hset(`${keys.taskPrefix}stub`, "state", "active");
    const entries = [{ message: message(q, { id: "stub" }) }, { message: message(q) }];
    const answers = await atMaxmemory(() => engine.broker.enqueue(entries));
    expect(answers).toMatchObject([{ status: "enqueued" }, { status: "enqueued" }]);
    expect(await counts(engine, q)).toEqual({ pending: 2 });
  });
});
