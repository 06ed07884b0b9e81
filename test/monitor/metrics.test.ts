import { expect, it } from "vitest";
import { memoryEngine, Server, Task } from "../../src/index.ts";
import type { MetricsReport, MetricsSeries } from "../../src/monitor/api.ts";
import { ROUTE_SCHEMAS, SCHEMAS } from "../../src/monitor/openapi.gen.ts";
import { complaintOf } from "../../src/monitor/schema.ts";
import { ROLLUP_LENGTH } from "../../src/protocol/rollup.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { MonitorRig } from "./monitor-rig.ts";

async function report(rig: MonitorRig, query = ""): Promise<MetricsReport> {
  const { status, json } = await rig.send(`/api/metrics${query}`);
  expect(status).toBe(200);
  expect(complaintOf(json, ROUTE_SCHEMAS["GET /api/metrics"].answer ?? {}, SCHEMAS)).toBeUndefined();
  return json as MetricsReport;
}

it("shows what a server has measured, and the attempts of what failed", async () => {
  const engine = memoryEngine();
  const rig = await MonitorRig.start({ engine });
  const server = new Server(engine, { queues: { default: 1, low: 1 }, logger: silentLogger });
  let settled = 0;
  const all = new Promise<void>((resolve) => {
    server.on("taskSettled", () => {
      settled += 1;
      if (settled === 3) resolve();
    });
  });
  await server.start(({ type }) => {
    if (type === "bad") throw new Error("no route");
  });
  await rig.client.enqueue(new Task("good", {}));
  await rig.client.enqueue(new Task("good", {}));
  await rig.client.enqueue(new Task("bad", {}), { queue: "low", taskId: "one", maxRetry: 0 });
  await all;
  await server.shutdown();

  const { now, from, step, series, truncated } = await report(rig);
  expect([step, truncated]).toEqual([ROLLUP_LENGTH, false]);
  expect(now - from).toBeGreaterThanOrEqual(3_600_000);
  expect(series.map(({ queue, type, totals }) => [queue, type, totals.processed, totals.failed])).toEqual([
    ["default", null, 2, 0],
    ["default", "good", 2, 0],
    ["low", null, 1, 1],
    ["low", "bad", 1, 1],
  ]);
  expect(series[0]?.totals.wait?.p50).toBeGreaterThanOrEqual(1);
  expect(series[0]?.points.filter((point) => point !== null).length).toBeGreaterThan(0);
  expect((await report(rig, "?queue=low&range=24h")).series.map(({ queue }) => queue)).toEqual([
    "low",
    "low",
  ]);
  expect((await rig.send("/api/metrics?queue=none")).status).toBe(404);
  expect((await rig.send("/api/metrics?range=2h")).status).toBe(400);

  const { json } = await rig.send("/api/queues/low/tasks/one");
  expect(json.attempts).toEqual([
    {
      at: expect.any(Number),
      outcome: "archive",
      cause: "exhausted",
      duration: expect.any(Number),
      server: expect.stringMatching(/:\d+$/),
      error: "no route",
    },
  ]);
});

it("shows the busiest of many, and says that there are more", async () => {
  const engine = memoryEngine();
  const rig = await MonitorRig.start({ engine });
  const at = Math.floor(engine.broker.now() / ROLLUP_LENGTH) * ROLLUP_LENGTH;
  const measured = (processed: number) => ({ processed, failed: 0, wait: {}, run: {} });
  for (let n = 0; n < 60; n += 1) {
    const queue = `q${String(n).padStart(2, "0")}`;
    await rig.client.enqueue(new Task("t", {}), { queue });
    await engine.rollups.add(queue, at, new Map([1, 2, 3, 4].map((t) => [`t${t}`, measured(t * (n + 1))])));
  }
  const { series, truncated } = await report(rig);
  expect(truncated).toBe(true);
  expect(series).toHaveLength(200);
  const whole = (each: MetricsSeries) => each.type === null;
  expect(series.filter(whole)).toHaveLength(50);
  expect((await report(rig, "?queue=q07")).series.map(({ type }) => type)).toEqual([
    null,
    "t4",
    "t3",
    "t2",
    "t1",
  ]);
});

it("shows nobody what they may not see", async () => {
  const engine = memoryEngine();
  const rig = await MonitorRig.start({
    engine,
    authorize: () => ({ user: "a", role: "view", queues: ["low*"] }),
  });
  const at = Math.floor(engine.broker.now() / ROLLUP_LENGTH) * ROLLUP_LENGTH;
  for (const queue of ["low1", "default"]) {
    await rig.client.enqueue(new Task("t", {}), { queue });
    await engine.rollups.add(queue, at, new Map([["t", { processed: 1, failed: 0, wait: {}, run: {} }]]));
  }
  expect((await report(rig)).series.map(({ queue }) => queue)).toEqual(["low1", "low1"]);
  expect((await rig.send("/api/metrics?queue=default")).status).toBe(404);
});

it("shows the same length of time a day earlier", async () => {
  const engine = memoryEngine();
  const rig = await MonitorRig.start({ engine });
  await rig.client.enqueue(new Task("t", {}));
  const at = Math.floor(engine.broker.now() / ROLLUP_LENGTH) * ROLLUP_LENGTH;
  const measured = (processed: number) => new Map([["t", { processed, failed: 0, wait: {}, run: {} }]]);
  await engine.rollups.add("default", at, measured(1));
  await engine.rollups.add("default", at - 24 * 3_600_000, measured(2));
  await engine.rollups.add("default", at - 46 * 3_600_000, measured(4));
  const processed = async (query: string) => (await report(rig, query)).series[0]?.totals.processed;
  expect(await processed("?range=1h")).toBe(1);
  expect(await processed("?range=1h&ago=24h")).toBe(2);
  expect(await processed("?range=24h&ago=24h")).toBe(6);
  const [today, yesterday] = [await report(rig), await report(rig, "?ago=24h")];
  expect((today.from - yesterday.from) % ROLLUP_LENGTH).toBe(0);
  expect((await rig.send("/api/metrics?ago=2h")).status).toBe(400);
});
