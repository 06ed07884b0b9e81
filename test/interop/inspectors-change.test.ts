import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { Client } from "../../src/client/client.ts";
import { createRedisEngine } from "../../src/engine/redis/redis-engine.ts";
import { SkipRetry } from "../../src/errors.ts";
import { Inspector } from "../../src/inspector/inspector.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { limit } from "../../src/server/limits.ts";
import { Server } from "../../src/server/server.ts";
import { Task } from "../../src/task.ts";
import { eventually } from "../faults/eventually.ts";
import { redisForFile } from "../support/redis-rig.ts";
import { counted } from "./counts.ts";
import { GoInspector, INSPECTOR_VERSIONS } from "./go-inspector.ts";
import { CHANGES, NEWER_CHANGES } from "./inspector-methods.ts";

const redis = await redisForFile();
const inspectors = await Promise.all(
  INSPECTOR_VERSIONS.map((version) => GoInspector.forFile(version, redis.url)),
);

const engine = createRedisEngine(redis.url, { logger: silentLogger });
const client = new Client(engine);
const inspector = new Inspector(engine);
afterAll(async () => {
  await client.close();
  await inspector.close();
  await engine.close();
});

/** A queue of the test's own, so that nothing of an earlier one is in it. */
let queue = "";
let server: Server | undefined;
/** Attempts that began, by the tasks' ids. */
let began: string[] = [];
let payloads: unknown[] = [];
/** Handlers of type `wait` go on. */
let goOn: () => void;

beforeEach(() => {
  queue = `q-${randomUUID()}`;
  began = [];
  payloads = [];
});

afterEach(async ({ task }) => {
  goOn?.();
  await server?.shutdown();
  server = undefined;
  if (task.result?.state === "pass") counted("scenarios");
});

/** Ours, on that queue. A task of type `fail` or `hopeless` succeeds when it is run again. */
async function serve(options: object = {}): Promise<Server> {
  const gate = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const created = new Server(engine, {
    queues: { [queue]: 1 },
    concurrency: 10,
    retryDelay: () => 3_600_000,
    abortGrace: "50ms",
    shutdownTimeout: "1s",
    logger: silentLogger,
    ...options,
  });
  server = created;
  await created.start(async (task, ctx) => {
    const again = began.includes(ctx.taskId);
    began.push(ctx.taskId);
    payloads.push(task.payload);
    if (task.type === "fail" && !again) throw new Error("no luck");
    if (task.type === "hopeless" && !again) throw new SkipRetry("never again");
    if (task.type === "wait") await Promise.race([gate, aborted(ctx.signal)]);
    return task.type;
  });
  return created;
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
}

async function add(id: string, options: object = {}, type = "t"): Promise<void> {
  await client.enqueue(new Task(type, { id }), { queue, taskId: id, ...options });
}

const stateOf = async (id: string) => (await inspector.getTaskInfo({ queue, id })).state;
const reaches = (id: string, state: string) =>
  eventually(`${id} is ${state}`, async () => (await stateOf(id)) === state);
const exists = async (id: string) =>
  (await inspector.search(`id:${id}`, { queues: [queue] })).tasks.length > 0;

/** Two tasks in each state, made by a server of ours; it does not run any more, or has the queue paused. */
async function fill(): Promise<void> {
  await serve();
  const two = async (ids: readonly [string, string], options: object, type?: string) => {
    for (const id of ids) await add(id, options, type);
  };
  await two(["r-1", "r-2"], {}, "fail");
  await two(["x-1", "x-2"], {}, "hopeless");
  await two(["c-1", "c-2"], { retention: "1h" });
  for (const id of ["r-1", "r-2"]) await reaches(id, "retry");
  for (const id of ["x-1", "x-2"]) await reaches(id, "archived");
  for (const id of ["c-1", "c-2"]) await reaches(id, "completed");
  await inspector.pauseQueue(queue);
  // The fraction of a second must not outlive what Go does with the task.
  await two(["s-1", "s-2"], { processIn: 59_456 });
  await two(["g-1", "g-2"], { group: "g" });
  await two(["p-1", "p-2"], {});
}

/**
 * Go knows nothing of the fractions of a second beside its sets. What it leaves there is dropped when it is due, or with
 * the key, two minutes later.
 */
function leavesFractions(): void {
  redis.expectDamage("I9");
}

/** Goes on, and has run these, and nothing else, once more. */
async function runs(ids: readonly string[]): Promise<void> {
  const before = began.length;
  await inspector.unpauseQueue(queue);
  await eventually(`${ids.join(" ")} run`, () => ids.every((id) => began.indexOf(id, before) !== -1));
  await eventually("they have ended", async () => (await inspector.getQueueInfo(queue)).active === 0);
  expect(began.slice(before).sort()).toEqual([...ids].sort());
}

const STATES = {
  Scheduled: { ids: ["s-1", "s-2"], group: [] },
  Retry: { ids: ["r-1", "r-2"], group: [] },
  Archived: { ids: ["x-1", "x-2"], group: [] },
  Completed: { ids: ["c-1", "c-2"], group: [] },
  Aggregating: { ids: ["g-1", "g-2"], group: ["g"] },
  Pending: { ids: ["p-1", "p-2"], group: [] },
} as const;

const PENDING = ["p-1", "p-2"];

describe.each(inspectors.map((go) => [go.version, go] as const))(
  "what asynq v%s does to our tasks",
  (version, go) => {
    it.each(["Scheduled", "Retry", "Archived", "Aggregating"] as const)(
      "runs one of them, and all of them: %s",
      async (state) => {
        const { ids, group } = STATES[state];
        if (state === "Scheduled") leavesFractions();
        await fill();
        await go.ask("RunTask", queue, ids[0]);
        expect(await stateOf(ids[0])).toBe("pending");
        expect(await go.ask(`RunAll${state}Tasks`, queue, ...group)).toBe(1);
        await runs([...ids, ...PENDING]);
      },
    );

    it("runs a completed one again", async () => {
      await fill();
      await go.ask("RunTask", queue, "c-1");
      await runs(["c-1", ...PENDING]);
      await reaches("c-1", "completed");
    });

    it.each(["Scheduled", "Retry", "Pending", "Aggregating"] as const)(
      "archives one of them, and all of them: %s",
      async (state) => {
        const { ids, group } = STATES[state];
        await fill();
        await go.ask("ArchiveTask", queue, ids[0]);
        expect(await go.ask(`ArchiveAll${state}Tasks`, queue, ...group)).toBe(1);
        for (const id of ids) expect(await stateOf(id)).toBe("archived");
        await runs(state === "Pending" ? [] : PENDING);
        for (const id of ids) expect(await stateOf(id)).toBe("archived");
        expect(await inspector.runAll(queue, "archived")).toMatchObject({ changed: 4 });
        await runs(["x-1", "x-2", ...ids]);
      },
    );

    it.each(Object.keys(STATES) as (keyof typeof STATES)[])(
      "deletes one of them, and all of them: %s",
      async (state) => {
        const { ids, group } = STATES[state];
        if (state === "Scheduled") leavesFractions();
        await fill();
        await go.ask("DeleteTask", queue, ids[0]);
        expect(await go.ask(`DeleteAll${state}Tasks`, queue, ...group)).toBe(1);
        for (const id of ids) expect(await exists(id)).toBe(false);
        // Their ids are free.
        for (const id of ids) await add(id);
        await runs(state === "Pending" ? PENDING : [...ids, ...PENDING]);
      },
    );

    it("frees the unique lock of what it deletes", async () => {
      await add("one", { unique: "1h", processIn: "1h" });
      await go.ask("DeleteTask", queue, "one");
      await add("one", { unique: "1h", processIn: "1h" });
      await go.ask("DeleteAllScheduledTasks", queue);
      await add("one", { unique: "1h" });
      await serve();
      await runs(["one"]);
    });

    it("refuses what cannot be", async () => {
      await serve();
      await add("busy", {}, "wait");
      await eventually("it runs", () => began.length === 1);
      for (const method of ["RunTask", "ArchiveTask", "DeleteTask"]) {
        expect(await go.refusal(method, queue, "busy")).toMatchObject({
          message: expect.stringMatching(/running|active/),
        });
        expect(await go.refusal(method, queue, "none")).toMatchObject({ code: "task-not-found" });
        expect(await go.refusal(method, "none", "none")).toMatchObject({ code: "queue-not-found" });
      }
    });

    it("cancels what our server runs", async () => {
      const running = await serve();
      const settled: unknown[] = [];
      running.on("taskSettled", (event) => settled.push(event));
      await add("busy", {}, "wait");
      await eventually("it runs", () => began.length === 1);
      await eventually("the server hears of it", async () => {
        await go.ask("CancelProcessing", "busy");
        return settled.length > 0;
      });
      expect(settled).toMatchObject([{ taskId: "busy", outcome: "retry", cause: "canceled" }]);
      expect(await go.ask("GetTaskInfo", queue, "busy")).toMatchObject({ State: "retry", Retried: 1 });
    });

    it("pauses and releases the queue of our server", async () => {
      await serve();
      await add("first");
      await eventually("it runs", () => began.length === 1);
      await go.ask("PauseQueue", queue);
      expect(await inspector.getQueueInfo(queue)).toMatchObject({ paused: true });
      expect(await go.refusal("PauseQueue", queue)).toMatchObject({
        message: expect.stringContaining("paused"),
      });
      await add("second");
      // Served by the same server, and enqueued later: when it has run, the paused queue was looked at.
      await inspector.pauseQueue(queue).then((changed) => expect(changed).toBe(false));
      expect(await stateOf("second")).toBe("pending");
      await go.ask("UnpauseQueue", queue);
      await eventually("the second runs", () => began.length === 2);
      expect(began).toEqual(["first", "second"]);
    });

    it("deletes our queue, which comes back with the next task", async () => {
      await add("one");
      await add("two", { processIn: "1h" });
      expect(await go.refusal("DeleteQueue", queue, false)).toMatchObject({ code: "queue-not-empty" });
      await go.ask("DeleteQueue", queue, true);
      expect(await go.refusal("DeleteQueue", queue, true)).toMatchObject({ code: "queue-not-found" });
      expect(await inspector.queues()).not.toContain(queue);
      // By the client that has enqueued to it before.
      await add("one");
      expect(await go.ask<string[]>("Queues")).toContain(queue);
      await serve();
      await runs(["one"]);
    });

    it("runs a task that a limit holds back, and the limit holds", async () => {
      await serve({ limits: [limit("wait", { concurrency: 1 })] });
      await add("first", {}, "wait");
      await eventually("it runs", () => began.length === 1);
      await add("second", {}, "wait");
      await reaches("second", "scheduled");
      const [parked] = await go.ask<{ ID: string }[]>("ListScheduledTasks", queue, { page: 1, size: 5 });
      expect(parked).toMatchObject({ ID: "second", State: "scheduled" });
      expect(await go.ask("GetTaskInfo", queue, "second")).toMatchObject({ State: "scheduled" });
      await go.ask("RunTask", queue, "second");
      await reaches("second", "scheduled");
      expect(began).toEqual(["first"]);
      goOn();
      await eventually("the second runs", () => began.length === 2);
      await eventually("both have ended", async () => (await inspector.getQueueInfo(queue)).size === 0);
    });

    if (version === "0.26.0") {
      it("replaces the payload of a scheduled task, as our handler sees", async () => {
        leavesFractions();
        await add("one", { processIn: 59_456 });
        await go.ask("UpdateTaskPayload", queue, "one", Buffer.from('{"new":true}').toString("hex"));
        expect((await inspector.getTaskInfo({ queue, id: "one" })).payload).toEqual({ new: true });
        await go.ask("RunTask", queue, "one");
        expect(await go.refusal("UpdateTaskPayload", queue, "one", "00")).toMatchObject({
          message: expect.stringContaining("not in scheduled"),
        });
        await serve();
        await runs(["one"]);
        expect(payloads).toEqual([{ new: true }]);
      });
    }

    it("was asked for every change there is", () => {
      const all = version === "0.26.0" ? [...CHANGES, ...NEWER_CHANGES] : CHANGES;
      const asked = [...go.asked].filter((method) => !/^(Get|List|Queues)/.test(method));
      expect(asked.sort()).toEqual([...all].sort());
    });
  },
);
