import { expect, it } from "vitest";
import { Client, redisEngine, Task } from "../../src/index.ts";
import { createMonitor, type Monitor } from "../../src/monitor/index.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { FakeClock, fakeRuntime } from "../../src/testing/index.ts";
import { redisForFile } from "../support/redis-rig.ts";
import { MonitorRig } from "./monitor-rig.ts";
import { Tab } from "./tab.ts";

const redis = await redisForFile();

async function clocked(): Promise<{ rig: MonitorRig; clock: FakeClock }> {
  await redis.flush();
  const clock = new FakeClock();
  const runtime = { ...fakeRuntime({ seed: 1 }), clock };
  const rig = await MonitorRig.start({ engine: redisEngine(redis.url), runtime });
  await rig.client.enqueue(new Task("a", {}), { queue: "low" });
  return { rig, clock };
}

const counter = redis.client();

/** Asks a monitor that nobody listens to. */
function ask(monitor: Monitor): Promise<Response> {
  const url = "http://localhost/api/live?topics=overview";
  return monitor.fetch(new Request(url, { headers: { host: "localhost" } }), { address: "127.0.0.1" });
}

async function commands(): Promise<number> {
  const info = await counter.info("stats");
  return Number(/total_commands_processed:(\d+)/.exec(info)![1]);
}

it("costs Redis the same for 200 tabs as for one, and nothing for none", async () => {
  const { rig, clock } = await clocked();
  const first = await Tab.open(rig.url);
  await first.next();
  const costOf = async (looks: number) => {
    const before = await commands();
    for (let look = 0; look < looks; look += 1) {
      await clock.advance(1_000);
      await first.next();
    }
    return (await commands()) - before;
  };
  await costOf(2);
  const forOne = await costOf(10);
  const tabs: Tab[] = [];
  for (let tab = 1; tab < 200; tab += 1) tabs.push(await Tab.open(rig.url));
  for (const tab of tabs) expect((await tab.next()).name).toBe("snapshot");
  const forAll = await costOf(10);
  for (const tab of tabs) expect((await tab.next()).name).toBe("delta");
  console.log(`commands for 10 looks: ${forOne} with 1 stream, ${forAll} with 200`);
  expect(Math.abs(forAll - forOne)).toBeLessThanOrEqual(forOne / 10);

  await Promise.all([first, ...tabs].map((tab) => tab.close()));
  await expect.poll(() => clock.pendingTimers, { interval: 5 }).toBe(0);
  const before = await commands();
  await clock.advance(60_000);
  expect((await commands()) - before).toBe(1);
});

it("tells what has changed, and of queues that are asked for alone", async () => {
  const { rig, clock } = await clocked();
  const all = await Tab.open(rig.url);
  const low = await Tab.open(rig.url, "queue:low,queue:none");
  expect((await all.next()).data.overview!.queues).toMatchObject([{ queue: "low", pending: 1 }]);
  const snapshot = await low.next();
  expect(snapshot.data.queues).toMatchObject({ low: { row: { pending: 1 } }, none: null });
  await rig.client.enqueue(new Task("b", {}), { queue: "low" });
  await rig.client.enqueue(new Task("b", {}), { queue: "high" });
  await clock.advance(1_000);
  const delta = await all.next();
  expect(delta.name).toBe("delta");
  expect(delta.data.overview!.queues!.map(({ queue, pending }) => [queue, pending])).toEqual([
    ["high", 1],
    ["low", 2],
  ]);
  expect((await low.next()).data.queues).toMatchObject({ low: { row: { pending: 2 } } });
});

it("goes on where a stream broke off, and begins anew where that is too long ago", async () => {
  const { rig, clock } = await clocked();
  const keeps = await Tab.open(rig.url);
  await keeps.next();
  const tab = await Tab.open(rig.url);
  const { id } = await tab.next();
  await tab.close();
  await rig.client.enqueue(new Task("b", {}), { queue: "missed" });
  await clock.advance(1_000);
  await keeps.next();
  const again = await Tab.open(rig.url, "overview", { "last-event-id": id });
  const resumed = await again.next();
  expect(resumed.name).toBe("delta");
  expect(resumed.data.overview!.queues!.map(({ queue }) => queue)).toContain("missed");
  const other = await Tab.open(rig.url, "overview", { "last-event-id": "somebody-5" });
  expect((await other.next()).name).toBe("snapshot");
});

it("sends a comment every 15 seconds, for proxies", async () => {
  const { rig, clock } = await clocked();
  const tab = await Tab.open(rig.url, "operations");
  await tab.next();
  const comment = tab.comment();
  await clock.advance(15_000);
  expect(await comment).toBe(": still here");
});

it("ends a stream whose first look is not over, and opens none, once it is closed", async () => {
  const engine = redisEngine(redis.url, { commandTimeout: "200ms", logger: silentLogger });
  await using monitor = createMonitor({ engine, logger: silentLogger });
  redis.pause();
  const response = await ask(monitor);
  await monitor.close();
  redis.resume();
  expect(response.status).toBe(200);
  expect((await response.body!.getReader().read()).done).toBe(true);
  const late = await ask(monitor);
  expect([late.status, await late.json()]).toMatchObject([503, { error: { code: "CLOSED" } }]);
});

it("counts streams whose first look is not over, too", async () => {
  const engine = redisEngine(redis.url, { commandTimeout: "10s", logger: silentLogger });
  await using monitor = createMonitor({ engine, logger: silentLogger });
  redis.pause();
  const asked = Array.from({ length: 502 }, () => ask(monitor));
  const statuses = (await Promise.all(asked)).map(({ status }) => status);
  redis.resume();
  expect(statuses.filter((status) => status === 503)).toHaveLength(2);
  // Those that are left make room.
  for (const response of await Promise.all(asked)) await response.body?.cancel();
  const again = await ask(monitor);
  expect(again.status).toBe(200);
  await again.body?.cancel();
});

it("says that the engine is away, and since when, and that it is back", async () => {
  await using client = new Client(redis.url);
  await client.enqueue(new Task("a", {}));
  const engine = redisEngine(redis.url, { commandTimeout: "200ms", logger: silentLogger });
  await using monitor = createMonitor({ engine, logger: silentLogger });
  const url = new URL(await monitor.listen({ port: 0 }));
  const tab = await Tab.open(url);
  expect((await tab.next()).data.engine!.status).toBe("up");
  redis.pause();
  const event = await tab.until("down");
  expect(event.data.overview!.health).toMatchObject({
    status: "bad",
    findings: [{ code: "engine-away" }],
  });
  expect((await fetch(new URL("/api/queues", url))).status).toBe(503);
  expect((await fetch(new URL("/", url))).status).toBe(200);
  redis.resume();
  await tab.until("up");
  await tab.close();
});
