import { describe, expect, it } from "vitest";
import type { RedisCommands, RedisReply } from "../../../src/engine/redis/redis-commands.ts";
import { changeTasks } from "../../../src/engine/redis/scripts.gen.ts";
import { QueueNotEmptyError } from "../../../src/errors.ts";
import { deleteQueue } from "../../../src/inspector/delete-queue.ts";
import { queueKeys } from "../../../src/protocol/keys.ts";
import { enqueued, message, running, settled, unique } from "../../contract/tasks.ts";
import { redisForFile } from "../../support/redis-rig.ts";
import { guarded } from "./guarded.ts";
import { harnessesOn } from "./harness.ts";

const redis = await redisForFile();
const open = harnessesOn(redis);

const q = "default";
const keys = queueKeys(q);

describe("changing what is damaged in Redis", () => {
  it("deletes a hash that lies in no container, whatever it says, and puts one with a message back", async () => {
    const { client, inspection } = await open();
    const bytes = "\x0a\x01a";
    await client.hset(`${keys.taskPrefix}lost`, { msg: bytes, state: "archived" });
    await client.hset(`${keys.taskPrefix}active`, { msg: bytes, state: "active" });
    await client.hset(`${keys.taskPrefix}stub`, { state: "active" });
    await client.hset(`${keys.taskPrefix}late`, { result: "42" });
    await client.hset(`${keys.taskPrefix}foreign`, { msg: bytes, state: "dreaming" });
    await client.hset(`${keys.taskPrefix}back`, { msg: bytes, state: "retry" });

    expect(await inspection.changeTasks(q, "run", ["stub", "late", "back"])).toEqual([
      { status: "missing" },
      { status: "missing" },
      { status: "changed" },
    ]);
    expect(await client.lrange(keys.pending, 0, -1)).toEqual(["back"]);
    const all = ["lost", "active", "stub", "late", "foreign", "back"];
    const answers = await inspection.changeTasks(q, "delete", all);
    expect(answers.map(({ status }) => status)).toEqual(all.map(() => "changed"));
    expect(await client.keys("asynq:*")).toEqual([]);
  });

  it("deletes an id that has no task, wherever it is listed", async () => {
    const { client, inspection } = await open();
    await client.lpush(keys.pending, "ghost", "other", "ghost");
    await client.zadd(keys.archived, 1, "ghost", 2, "gone");
    expect(await inspection.changeTasks(q, "archive", ["ghost"])).toEqual([{ status: "missing" }]);
    expect(await inspection.changeTasks(q, "delete", ["ghost", "gone", "never"])).toEqual([
      { status: "changed" },
      { status: "changed" },
      { status: "missing" },
    ]);
    expect(await client.lrange(keys.pending, 0, -1)).toEqual(["other"]);
    expect(await client.exists(keys.archived)).toBe(0);
    await client.flushall();
  });

  it("lets a key of another type fail no task but those that need it", async () => {
    const engine = await open();
    const { client, inspection } = engine;
    const good = await enqueued(engine, q);
    const grouped = await enqueued(engine, q, { groupKey: "g" });
    const scheduled = await enqueued(engine, q, {}, { processAt: engine.broker.now() + 60_000 });
    await client.set(`${keys.taskPrefix}text`, "not a hash");
    await client.del(keys.scheduled);
    await client.set(keys.scheduled, "not a zset");
    await client.del(`${keys.groupPrefix}g`);
    await client.set(`${keys.groupPrefix}g`, "not a zset");

    const answers = await inspection.changeTasks(q, "archive", ["text", grouped, scheduled, good]);
    expect(answers.map(({ status }) => status)).toEqual(["failed", "failed", "failed", "changed"]);
    expect(answers).toMatchObject([
      { error: { code: "REDIS_WRONG_TYPE", key: `${keys.taskPrefix}text` } },
      { error: { key: `${keys.groupPrefix}g` } },
      { error: { key: keys.scheduled } },
      {},
    ]);
    expect(await client.get(`${keys.taskPrefix}text`)).toBe("not a hash");
    await client.flushall();
  });

  it("takes what is listed without its task out of the way of all of a state", async () => {
    const engine = await open();
    const { client, inspection } = engine;
    const id = await enqueued(engine, q, {}, { processAt: engine.broker.now() + 60_000 });
    await client.zadd(keys.scheduled, 1, "ghost", 2, "text", 3, "elsewhere");
    await client.set(`${keys.taskPrefix}text`, "not a hash");
    await client.hset(`${keys.taskPrefix}elsewhere`, { msg: "x", state: "archived" });
    expect(await inspection.changeSome(q, "run", { state: "scheduled" }, 10)).toEqual({
      handled: 4,
      changed: 1,
    });
    expect(await client.lrange(keys.pending, 0, -1)).toEqual([id]);
    expect(await client.hget(`${keys.taskPrefix}elsewhere`, "state")).toBe("archived");
    await client.flushall();
  });

  it("estimates what a queue takes beside ghosts, empty groups and keys of another type", async () => {
    const engine = await open();
    await enqueued(engine, q);
    await engine.client.lpush(keys.pending, "ghost");
    await engine.client.sadd(keys.groups, "empty");
    await engine.client.set(keys.retry, "not a zset");
    expect(await engine.inspection.memoryUsage(q)).toBeGreaterThan(100);
    await engine.client.flushall();
  });

  it("leaves a task to the aggregator that works on it", async () => {
    const engine = await open();
    const id = await enqueued(engine, q, { groupKey: "g" });
    const set = `${keys.groupPrefix}g:00000000-0000-4000-8000-000000000001`;
    await engine.client.rename(`${keys.groupPrefix}g`, set);
    await engine.client.srem(keys.groups, "g");
    await engine.client.zadd(keys.aggregationSets, Math.ceil(engine.broker.now() / 1_000) + 120, set);
    for (const change of ["run", "archive", "delete"] as const) {
      expect(await engine.inspection.changeTasks(q, change, [id])).toEqual([{ status: "active" }]);
    }
    const { tasks } = await engine.inspection.scanTasks(q, "aggregating", undefined, 10);
    expect(tasks).toMatchObject([{ id, state: "aggregating" }]);
  });
});

describe("a long pending list", () => {
  /** Longer than what one script may look through. */
  const MANY = 250_000;
  const FILL = `for i = 1, ${MANY} do redis.call('LPUSH', KEYS[1], 'x' .. i) end`;

  it("is searched in parts for a task to be deleted, which leaves nothing in its place", async () => {
    const engine = await open();
    const { client, inspection } = engine;
    const first = await enqueued(engine, q);
    await client.eval(FILL, 1, keys.pending);
    const second = await enqueued(engine, q);
    await client.eval(FILL, 1, keys.pending);
    const third = await enqueued(engine, q);
    const answers = await inspection.changeTasks(q, "delete", [third, "none", first, second]);
    expect(answers.map(({ status }) => status)).toEqual(["changed", "missing", "changed", "changed"]);
    expect(await client.llen(keys.pending)).toBe(2 * MANY);
    expect(await client.lpos(keys.pending, "")).toBeNull();
    await client.flushall();
  });

  it("is walked through once for all that a call takes out of one half", async () => {
    const engine = await open();
    const { client, inspection } = engine;
    const ids: string[] = [];
    await client.eval(FILL, 1, keys.pending);
    for (let i = 0; i < 20; i += 1) {
      ids.push(await enqueued(engine, q));
      await client.lpush(keys.pending, ...Array.from({ length: 3_000 }, (_, n) => `y${i}-${n}`));
    }
    await client.eval(FILL, 1, keys.pending);
    await client.config("RESETSTAT");
    const answers = await inspection.changeTasks(q, "delete", ids);
    expect(answers).toEqual(ids.map(() => ({ status: "changed" })));
    const walks = /cmdstat_lrem:calls=(\d+)/.exec(await client.info("commandstats"))?.[1];
    expect(Number(walks)).toBeLessThanOrEqual(2);
    expect(await client.llen(keys.pending)).toBe(2 * MANY + 60_000);
    expect(await client.lpos(keys.pending, "")).toBeNull();
    await client.flushall();
  });

  it("is searched near where a scan has shown the tasks, though it has moved on", async () => {
    const engine = await open();
    const { client, inspection } = engine;
    await client.eval(FILL, 1, keys.pending);
    const id = await enqueued(engine, q);
    const away = await enqueued(engine, q);
    await client.lpush(keys.pending, ...Array.from({ length: 10 }, (_, n) => `y${n}`));
    const { near = "" } = await inspection.scanTasks(q, "pending", undefined, 20);
    await client.lpush(keys.pending, ...Array.from({ length: 900 }, (_, n) => `z${n}`));
    await client.lrem(keys.pending, 1, away);
    await client.hset(`${keys.taskPrefix}${away}`, "state", "scheduled");
    await client.config("RESETSTAT");
    const options = { from: "pending", near: [near] } as const;
    expect(await inspection.changeTasks(q, "delete", [id, away], options)).toEqual([
      { status: "changed" },
      { status: "missing" },
    ]);
    // Near the place, and not over the whole list.
    const reads = /cmdstat_lrange:calls=(\d+)/.exec(await client.info("commandstats"))?.[1];
    expect(Number(reads)).toBeLessThanOrEqual(2);
    await client.flushall();
  });

  it("may move between the look and the change, but not too far", async () => {
    const engine = await open();
    const { client } = engine;
    const run: RedisCommands["run"] = async ({ source }, names, args) =>
      (await client.eval(source, names.length, ...names.map(String), ...args.map(String))) as RedisReply;
    const ids = await Promise.all(Array.from({ length: 3 }, () => enqueued(engine, q)));
    await client.lpush(keys.pending, ...Array.from({ length: 2_000 }, (_, n) => `x${n}`));
    const { taskPrefix, uniquePrefix, groupPrefix } = keys;
    const change = async (places: number[]) => {
      const now = Date.now();
      const time = { now, deadline: now + 60_000, nowSeconds: Math.floor(now / 1_000), pendingSince: "0" };
      const prefixes = { prefixLength: taskPrefix.length, uniquePrefix, groupPrefix };
      const tasks = ids.map((id) => taskPrefix + id);
      const args = { change: "delete", from: "", ...time, ...prefixes, places };
      return changeTasks.run({ run }, { ...keys, tasks }, args);
    };
    const at = await Promise.all(ids.map((id) => client.lpos(keys.pending, id)));
    const order = [2, 1, 0];
    ids.splice(0, 3, ...order.map((i) => ids[i] as string));
    const places = order.map((i) => at[i] as number);
    expect(await change(places.map((place) => place - 600))).toEqual([5, 5, 5]);
    expect(await client.llen(keys.pending)).toBe(2_003);
    expect(await change(places.map((place) => place - 400))).toEqual([1, 1, 1]);
    expect(await client.llen(keys.pending)).toBe(2_000);
    expect(await client.lpos(keys.pending, "")).toBeNull();
    await client.flushall();
  });
});

guarded(
  redis,
  "deletes a grouped task's lock, which only its message names",
  { script: "change_tasks", text: "lock = unique_key_in(redis.call('HGET', task, 'msg') or '')" },
  async (engine) => {
    const first = unique(q, "k", 60_000, { groupKey: "g" });
    await engine.broker.enqueue([first]);
    await engine.inspection.changeTasks(q, "delete", [first.message.id]);
    expect(await engine.client.exists(first.message.uniqueKey)).toBe(0);
  },
);

guarded(
  redis,
  "does not run a task early that was put off after an operator ran it",
  {
    script: "change_tasks",
    text: "redis.pcall('ZREM', due, task.id)\nif change == 'run' then",
    instead: "if change == 'run' then",
  },
  async (engine) => {
    const id = await enqueued(engine, q, {}, { processAt: engine.broker.now() + 1_500 });
    await engine.inspection.changeTasks(q, "archive", [id]);
    expect(await engine.client.zcard(keys.due)).toBe(0);
  },
);

guarded(
  redis,
  "does not delete a running task, whatever its hash says",
  {
    script: "change_tasks",
    text: "if runs(task.id) then\nreturn nil, ACTIVE\nend\nelseif state == 'pending'",
    instead: "elseif state == 'pending'",
  },
  async (engine) => {
    const attempt = await running(engine, q);
    const answers = await engine.inspection.changeTasks(q, "delete", [attempt.message.id]);
    expect(answers).toEqual([{ status: "active" }]);
    expect(await settled(engine, attempt, { kind: "done" })).toBe("settled");
  },
);

describe("removing a queue from Redis", () => {
  it("leaves nothing, and nothing of its neighbours goes", async () => {
    const engine = await open();
    const { client, inspection } = engine;
    const names = ["a*", "a", "a}:{b", "ab"];
    for (const name of names) await engine.broker.enqueue([{ message: message(name) }]);
    await client.set("asynq:{a*}:unique:type:key", "gone");
    await client.set("asynq:{a*}:processed:2030-01-01", "7");
    await client.set("tq:{a*}:tick:entry", "7");
    await client.hset("asynq:{a*}:t:orphan", { msg: "x", state: "archived" });
    await client.set("other:{a*}:key", "not ours");
    await inspection.changeSome("a*", "delete", { state: "pending" }, 10);
    const before = (await client.keys("*")).filter((key) => !/^(asynq|tq):\{a\*\}/.test(key)).sort();
    let cursor: string | undefined;
    for (;;) {
      const step = await inspection.removeQueue("a*", cursor);
      if (step.status === "removed") break;
      expect(step.status).toBe("more");
      cursor = step.cursor;
    }
    expect((await client.keys("*")).sort()).toEqual(before);
    expect((await client.smembers("asynq:queues")).sort()).toEqual(names.slice(1).sort());
    await client.flushall();
  });

  it("does not take a queue for empty that holds a group which a Go server has forgotten to list", async () => {
    const engine = await open();
    const { broker, client, inspection } = engine;
    await broker.enqueue([{ message: message("q*", { groupKey: "g" }) }]);
    expect(await client.srem("asynq:{q*}:groups", "g")).toBe(1);
    await expect(deleteQueue(inspection, "q*", {})).rejects.toBeInstanceOf(QueueNotEmptyError);
    expect(await client.zcard("asynq:{q*}:g:g")).toBe(1);
    await deleteQueue(inspection, "q*", { force: true });
    expect(await client.keys("*{q*")).toEqual([]);
  });
});
