import { afterAll, beforeEach, expect, it } from "vitest";
import { redisEngine, Task } from "../../src/index.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { systemRuntime } from "../../src/runtime/runtime.ts";
import { FakeClock, fakeRuntime } from "../../src/testing/index.ts";
import { RedisRig } from "../support/redis-rig.ts";
import { type Answer, MonitorRig } from "./monitor-rig.ts";
import { Tab } from "./tab.ts";

const redis = await RedisRig.start();
const own = redis.client();
afterAll(() => redis.stop());
beforeEach(() => redis.flush());

const QUEUES = 10_000;

/** An answer to which what was seen before does not count. */
async function fresh(rig: MonitorRig, path: string): Promise<Answer> {
  await rig.change("/api/queues/q-1/pause");
  return rig.send(path);
}

it("looks at 10,000 queues, and tells of what has changed alone", {
  timeout: 120_000,
}, async () => {
  const clock = new FakeClock();
  const runtime = { ...fakeRuntime({ seed: 1 }), clock };
  const rig = await MonitorRig.start({ engine: redisEngine(redis.url, { logger: silentLogger }), runtime });
  await rig.client.enqueue(new Task("t", {}), { queue: "q-0", taskId: "first" });
  const message = await own.hgetBuffer("asynq:{q-0}:t:first", "msg");
  const writes = own.pipeline();
  for (let nth = 1; nth < QUEUES; nth += 1) {
    writes.sadd("asynq:queues", `q-${nth}`);
    writes.lpush(`asynq:{q-${nth}}:pending`, "first");
    writes.hset(`asynq:{q-${nth}}:t:first`, { msg: message!, state: "pending", pending_since: "1" });
  }
  await writes.exec();
  const queues = await fresh(rig, "/api/queues");
  expect(queues.json.queues).toHaveLength(QUEUES);
  const snapshot = await fresh(rig, "/api/snapshot?topics=overview");
  expect(snapshot.json.overview.totals.queues).toBe(QUEUES);
  const tasks = await fresh(rig, "/api/tasks");
  expect(tasks.json.tasks).toHaveLength(50);
  expect(tasks.json.total).toBe(QUEUES);
  const one = await fresh(rig, "/api/queues/q-77");
  expect(one.json.row).toMatchObject({ queue: "q-77", pending: 1 });
  await fresh(rig, "/metrics");

  const tab = await Tab.open(rig.url);
  const first = await tab.next();
  expect(first.data.overview?.queues).toHaveLength(QUEUES);
  await rig.client.enqueue(new Task("t", {}), { queue: "q-5" });
  await clock.advance(1_000);
  // Rates are known from the second look on.
  let delta = await tab.next();
  for (let look = 0; look < 3 && delta.data.overview?.queues?.length !== 1; look += 1) {
    await rig.client.enqueue(new Task("t", {}), { queue: "q-5" });
    await clock.advance(1_000);
    delta = await tab.next();
  }
  expect(delta.data.overview?.queues).toMatchObject([{ queue: "q-5" }]);
  expect(JSON.stringify(delta.data).length).toBeLessThan(30_000);
  await tab.close();
});

it("shows the beginning of a payload of 10 MB, and hands out all of it", async () => {
  const rig = await MonitorRig.start({ engine: redisEngine(redis.url, { logger: silentLogger }) });
  const size = 10 * 1_048_576;
  const payload = new Uint8Array(size).fill(120);
  payload.set([121, 122], size - 2);
  // More than our client sends; Go's has no limit.
  await rig.client.enqueue(new Task("big", new Uint8Array([120])), { taskId: "big-0" });
  const [type, id] = [Buffer.from("big"), Buffer.from("big-0")];
  const message = Buffer.concat([
    Buffer.from([0x0a, type.length]),
    type,
    // The length of 10 MiB, seven bits a byte.
    Buffer.from([0x12, 0x80, 0x80, 0x80, 0x05]),
    payload,
    Buffer.from([0x1a, id.length]),
    id,
    Buffer.from([0x22, 7]),
    Buffer.from("default"),
  ]);
  await own.hset("asynq:{default}:t:big-0", "msg", message);

  const list = await rig.send("/api/queues/default/tasks?state=pending");
  expect(list.json.tasks).toMatchObject([{ id: "big-0", type: "big", payloadBytes: size }]);
  expect(list.text.length).toBeLessThan(2_000);
  expect((await rig.send("/api/tasks")).text.length).toBeLessThan(2_000);
  expect((await rig.send("/api/failures")).text.length).toBeLessThan(2_000);
  const before = process.memoryUsage();
  for (let time = 0; time < 10; time += 1) {
    const detail = await rig.send("/api/queues/default/tasks/big-0");
    expect(detail.json.payload).toMatchObject({ bytes: size, kind: "text", truncated: true });
    expect(detail.text.length).toBeLessThan(70_000);
  }
  // Payloads lie outside of the heap; of neither kind is more kept than of a few answers.
  const after = process.memoryUsage();
  expect(after.heapUsed - before.heapUsed).toBeLessThan(4 * size);
  expect(after.external - before.external).toBeLessThan(11 * size);
  const whole = await rig.send("/api/queues/default/tasks/big-0/payload");
  expect(whole.status).toBe(200);
  expect(whole.text.length).toBe(size);
  expect(whole.text.endsWith("xyz")).toBe(true);
});

it.each([-2, 2])("goes by the engine's clock where its own is off by %i hours", async (hours) => {
  const skew = hours * 3_600_000;
  const clock = {
    now: () => systemRuntime.clock.now() + skew,
    monotonic: () => systemRuntime.clock.monotonic(),
    setTimer: (ms: number, callback: () => void) => systemRuntime.clock.setTimer(ms, callback),
  };
  const runtime = { ...systemRuntime, clock };
  const rig = await MonitorRig.start({
    engine: redisEngine(redis.url, { runtime, logger: silentLogger }),
    runtime,
  });
  await rig.client.enqueue(new Task("t", {}), { taskId: "old" });
  await rig.client.enqueue(new Task("t", {}), { taskId: "later", processIn: "1h" });
  const time = async (): Promise<number> => Number((await own.time())[0]) * 1_000;
  const anHourAgo = (await time()) - 3_600_000;
  await own.hset("asynq:{default}:t:old", "pending_since", `${anHourAgo}000000`);
  const near = (at: number, wanted: number): boolean => Math.abs(at - wanted) < 10_000;
  const paths = [
    "/api/session",
    "/api/snapshot?topics=overview",
    "/api/queues",
    "/api/queues/default",
    "/api/queues/default/tasks?state=pending",
    "/api/queues/default/tasks/old",
    "/api/tasks",
    "/api/servers",
    "/api/schedulers",
    "/api/failures",
    "/api/metrics",
    "/api/engine",
    "/api/spec?spec=@daily",
  ];
  for (const path of paths) {
    const { json } = await rig.send(path);
    expect([path, near(json.now, await time())]).toEqual([path, true]);
  }
  const { queues } = (await rig.send("/api/queues")).json;
  expect(near(queues[0].oldestAt, anHourAgo)).toBe(true);
  const { health, totals } = (await rig.send("/api/snapshot?topics=overview")).json.overview;
  expect(near(totals.oldestAt, anHourAgo)).toBe(true);
  expect(health.findings.map(({ code }: { code: string }) => code)).toEqual(["no-server"]);
  const later = (await rig.send("/api/queues/default/tasks/later")).json;
  expect(near(later.nextProcessAt, (await time()) + 3_600_000)).toBe(true);
  const { engine } = (await rig.send("/api/session")).json;
  expect(near(engine.since, await time())).toBe(true);
  await rig.change("/api/queues/default/tasks/old/run");
  const [line] = (await rig.send("/api/audit")).json.lines;
  expect(near(line.at, await time())).toBe(true);
});
