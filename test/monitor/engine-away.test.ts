import { afterAll, afterEach, expect, it } from "vitest";
import { Client, redisEngine, Task } from "../../src/index.ts";
import { ROUTE_SCHEMAS } from "../../src/monitor/openapi.gen.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { systemRuntime } from "../../src/runtime/runtime.ts";
import { RedisRig } from "../support/redis-rig.ts";
import { MonitorRig } from "./monitor-rig.ts";
import { Tab } from "./tab.ts";

const redis = await RedisRig.start();
afterEach(() => (redis.running ? redis.resume() : redis.restart()));
afterAll(() => redis.stop());

/** Milliseconds in which every route has to answer, with a timeout of a command of `TIMEOUT`. */
const QUICK = 3_000;
const TIMEOUT = "250ms";

/** Comes back without waiting for long. */
const runtime = { ...systemRuntime, random: () => 0.05 };

const opened = (): Promise<MonitorRig> =>
  MonitorRig.start({
    engine: redisEngine(redis.url, { commandTimeout: TIMEOUT, logger: silentLogger, runtime }),
  });

async function filled(): Promise<void> {
  await redis.flush();
  await using client = new Client(redis.url);
  for (const queue of ["a", "b", "c"]) await client.enqueue(new Task("t", {}), { queue, taskId: "one" });
}

/** What every route for reading says, and how long it took. */
async function readAll(rig: MonitorRig) {
  const paths = Object.keys(ROUTE_SCHEMAS)
    .filter((route) => route.startsWith("GET ") && route !== "GET /api/live")
    .map((route) => route.slice(4));
  return Promise.all(
    paths.map(async (path) => {
      const query =
        path === "/api/snapshot"
          ? "?topics=overview,servers"
          : path.endsWith("/tasks")
            ? path === "/api/tasks"
              ? ""
              : "?state=pending"
            : path === "/api/spec"
              ? "?spec=@daily"
              : "";
      const asked = path.replace("{queue}", "a").replace("{id}", "one");
      const began = performance.now();
      const { status, json } = await rig.send(asked + query);
      const took = performance.now() - began;
      return { path, status, code: json?.error?.code as string | undefined, took };
    }),
  );
}

/** They know of themselves what they tell. */
const WITHOUT_ENGINE = [
  "/metrics",
  "/api/openapi.json",
  "/api/session",
  "/api/snapshot",
  "/api/spec",
  "/api/definitions",
  "/api/operations",
  "/api/audit",
];

async function expectAway(rig: MonitorRig): Promise<void> {
  for (const { path, status, code, took } of await readAll(rig)) {
    expect([path, took < QUICK]).toEqual([path, true]);
    if (path === "/healthz") expect(status).toBe(503);
    else if (path === "/api/operations/{id}") expect([path, status]).toEqual([path, 404]);
    else if (WITHOUT_ENGINE.includes(path)) expect([path, status]).toEqual([path, 200]);
    else expect([path, status, code]).toEqual([path, 503, "ENGINE_UNAVAILABLE"]);
  }
  const session = await rig.send("/api/session");
  expect(session.json.engine).toMatchObject({ status: "down", roundTrip: null });
  for (const change of ["run", "archive"]) {
    const { status, json } = await rig.change(`/api/queues/a/tasks/one/${change}`);
    expect([change, status, json.error.code]).toEqual([change, 503, "ENGINE_UNAVAILABLE"]);
  }
}

it("answers 503 soon while the engine is frozen, and tells of it when it is back", async () => {
  await filled();
  const rig = await opened();
  expect((await rig.send("/healthz")).status).toBe(200);
  const tab = await Tab.open(rig.url);
  expect((await tab.next()).data.engine?.status).toBe("up");
  redis.pause();
  await tab.until("down");
  await expectAway(rig);
  redis.resume();
  await tab.until("up");
  expect((await rig.send("/healthz")).status).toBe(200);
  expect((await rig.send("/api/queues")).json.queues).toHaveLength(3);
  await tab.close();
});

it("answers 503 soon while the engine is gone, and goes on with the one that comes after", async () => {
  await filled();
  const rig = await opened();
  const tab = await Tab.open(rig.url);
  expect((await tab.next()).data.overview?.queues).toHaveLength(3);
  await redis.crash();
  await tab.until("down");
  await expectAway(rig);
  await redis.restart();
  const up = await tab.until("up");
  // It kept nothing.
  expect([...(up.data.overview?.removed ?? [])].sort()).toEqual(["a", "b", "c"]);
  expect((await rig.send("/healthz")).status).toBe(200);
  await tab.close();
});

it("starts while the engine is away, and says so", async () => {
  await redis.crash();
  const rig = await opened();
  const tab = await Tab.open(rig.url);
  const first = await tab.next();
  expect(first.data.engine?.status).toBe("down");
  expect(first.data.overview?.health.sentence).toBe("The engine cannot be reached.");
  expect((await rig.send("/healthz")).json).toEqual({ ok: false });
  await redis.restart();
  await tab.until("up");
  await tab.close();
});

it("looks at the queues as a user that may read neither servers, schedules nor history", async () => {
  await filled();
  const own = redis.client();
  const keys = ["asynq:queues", "asynq:{?}:*"].flatMap((pattern) => [`~${pattern}`]);
  await own.call("ACL", "SETUSER", "poor", "reset", "on", ">secret", "&*", "+@all", ...keys, "~tq:{?}:*");
  const url = redis.url.replace("//", "//poor:secret@");
  const rig = await MonitorRig.start({ engine: redisEngine(url, { logger: silentLogger }) });
  const { json } = await rig.send("/api/snapshot?topics=overview,servers");
  expect(json.engine).toMatchObject({ status: "up", problem: null });
  expect(json.overview.queues).toHaveLength(3);
  expect(json.overview.totals).toMatchObject({ queues: 3, servers: null, slots: null });
  expect(json.overview.queues[0]).toMatchObject({ pending: 1, servers: null, priority: null });
  for (const path of ["/api/servers", "/api/schedulers"]) {
    const refused = await rig.send(path);
    expect([path, refused.status, refused.json.error.code]).toEqual([path, 502, "REDIS_NO_PERMISSION"]);
  }
  expect((await rig.send("/api/queues/a")).status).toBe(200);
  expect((await rig.send("/healthz")).status).toBe(200);
});

it("does not take counters that it may not read for a day without tasks", async () => {
  await filled();
  const own = redis.client();
  const today = new Date().toISOString().slice(0, 10);
  const keys = ["asynq:queues", "asynq:servers", "asynq:workers", "asynq:schedulers", "tq:*"];
  // All of the queue but its history.
  const parts = ["pending", "active", "scheduled", "retry", "archived", "completed", "groups", "paused"];
  const queue = [...parts, "lease", "processed", "failed", `processed:${today}`, `failed:${today}`, "t:*"];
  const all = [...keys, ...queue.map((part) => `asynq:{?}:${part}`)];
  const rules = all.map((pattern) => `~${pattern}`);
  await own.call("ACL", "SETUSER", "young", "reset", "on", ">secret", "&*", "+@all", ...rules);
  const url = redis.url.replace("//", "//young:secret@");
  const rig = await MonitorRig.start({ engine: redisEngine(url, { logger: silentLogger }) });
  const { json } = await rig.send("/api/snapshot?topics=overview");
  expect(json.engine).toMatchObject({ status: "up" });
  expect(json.overview.totals).toMatchObject({ queues: 3, processedYesterday: null, failedYesterday: null });
  const history = await rig.send("/api/queues/a/history?days=3");
  expect([history.status, history.json.error?.code]).toEqual([502, "REDIS_NO_PERMISSION"]);
});
