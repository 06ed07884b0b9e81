import { Registry } from "prom-client";
import { expect, it, vi } from "vitest";
import { RetryLater, ServeMux, type Server, SkipRetry } from "../../src/index.ts";
import { registerServerMetrics } from "../../src/metrics/index.ts";
import { serverRig } from "../server/server-rig.ts";
import { settle } from "../support/fake-runtime.ts";
import { type Family, parseExposition } from "./exposition.ts";

type Labels = Record<string, string>;

async function scrape(registry: Registry): Promise<(name: string, labels?: Labels) => number | undefined> {
  const families: Map<string, Family> = parseExposition(await registry.metrics());
  const samples = [...families.values()].flatMap((family) => family.samples);
  return (name, labels = {}) =>
    samples.find(
      (sample) =>
        sample.name === name &&
        Object.keys(sample.labels).length === Object.keys(labels).length &&
        Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
    )?.value;
}

it("counts attempts by queue, type and cause, and what is run again", async () => {
  const rig = serverRig({ queues: { default: 1, low: 1 } });
  const registry = new Registry();
  registerServerMetrics(registry, rig.server);
  const fail = (error: unknown) => () => {
    throw error;
  };
  const mux = new ServeMux()
    .handle("good", () => undefined)
    .handle("bad", fail(new Error("no")))
    .handle("hopeless", fail(new SkipRetry("never")))
    .handle("busy", fail(new RetryLater("1h")));
  await rig.start(mux);
  for (const [type, queue] of [
    ["good", "default"],
    ["good", "default"],
    ["good", "low"],
    ["bad", "default"],
    ["hopeless", "low"],
    ["busy", "low"],
  ] as const)
    await rig.enqueue({ queue }, undefined, type);
  await rig.clock.advance(1_000);
  const seen = await scrape(registry);
  const processed = (queue: string, type: string) =>
    seen("titanqueue_tasks_processed_total", { queue, type });
  expect([processed("default", "good"), processed("low", "good"), processed("default", "bad")]).toEqual([
    2, 1, 1,
  ]);
  expect([processed("low", "hopeless"), processed("low", "busy")]).toEqual([1, 1]);
  const failed = (queue: string, type: string, cause: string) =>
    seen("titanqueue_tasks_failed_total", { queue, type, cause });
  expect(failed("default", "bad", "error")).toBe(1);
  expect(failed("low", "hopeless", "skip-retry")).toBe(1);
  expect(failed("low", "busy", "retry-later")).toBeUndefined();
  expect(seen("titanqueue_redeliveries_total", { queue: "default", cause: "error" })).toBe(1);
  expect(seen("titanqueue_redeliveries_total", { queue: "low", cause: "retry-later" })).toBe(1);
  expect(seen("titanqueue_redeliveries_total", { queue: "low", cause: "skip-retry" })).toBeUndefined();
  // What was counted here is what the engine has counted, but for what is no failure.
  const info = await rig.engine.inspection.queueInfo("default");
  expect([info?.processedTotal, info?.failedTotal]).toEqual([3, 1]);
  await stop(rig);
});

it("tells how long tasks waited and ran", async () => {
  const rig = serverRig({ concurrency: 1 });
  const registry = new Registry();
  registerServerMetrics(registry, rig.server);
  await rig.start(() => new Promise((resolve) => rig.clock.setTimer(2_000, () => resolve(undefined))));
  await rig.enqueue();
  await rig.enqueue();
  expect((await scrape(registry))("titanqueue_tasks_running")).toBe(1);
  await rig.clock.advance(2_000);
  await rig.clock.advance(2_000);
  const labels = { queue: "default", type: "t" };
  const seen = await scrape(registry);
  expect(seen("titanqueue_task_run_seconds_count", labels)).toBe(2);
  expect(seen("titanqueue_task_run_seconds_sum", labels)).toBeCloseTo(4, 1);
  expect(seen("titanqueue_task_run_seconds_bucket", { ...labels, le: "1" })).toBe(0);
  expect(seen("titanqueue_task_run_seconds_bucket", { ...labels, le: "2.5" })).toBe(2);
  expect(seen("titanqueue_task_wait_seconds_count", labels)).toBe(2);
  expect(seen("titanqueue_task_wait_seconds_bucket", { ...labels, le: "1" })).toBe(1);
  expect(seen("titanqueue_task_wait_seconds_bucket", { ...labels, le: "2.5" })).toBe(2);
  expect(seen("titanqueue_tasks_running")).toBe(0);
  await stop(rig);
});

it("counts leases that were lost, which are no ends of attempts", async () => {
  const rig = serverRig();
  const registry = new Registry();
  registerServerMetrics(registry, rig.server);
  await rig.start(() => new Promise(() => undefined));
  await rig.enqueue({ maxRetry: 3 });
  await rig.clock.advance(20_000);
  rig.engine.fault = "down";
  await rig.clock.advance(60_000);
  const seen = await scrape(registry);
  expect(seen("titanqueue_leases_lost_total", { queue: "default" })).toBe(1);
  expect(seen("titanqueue_tasks_processed_total", { queue: "default", type: "t" })).toBeUndefined();
});

it("counts what a shutdown hands back, and what is recovered from others", async () => {
  const rig = serverRig({ shutdownTimeout: "1s" });
  const registry = new Registry();
  registerServerMetrics(registry, rig.server);
  await rig.enqueue({ maxRetry: 3 });
  // Another process takes it, and is never heard of again.
  await rig.elsewhere.exchange("default", [], 1);
  await rig.clock.advance(31_000);
  await rig.start((_, { signal }) => {
    return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  });
  await rig.enqueue({}, undefined, "held");
  await rig.clock.advance(60_000);
  await stop(rig, 3_000);
  const seen = await scrape(registry);
  const redelivered = (cause: string) => seen("titanqueue_redeliveries_total", { queue: "default", cause });
  expect([redelivered("lease-expired"), redelivered("shutdown")]).toEqual([1, 2]);
  expect(seen("titanqueue_tasks_failed_total", { queue: "default", type: "t", cause: "lease-expired" })).toBe(
    1,
  );
  expect(seen("titanqueue_tasks_processed_total", { queue: "default", type: "held" })).toBeUndefined();
});

it("tells types apart up to a limit, and counts all others together", async () => {
  const rig = serverRig();
  const registry = new Registry();
  registerServerMetrics(registry, rig.server, { maxTypes: 2 });
  await rig.start(() => undefined);
  for (const type of ["a", "b", "c", "d", "a"]) await rig.enqueue({}, undefined, type);
  const seen = await scrape(registry);
  const processed = (type: string) => seen("titanqueue_tasks_processed_total", { queue: "default", type });
  expect(["a", "b", "c", "d", "other"].map(processed)).toEqual([2, 1, undefined, undefined, 2]);
  await stop(rig);
});

it("adds up several servers of a process", async () => {
  const rig = serverRig();
  const other = rig.another();
  const registry = new Registry();
  registerServerMetrics(registry, [rig.server, other]);
  const hold = () => new Promise<undefined>((resolve) => rig.clock.setTimer(1_000, () => resolve(undefined)));
  await rig.server.start(hold);
  await rig.enqueue();
  rig.server.stop();
  await other.start(hold);
  await rig.enqueue();
  expect((await scrape(registry))("titanqueue_tasks_running")).toBe(2);
  await rig.clock.advance(2_000);
  expect((await scrape(registry))("titanqueue_tasks_processed_total", { queue: "default", type: "t" })).toBe(
    2,
  );
  await stop(rig, 1_000, [rig.server, other]);
});

it("measures how late the event loop comes round", async () => {
  const rig = serverRig();
  const registry = new Registry();
  const off = registerServerMetrics(registry, rig.server);
  const lag = async () => (await scrape(registry))("titanqueue_event_loop_lag_max_seconds") ?? 0;
  // Between two tries the histogram looks at the clock a few times; what is between two of its looks, it measures.
  const soon = (check: () => Promise<void>) => vi.waitFor(check, { interval: 50, timeout: 10_000 });
  const nextTurn = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
  await soon(async () => {
    const until = performance.now() + 200;
    while (performance.now() < until);
    await nextTurn();
    expect(await lag()).toBeGreaterThan(0.15);
  });
  // Each scrape begins anew.
  await soon(async () => {
    const idle = await lag();
    expect(idle).toBeGreaterThan(0);
    expect(idle).toBeLessThan(0.15);
  });
  off();
  expect(registry.getMetricsAsArray()).toEqual([]);
});

it("refuses options that nobody knows", () => {
  const rig = serverRig();
  const wrong = (options: object) => () => registerServerMetrics(new Registry(), rig.server, options);
  expect(wrong({ types: 1 })).toThrow(expect.objectContaining({ code: "INVALID_OPTION" }));
  expect(wrong({ maxTypes: -1 })).toThrow(expect.objectContaining({ code: "INVALID_OPTION" }));
});

async function stop(
  rig: ReturnType<typeof serverRig>,
  time = 1_000,
  servers: readonly Server[] = [rig.server],
): Promise<void> {
  const down = Promise.all(servers.map((server) => server.shutdown()));
  await settle();
  await rig.clock.advance(time);
  await down;
}
