import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { memoryEngine, redisEngine, sqliteEngine, Task } from "../../src/index.ts";
import { decodeTaskMessage, encodeTaskMessage } from "../../src/protocol/codec.ts";
import { redisForFile } from "../support/redis-rig.ts";
import { MonitorRig } from "./monitor-rig.ts";

const redis = await redisForFile();
const directory = mkdtempSync(join(tmpdir(), "tq-unique-lock-"));
afterAll(() => rmSync(directory, { recursive: true }));

const ENGINES = {
  memory: () => memoryEngine(),
  redis: () => redisEngine(redis.url),
  sqlite: () => sqliteEngine(join(directory, "tasks.db")),
};
const MINUTE = 60_000;

it.each(["memory", "redis", "sqlite"] as const)(
  "shows who holds a task's unique lock, on the %s engine",
  async (kind) => {
    const rig = await MonitorRig.start({ engine: ENGINES[kind]() });
    const shown = async (id: string) => {
      const { json } = await rig.send(`/api/queues/default/tasks/${id}`);
      return { ...json.uniqueLock, now: json.now };
    };
    await rig.client.enqueue(new Task("plain"), { taskId: "plain" });
    await rig.client.enqueue(new Task("mail", { to: 1 }), {
      taskId: "first",
      unique: "12m",
      processIn: "1h",
    });
    expect((await rig.send("/api/queues/default/tasks/plain")).json.uniqueLock).toBeNull();
    const first = await shown("first");
    expect(first.holder).toBe("first");
    // From the time that it is scheduled for.
    expect(first.until - first.now).toBeGreaterThan(71 * MINUTE);
    expect(first.until - first.now).toBeLessThanOrEqual(72 * MINUTE + 1_000);

    await rig.change("/api/queues/default/tasks/first", { method: "DELETE", body: {} });
    await rig.client.enqueue(new Task("mail", { to: 1 }), { taskId: "second", unique: "1h" });
    expect((await shown("second")).holder).toBe("second");
  },
);

it("shows a lock that another task holds, one that is free, and a task whose lock is no lock", async () => {
  await redis.flush();
  redis.expectDamage("I12");
  const rig = await MonitorRig.start({ engine: redisEngine(redis.url) });
  const lockOf = async () => (await rig.send("/api/queues/default/tasks/one")).json.uniqueLock;
  await rig.client.enqueue(new Task("mail"), { taskId: "one", unique: "1h" });
  const client = redis.client();
  const [key = ""] = await client.keys("asynq:{default}:unique:*");
  await client.set(key, "other");
  expect(await lockOf()).toEqual({ holder: "other", until: null });
  await client.del(key);
  expect(await lockOf()).toEqual({ holder: null, until: null });
  await client.rpush(key, "x");
  expect(await lockOf()).toBeNull();
});

it("tells nothing of a key that is no lock of the queue, whatever a message names", async () => {
  await redis.flush();
  const rig = await MonitorRig.start({ engine: redisEngine(redis.url) });
  const client = redis.client();
  await rig.client.enqueue(new Task("mail"), { queue: "secret", taskId: "theirs", unique: "1h" });
  await rig.client.enqueue(new Task("mail"), { taskId: "mine", unique: "1h" });
  const [key = ""] = await client.keys("asynq:{secret}:unique:*");
  const message = decodeTaskMessage((await client.hgetBuffer("asynq:{default}:t:mine", "msg"))!);
  await client.hset("asynq:{default}:t:mine", "msg", encodeTaskMessage({ ...message, uniqueKey: key }));
  const { status, json } = await rig.send("/api/queues/default/tasks/mine");
  expect([status, json.state, json.uniqueLock]).toEqual([200, "pending", { holder: null, until: null }]);
});
