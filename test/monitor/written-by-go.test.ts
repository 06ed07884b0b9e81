import { afterAll, expect, it } from "vitest";
import { redisEngine } from "../../src/index.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { golden } from "../support/golden.ts";
import { RedisRig } from "../support/redis-rig.ts";
import { MonitorRig } from "./monitor-rig.ts";

interface Vector {
  readonly name?: string;
  readonly fields: { readonly id?: string; readonly queue?: string };
  /** Absent: Go does not write it. */
  readonly hex?: string;
  readonly key?: string;
  readonly workersKey?: string;
  readonly historyKey?: string;
}

interface Records {
  readonly schedulerEnqueueEvents: readonly Vector[];
  readonly schedulerEntries: readonly Vector[];
  readonly schedulerEntriesKey: string;
  readonly servers: readonly Vector[];
  readonly workers: readonly Vector[];
}

const redis = await RedisRig.start();
const own = redis.client();
afterAll(() => redis.stop());

const messages = golden<Vector[]>("task-messages.json");
const records = golden<Records>("records.json");

/** A message of Go's, for another queue than it was made for. */
function message(name: string, queue: string): Buffer {
  const vector = messages.find((each) => each.name === name);
  if (vector === undefined) throw new Error(`there is no message "${name}"`);
  const field = (text: string) =>
    `22${Buffer.from([text.length]).toString("hex")}${Buffer.from(text).toString("hex")}`;
  return Buffer.from(vector.hex!.replace(field("default"), field(queue)), "hex");
}

/** Messages of Go's have this id, so that each state has a queue of its own. */
const ID = "11111111-2222-4333-8444-555555555555";
const LATER = 4_000_000_000;

/** Keys and bytes as Go's client, server and scheduler leave them. */
async function fillAsGo(): Promise<void> {
  const put = async (queue: string, state: string, name: string, more: Record<string, string> = {}) => {
    await own.sadd("asynq:queues", queue);
    await own.hset(`asynq:{${queue}}:t:${ID}`, { msg: message(name, queue), state, ...more });
  };
  const waiting = `${Date.now() - 60_000}000000`;
  await put("default", "active", "A: pending, max retry 1");
  await own.lpush("asynq:{default}:active", ID);
  await own.zadd("asynq:{default}:lease", LATER, ID);
  await put("low", "pending", "default retry", { pending_since: waiting });
  await own.lpush("asynq:{low}:pending", ID);
  await put("again", "retry", "B: A after its first failure");
  await own.zadd("asynq:{again}:retry", LATER, ID);
  await put("dead", "archived", "C: A archived");
  await own.zadd("asynq:{dead}:archived", 1_700_000_050, ID);
  await put("done", "completed", "E: D completed", { result: "ok" });
  await own.zadd("asynq:{done}:completed", LATER, ID);
  await put("groups", "aggregating", "G: group and one header");
  await own.sadd("asynq:{groups}:groups", "digest:42");
  await own.zadd("asynq:{groups}:g:digest:42", 1_700_000_000, ID);

  const [server] = records.servers;
  await own.set(server!.key!, Buffer.from(server!.hex!, "hex"));
  await own.zadd("asynq:servers", LATER, server!.key!);
  await own.hset(server!.workersKey!, ID, Buffer.from(records.workers[0]!.hex!, "hex"));
  await own.zadd("asynq:workers", LATER, server!.workersKey!);
  const [entry] = records.schedulerEntries;
  await own.rpush(records.schedulerEntriesKey, Buffer.from(entry!.hex!, "hex"));
  await own.zadd("asynq:schedulers", LATER, records.schedulerEntriesKey);
  const [event] = records.schedulerEnqueueEvents;
  await own.zadd(entry!.historyKey!, 1_700_000_030, Buffer.from(event!.hex!, "hex"));
}

it("tells right of a Redis that Go alone has written", async () => {
  await fillAsGo();
  expect(await own.keys("tq:*")).toEqual([]);
  const rig = await MonitorRig.start({ engine: redisEngine(redis.url, { logger: silentLogger }) });

  const { overview, servers } = (await rig.send("/api/snapshot?topics=overview,servers")).json;
  expect(overview.totals).toMatchObject({ queues: 6, servers: 1, slots: 10, slotsBusy: 1, failures: 2 });
  const counts = overview.queues.map(
    ({ queue, pending, active, retry, archived, completed, aggregating }: Record<string, unknown>) =>
      [queue, pending, active, retry, archived, completed, aggregating].join(" "),
  );
  expect(counts.sort()).toEqual([
    "again 0 0 1 0 0 0",
    "dead 0 0 0 1 0 0",
    "default 0 1 0 0 0 0",
    "done 0 0 0 0 1 0",
    "groups 0 0 0 0 0 1",
    "low 1 0 0 0 0 0",
  ]);
  expect(servers).toMatchObject([
    { host: "host1", pid: 4242, concurrency: 10, strictPriority: false, version: null, status: "active" },
  ]);
  expect((await rig.send("/api/servers")).json.servers[0].workers).toMatchObject([
    { taskId: ID, queue: "default", type: "email:welcome", startedAt: 1_700_000_001_000 },
  ]);

  const queue = (await rig.send("/api/queues/default")).json;
  expect(queue).toMatchObject({ row: { active: 1, servers: 1, priority: 1 }, servedBy: [{ pid: 4242 }] });
  const task = async (of: string) => (await rig.send(`/api/queues/${of}/tasks/${ID}`)).json;
  expect(await task("default")).toMatchObject({
    type: "email:welcome",
    state: "active",
    damaged: false,
    maxRetry: 1,
    payload: { kind: "json", text: '{"user_id":42}' },
    runningOn: { host: "host1", pid: 4242 },
    attempts: null,
  });
  expect(await task("again")).toMatchObject({
    state: "retry",
    retried: 1,
    error: "smtp: timeout",
    lastFailedAt: 1_700_000_005_000,
    nextProcessAt: LATER * 1_000,
  });
  expect(await task("dead")).toMatchObject({ state: "archived", error: "smtp: refused" });
  expect(await task("done")).toMatchObject({
    state: "completed",
    completedAt: 1_700_000_010_000,
    result: { text: "ok" },
  });
  expect(await task("groups")).toMatchObject({
    state: "aggregating",
    group: "digest:42",
    headers: [{ name: "trace-id", value: "abc123" }],
  });
  expect((await rig.send("/api/queues/groups/groups")).json.groups).toMatchObject([
    { group: "digest:42", size: 1 },
  ]);
  const oldest = (await rig.send("/api/queues/low")).json;
  expect(Math.abs(oldest.now - oldest.row.oldestAt - 60_000)).toBeLessThan(10_000);

  const { entries } = (await rig.send("/api/schedulers")).json;
  expect(entries).toMatchObject([
    { spec: "@every 30s", type: "report:build", queue: "low", stored: false, schedulers: 1, previous: null },
  ]);
  const events = await rig.send(`/api/schedulers/${entries[0].id}/events`);
  // The task of this id in that queue waits.
  expect(events.json.events).toEqual([{ taskId: ID, enqueuedAt: 1_700_000_030_005, outcome: "waiting" }]);
  expect((await rig.send("/api/failures")).json).toMatchObject({ scanned: 2, total: 2 });
  expect((await rig.send("/api/tasks")).json.tasks).toHaveLength(6);
  // Looking leaves nothing behind.
  expect(await own.keys("tq:*")).toEqual([]);
});

it("shows every message that Go can write, where it belongs", async () => {
  const rig = await MonitorRig.start({ engine: redisEngine(redis.url, { logger: silentLogger }) });
  let shown = 0;
  for (const { name, fields, hex } of messages) {
    const { id, queue } = fields;
    if (hex === undefined || id === undefined || queue === undefined) continue;
    await redis.flush();
    await own.sadd("asynq:queues", queue);
    await own.lpush(`asynq:{${queue}}:pending`, id);
    await own.hset(`asynq:{${queue}}:t:${id}`, { msg: Buffer.from(hex, "hex"), state: "pending" });
    const below = `/api/queues/${encodeURIComponent(queue)}/tasks`;
    const listed = await rig.send(`${below}?state=pending`);
    expect([name, listed.json.tasks]).toMatchObject([name, [{ id, damaged: false }]]);
    const { status, json } = await rig.send(`${below}/${encodeURIComponent(id)}`);
    expect([name, status, json]).toMatchObject([name, 200, { id, queue, damaged: false }]);
    shown += 1;
  }
  expect(shown).toBeGreaterThan(15);
});
