import { afterAll, beforeEach, expect, it } from "vitest";
import { memoryEngine, redisEngine, Task } from "../../src/index.ts";
import type { FailureList } from "../../src/monitor/index.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { RedisRig } from "../support/redis-rig.ts";
import { MonitorRig } from "./monitor-rig.ts";

const redis = await RedisRig.start();
const own = redis.client();
afterAll(() => redis.stop());
beforeEach(() => redis.flush());

/** Archives a task of each id, as one that has failed for good. */
async function archive({ client, change }: Archiver, queue: string, ids: readonly string[]): Promise<void> {
  await client.enqueueBatch(ids.map((taskId) => ({ task: new Task(queue), options: { queue, taskId } })));
  for (let at = 0; at < ids.length; at += 500) {
    const tasks = ids.slice(at, at + 500).map((id) => ({ queue, id }));
    await change("/api/changes", { body: { action: "archive", tasks } });
  }
}
type Archiver = { readonly client: MonitorRig["client"]; readonly change: MonitorRig["change"] };

it("shows the failures of every queue, also where the first has more than are looked at", async () => {
  const rig = await MonitorRig.start({ engine: memoryEngine() });
  const archiver = { client: rig.client, change: rig.change.bind(rig) };
  await archive(
    archiver,
    "a-flood",
    Array.from({ length: 5_400 }, (_, nth) => `n${nth}`),
  );
  await archive(archiver, "rare", ["one", "two"]);
  const list = (await rig.send("/api/failures")).json as FailureList;
  expect(list.groups.map(({ type, count }) => [type, count])).toEqual([
    ["a-flood", list.scanned - 2],
    ["rare", 2],
  ]);
  expect(list.total).toBe(5_402);
  expect(list.scanned).toBeGreaterThanOrEqual(5_000);
  expect(list.scanned).toBeLessThan(5_402);
  const one = (await rig.send("/api/failures?queue=rare")).json as FailureList;
  expect([one.scanned, one.total]).toEqual([2, 2]);
});

it("shows the failures and the tasks of the other queues where one cannot be read", async () => {
  const rig = await MonitorRig.start({ engine: redisEngine(redis.url, { logger: silentLogger }) });
  await archive({ client: rig.client, change: rig.change.bind(rig) }, "fine", ["one"]);
  await own.sadd("asynq:queues", "broken");
  await own.set("asynq:{broken}:retry", "no zset");
  expect((await rig.send("/api/failures")).json).toMatchObject({ total: 1, groups: [{ count: 1 }] });
  expect((await rig.send("/api/tasks")).json).toMatchObject({ total: 1, tasks: [{ id: "one" }] });
  for (const path of ["/api/failures?queue=broken", "/api/tasks?queues=broken"]) {
    const { status, json } = await rig.send(path);
    expect([path, status, json.error?.code]).toEqual([path, 502, "REDIS_WRONG_TYPE"]);
  }
  expect((await rig.send("/api/failures?queue=none")).status).toBe(404);
});
