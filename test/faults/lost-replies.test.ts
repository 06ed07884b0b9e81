import { setTimeout as wait } from "node:timers/promises";
import { beforeEach, describe, expect, it } from "vitest";
import type { ScriptSource } from "../../src/engine/redis/redis-commands.ts";
import * as scripts from "../../src/engine/redis/scripts.gen.ts";
import { AmbiguousEnqueueError, EngineUnavailableError, TaskIdConflictError } from "../../src/errors.ts";
import type { Handler } from "../../src/server/handler.ts";
import { Task } from "../../src/task.ts";
import type { TaskOptions } from "../../src/task-options.ts";
import { redisForFile } from "../support/redis-rig.ts";
import type { Fault } from "../support/resp-proxy.ts";
import { benchForFile, freshQueue } from "./bench.ts";
import { eventually } from "./eventually.ts";

/** C07, D02 and D03: the connection is cut at one call of one script. docs/reliability.md b. */

const redis = await redisForFile();
const bench = benchForFile();

const AFTER: Fault = { do: "drop-reply-then-close" };
const BEFORE: Fault = { do: "drop-request-then-close" };

/** So that the first call of a script runs it, and does not only find out that Redis does not know it. */
beforeEach(async () => {
  const admin = redis.client();
  for (const { source } of Object.values(scripts)) await admin.script("LOAD", source);
});

describe.each([
  ["after Redis has recorded it", AFTER],
  ["before Redis has seen it", BEFORE],
])("the end of an attempt is cut off %s", (_, fault) => {
  it("is sent again by the syncer within 2 s, and the handler runs once (C07)", async () => {
    const queue = freshQueue();
    const proxy = await bench.proxy(redis.port);
    const client = bench.client(redis.url);
    let rule: ReturnType<typeof proxy.rule> | undefined;
    let ended = 0;
    const server = await bench.server(
      proxy.url,
      () => {
        // Its one slot is taken: the next exchange tells how this attempt ended.
        rule = proxy.rule({ script: scripts.exchange.sha1, nth: 1 }, fault);
        ended = performance.now();
      },
      { queue, concurrency: 1 },
    );
    const { id } = await client.enqueue(new Task("work"), { queue });
    await server.hasSettled(1);
    expect(performance.now() - ended).toBeLessThan(2_000);
    expect(rule?.fired).toBe(1);
    expect(server.starts(id)).toBe(1);
    expect(server.settled).toMatchObject([{ taskId: id, outcome: "done", cause: "success" }]);
    const { size, processedTotal } = await bench.inspector(redis.url).getQueueInfo(queue);
    expect([size, processedTotal]).toEqual([0, 1]);
  });
});

/** What becomes of a task, by its id. Retention makes a repeated enqueue of a task that has ended a conflict. */
const PLANS: Readonly<Record<string, { readonly starts: number; readonly options?: TaskOptions }>> = {
  "plain-1": { starts: 1 },
  "plain-2": { starts: 1 },
  "plain-3": { starts: 1 },
  "fails-once": { starts: 2 },
  unique: { starts: 1, options: { unique: "1h" } },
  delayed: { starts: 1, options: { processIn: 300 } },
  "writes-result": { starts: 1 },
  "outlives-heartbeats": { starts: 1 },
  "is-forgotten": { starts: 1, options: { retention: "1s" } },
};

/**
 * `stored`: every task is stored, and none is enqueued again. Before that, nothing may be forgotten, or it would be
 * stored twice.
 */
const handlerOf =
  (stored: Promise<void>): Handler =>
  async (_, ctx) => {
    if (ctx.taskId === "is-forgotten") await stored;
    if (ctx.taskId === "fails-once" && ctx.retried === 0) throw new Error("the first attempt fails");
    if (ctx.taskId === "outlives-heartbeats") await wait(900);
    if (ctx.taskId === "writes-result") {
      await ctx.result.write("halfway").catch(() => ctx.result.write("halfway"));
    }
  };

/** What these tasks do not meet. What of it writes has tests of its own. */
const ELSEWHERE: ReadonlySet<string> = new Set([
  // Below.
  "lost_grants",
  "recover",
  // Groups: server/aggregator.test.ts, faults/aggregation.test.ts.
  "aggregation_check",
  "commit_aggregation",
  "list_groups",
  "read_aggregation_set",
  // Periodic tasks: scheduler/outages.test.ts.
  "change_schedules",
  "enqueue_tick",
  "record_scheduler_event",
  "write_scheduler_entries",
  // Limits: server/limits.test.ts.
  "acquire_token",
  "admit",
  "release_slots",
  "review_limits",
  "share_limits",
  // What may have been measured twice is not: server/rollups.test.ts.
  "add_rollups",
  // An operator sees that the answer is lost, and asks again.
  "change_some",
  "change_tasks",
  "group_sizes",
  "memory_usage",
  "remove_queue",
  "restore_tasks",
  "rewrite_task",
  "scan_tasks",
  "look_container",
  "look_tasks",
  "mend_group",
  "mend_listed",
  "mend_lock",
  "mend_task",
]);

describe("a connection that is cut once the command has reached Redis (D02)", () => {
  const inTurn = (Object.values(scripts) as ScriptSource[]).filter(({ name }) => !ELSEWHERE.has(name));
  it("has to do with all scripts of a task's way but those that are tried elsewhere", () => {
    const names = new Set((Object.values(scripts) as ScriptSource[]).map(({ name }) => name));
    expect([...ELSEWHERE].filter((name) => !names.has(name))).toEqual([]);
  });
  it.each(inTurn.map((script) => [script.name, script] as const))("%s: all ends as without it", cutAt(AFTER));
});

describe("a connection that is cut before the command has reached Redis (D03)", () => {
  const inTurn: ScriptSource[] = [scripts.enqueue, scripts.enqueuePending, scripts.exchange, scripts.forward];
  it.each(inTurn.map((script) => [script.name, script] as const))(
    "%s: all ends as without it",
    cutAt(BEFORE),
  );
});

function cutAt(fault: Fault) {
  return async (_: string, script: ScriptSource): Promise<void> => {
    const queue = freshQueue();
    const proxy = await bench.proxy(redis.port);
    const client = bench.client(proxy.url);
    const inspector = bench.inspector(proxy.url);
    const rule = proxy.rule({ script: script.sha1, nth: 1 }, fault);
    const second = proxy.rule({ script: script.sha1, nth: 3 }, fault);
    let tellStored = (): void => undefined;
    const stored = new Promise<void>((resolve) => {
      tellStored = resolve;
    });
    const server = await bench.server(proxy.url, handlerOf(stored), { queue, janitorInterval: 200 });

    // Tasks without options of their own travel by another script than those with some.
    const entries = Object.entries(PLANS);
    for (const isPlain of [true, false]) {
      const some = entries.filter(([, { options }]) => (options === undefined) === isPlain);
      await Promise.all(some.map(([taskId, { options = {} }]) => enqueue(taskId, options)));
    }
    tellStored();
    const expected = Object.values(PLANS).reduce((sum, { starts }) => sum + starts, 0);
    await server.hasSettled(expected);
    await eventually("the forgotten one is gone", async () => {
      const { completed } = await insist(() => inspector.getQueueInfo(queue));
      return completed === Object.keys(PLANS).length - 1;
    });
    const info = await insist(() => inspector.getTaskInfo({ queue, id: "plain-1" }));
    expect(info.state).toBe("completed");
    expect(await insist(() => inspector.listTasks(queue, "active"))).toEqual([]);
    await eventually("the fault fires", () => rule.fired + second.fired > 0);

    for (const [taskId, { starts }] of Object.entries(PLANS)) {
      expect([taskId, server.starts(taskId)]).toEqual([taskId, starts]);
    }
    expect(server.settled).toHaveLength(expected);
    expect(server.lost).toEqual([]);

    async function enqueue(taskId: string, options: TaskOptions): Promise<void> {
      const task = new Task("work", taskId);
      try {
        await client.enqueue(task, { queue, taskId, retention: "1h", ...options });
      } catch (error) {
        expect(error).toBeInstanceOf(AmbiguousEnqueueError);
        const again = client.enqueue(task, { queue, taskId, retention: "1h", ...options });
        await again.catch((refusal: unknown) => expect(refusal).toBeInstanceOf(TaskIdConflictError));
      }
    }
  };
}

/** Questions change nothing, so whoever is cut off simply asks again. */
async function insist<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof EngineUnavailableError)) throw error;
    }
  }
}

it("brings tasks back that a lost reply had leased, and again when the answer to that is lost (D02)", async () => {
  const queue = freshQueue();
  const proxy = await bench.proxy(redis.port);
  const client = bench.client(redis.url);
  await client.enqueueBatch(
    ["a", "b", "c"].map((taskId) => ({ task: new Task("work"), options: { queue, taskId, maxRetry: 0 } })),
  );
  const leasing = proxy.rule({ script: scripts.exchange.sha1, nth: 1 }, AFTER);
  const recalling = proxy.rule({ script: scripts.lostGrants.sha1, nth: 1 }, AFTER);
  const server = await bench.server(proxy.url, () => undefined, { queue });
  await server.hasSettled(3, 2_000);
  expect([leasing.fired, recalling.fired]).toEqual([1, 1]);
  expect(server.settled.map(({ cause }) => cause)).toEqual(["success", "success", "success"]);
  expect(server.started).toHaveLength(3);
});

it("recovers a task once, when the answer to its recovery is lost (D02)", async () => {
  const queue = freshQueue();
  const proxy = await bench.proxy(redis.port);
  const client = bench.client(redis.url);
  await client.enqueue(new Task("work"), { queue, taskId: "orphan" });
  const { broker } = bench.engine(redis.url);
  expect((await broker.exchange(queue, [], 1)).leased).toHaveLength(1);

  const recovering = proxy.rule({ script: scripts.recover.sha1, nth: 1 }, AFTER);
  const server = await bench.server(proxy.url, () => undefined, { queue });
  await eventually("it runs again", () => server.settled.some(({ cause }) => cause === "success"));
  expect(recovering.fired).toBe(1);
  expect(server.started).toMatchObject([{ taskId: "orphan", attempt: 2 }]);
  const { processedTotal, failedTotal } = await bench.inspector(redis.url).getQueueInfo(queue);
  expect([processedTotal, failedTotal]).toEqual([2, 1]);
});
