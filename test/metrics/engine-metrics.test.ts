import { Registry } from "prom-client";
import { describe, expect, it } from "vitest";
import {
  Client,
  createEngine,
  type Engine,
  Inspector,
  memoryEngine,
  ServeMux,
  Server,
  Task,
} from "../../src/index.ts";
import { registerEngineMetrics } from "../../src/metrics/index.ts";
import { MOST_QUEUES } from "../../src/metrics/queue-reading.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { FakeClock, fakeRuntime } from "../../src/testing/index.ts";
import { redisForFile } from "../support/redis-rig.ts";
import { type Family, parseExposition } from "./exposition.ts";

const redis = await redisForFile();
/** What would end a label, a line or a sample, were it not escaped. */
const HOSTILE = 'a" 1\nb\\c="d",#';

const ENGINES: Record<string, () => Engine> = {
  memory: () => memoryEngine(),
  redis: () => createEngine(redis.url, { logger: silentLogger }),
};

/** Tasks in every state: of the default queue, and of one with a name that nobody should give. */
async function seed(engine: Engine): Promise<void> {
  await using client = new Client(engine);
  const enqueue = (type: string, options: object) => client.enqueue(new Task(type, { a: 1 }), options);
  for (const [type, options] of [
    ["fails", { maxRetry: 0 }],
    ["fails", { maxRetry: 3 }],
    ["kept", { retention: "1h" }],
    ["kept", { retention: "1h" }],
  ] as const)
    await enqueue(type, options);
  const server = new Server(engine, { logger: silentLogger, queues: { default: 1, [HOSTILE]: 1 } });
  let left = 4;
  const ended = new Promise<void>((resolve) => {
    server.on("taskSettled", () => {
      left -= 1;
      if (left === 0) resolve();
    });
  });
  const mux = new ServeMux()
    .handle("fails", () => {
      throw new Error("no");
    })
    .handle("kept", () => "yes");
  await server.start(mux);
  await ended;
  await server.shutdown();
  await enqueue("later", { processIn: "1h" });
  await enqueue("waits", {});
  await enqueue("waits", {});
  await enqueue("waits", { queue: HOSTILE });
  await enqueue("grouped", { group: "g" });
  await using inspector = new Inspector(engine);
  await inspector.pauseQueue(HOSTILE);
}

async function scrape(registry: Registry): Promise<Map<string, Family>> {
  return parseExposition(await registry.metrics());
}

function value(
  families: Map<string, Family>,
  name: string,
  labels: Record<string, string>,
): number | undefined {
  const wanted = JSON.stringify(Object.entries(labels).sort());
  return families
    .get(name)
    ?.samples.find((sample) => JSON.stringify(Object.entries(sample.labels).sort()) === wanted)?.value;
}

describe.each(Object.entries(ENGINES))("on %s", (_, open) => {
  it("tells what the engine holds, queue by queue", async () => {
    const engine = open();
    await seed(engine);
    await using inspector = new Inspector(engine);
    const registry = new Registry();
    registerEngineMetrics(registry, inspector);
    const families = await scrape(registry);
    const queues = await inspector.queues();
    expect(queues).toEqual([HOSTILE, "default"]);
    for (const queue of queues) {
      const info = await inspector.getQueueInfo(queue);
      for (const state of [
        "active",
        "pending",
        "scheduled",
        "retry",
        "archived",
        "completed",
        "aggregating",
      ] as const) {
        expect([state, value(families, "titanqueue_queue_tasks", { queue, state })]).toEqual([
          state,
          info[state],
        ]);
      }
      expect(value(families, "titanqueue_queue_paused", { queue })).toBe(info.paused ? 1 : 0);
      expect(value(families, "titanqueue_queue_groups", { queue })).toBe(info.groups);
      expect(value(families, "titanqueue_queue_processed_total", { queue })).toBe(info.processedTotal);
      expect(value(families, "titanqueue_queue_failed_total", { queue })).toBe(info.failedTotal);
      expect(value(families, "titanqueue_queue_memory_bytes", { queue })).toBe(
        await inspector.getMemoryUsage(queue),
      );
      const age = value(families, "titanqueue_queue_oldest_pending_age_seconds", { queue });
      expect(age).toBeGreaterThanOrEqual(0);
      expect(age).toBeLessThan(60);
    }
    const info = await inspector.getQueueInfo("default");
    expect(info).toMatchObject({
      pending: 2,
      scheduled: 1,
      retry: 1,
      archived: 1,
      completed: 2,
      aggregating: 1,
    });
    expect(info).toMatchObject({ processedTotal: 4, failedTotal: 2 });
    expect(families.get("titanqueue_queue_processed_total")?.type).toBe("counter");
    expect(value(families, "titanqueue_engine_up", {})).toBe(1);
    expect(value(families, "titanqueue_queues", {})).toBe(2);
  });

  it("tells it in the words of asynq's exporter", async () => {
    const engine = open();
    await seed(engine);
    await using inspector = new Inspector(engine);
    const registry = new Registry();
    registerEngineMetrics(registry, inspector, { names: "asynq" });
    const families = await scrape(registry);
    const types = Object.fromEntries([...families].map(([name, { type }]) => [name, type]));
    expect(types).toEqual({
      asynq_tasks_enqueued_total: "gauge",
      asynq_queue_size: "gauge",
      asynq_queue_latency_seconds: "gauge",
      asynq_queue_memory_usage_approx_bytes: "gauge",
      asynq_tasks_processed_total: "counter",
      asynq_tasks_failed_total: "counter",
      asynq_queue_paused_total: "gauge",
      titanqueue_engine_up: "gauge",
      titanqueue_queues: "gauge",
    });
    const queue = "default";
    const info = await inspector.getQueueInfo(queue);
    const seen = (name: string, state?: string) => value(families, name, { queue, ...(state && { state }) });
    expect(seen("asynq_queue_size")).toBe(info.size);
    expect(seen("asynq_tasks_enqueued_total", "completed")).toBe(info.completed);
    expect(seen("asynq_tasks_enqueued_total", "aggregating")).toBeUndefined();
    expect(seen("asynq_tasks_processed_total")).toBe(info.processedTotal);
    expect(seen("asynq_tasks_failed_total")).toBe(info.failedTotal);
    expect(info.failedTotal).toBeGreaterThan(0);
    expect(value(families, "asynq_queue_paused_total", { queue: HOSTILE })).toBe(1);
  });
});

it("knows how long the oldest has waited, and who serves a queue", async () => {
  const clock = new FakeClock();
  const runtime = { ...fakeRuntime({ seed: 1 }), clock };
  const engine = memoryEngine({ runtime });
  await using client = new Client(engine, { runtime });
  await client.enqueue(new Task("t"), { queue: "served" });
  await client.enqueue(new Task("t"), { queue: "unserved" });
  const server = new Server(engine, { runtime, logger: silentLogger, queues: { served: 1 } });
  await server.start(() => undefined);
  await clock.advance(90_000);
  await using inspector = new Inspector(engine);
  const registry = new Registry();
  registerEngineMetrics(registry, inspector);
  const families = await scrape(registry);
  expect(value(families, "titanqueue_queue_servers", { queue: "served" })).toBe(1);
  expect(value(families, "titanqueue_queue_servers", { queue: "unserved" })).toBe(0);
  expect(value(families, "titanqueue_queue_oldest_pending_age_seconds", { queue: "unserved" })).toBe(90);
  const down = server.shutdown();
  await clock.advance(1_000);
  await down;
});

it("reads the engine once for a scrape, and forgets queues that are gone", async () => {
  const engine = memoryEngine();
  await using client = new Client(engine);
  await client.enqueue(new Task("t"), { queue: "a" });
  await client.enqueue(new Task("t"), { queue: "b" });
  await using inspector = new Inspector(engine);
  let looks = 0;
  const registry = new Registry();
  registerEngineMetrics(registry, {
    queues: () => {
      looks += 1;
      return inspector.queues();
    },
    getQueueInfo: (queue) => inspector.getQueueInfo(queue),
    getMemoryUsage: (queue) => inspector.getMemoryUsage(queue),
    servers: () => inspector.servers(),
  });
  expect(value(await scrape(registry), "titanqueue_queue_tasks", { queue: "b", state: "pending" })).toBe(1);
  expect(looks).toBe(1);
  await inspector.deleteQueue("b", { force: true });
  const families = await scrape(registry);
  expect(looks).toBe(2);
  expect(families.get("titanqueue_queue_tasks")?.samples.map(({ labels }) => labels["queue"])).not.toContain(
    "b",
  );
  expect(value(families, "titanqueue_queue_tasks", { queue: "a", state: "pending" })).toBe(1);
});

it("says that the engine is away, and lets the registry's other metrics be scraped", async () => {
  const engine = createEngine("redis://127.0.0.1:1", { logger: silentLogger, commandTimeout: "100ms" });
  await using inspector = new Inspector(engine);
  const registry = new Registry();
  registerEngineMetrics(registry, inspector);
  const families = await scrape(registry);
  expect(value(families, "titanqueue_engine_up", {})).toBe(0);
  expect([...families.values()].flatMap(({ samples }) => samples)).toHaveLength(1);
});

it("shows the other queues where one cannot be read, and all but the servers to a user who may not see those", async () => {
  const writer = createEngine(redis.url, { logger: silentLogger });
  await using client = new Client(writer);
  await client.enqueue(new Task("t"), { queue: "good" });
  await client.enqueue(new Task("t"), { queue: "broken" });
  const store = redis.client();
  await store.set("asynq:{broken}:completed", "no sorted set");
  const keys = ["~asynq:queues", "~asynq:{*", "~tq:{*"];
  await store.call("ACL", "SETUSER", "scraper", "reset", "on", ">secret", "&*", "+@all", ...keys);
  const reader = createEngine(redis.url.replace("//", "//scraper:secret@"), { logger: silentLogger });
  await using inspector = new Inspector(reader);
  const registry = new Registry();
  registerEngineMetrics(registry, inspector);
  const families = await scrape(registry);
  await store.del("asynq:{broken}:completed");
  expect(value(families, "titanqueue_engine_up", {})).toBe(1);
  expect(value(families, "titanqueue_queue_tasks", { queue: "good", state: "pending" })).toBe(1);
  expect(value(families, "titanqueue_queue_tasks", { queue: "broken", state: "pending" })).toBeUndefined();
  // Not known, which is not 0.
  expect(families.get("titanqueue_queue_servers")?.samples ?? []).toEqual([]);
});

it("shows the queues that it is told to, and no more than can be kept", async () => {
  const engine = memoryEngine();
  await using client = new Client(engine);
  const names = Array.from({ length: MOST_QUEUES + 2 }, (_, at) => `q${String(at).padStart(5, "0")}`);
  await client.enqueueBatch(names.map((queue) => ({ task: new Task("t"), options: { queue } })));
  await using inspector = new Inspector(engine);
  const all = new Registry();
  registerEngineMetrics(all, inspector);
  const families = await scrape(all);
  expect(value(families, "titanqueue_queues", {})).toBe(MOST_QUEUES + 2);
  expect(families.get("titanqueue_queue_paused")?.samples).toHaveLength(MOST_QUEUES);
  const some = new Registry();
  registerEngineMetrics(some, inspector, { queues: (queue) => queue === "q00001" });
  expect((await scrape(some)).get("titanqueue_queue_paused")?.samples).toHaveLength(1);
});

it("leaves the registry as it was, and refuses options that nobody knows", async () => {
  await using inspector = new Inspector(memoryEngine());
  const registry = new Registry();
  const off = registerEngineMetrics(registry, inspector);
  off();
  expect(registry.getMetricsAsArray()).toEqual([]);
  registerEngineMetrics(registry, inspector);
  const wrong = (options: object) => () => registerEngineMetrics(new Registry(), inspector, options);
  expect(wrong({ name: "asynq" })).toThrow(expect.objectContaining({ code: "INVALID_OPTION" }));
  expect(wrong({ names: "toString" })).toThrow(expect.objectContaining({ code: "INVALID_OPTION" }));
});
