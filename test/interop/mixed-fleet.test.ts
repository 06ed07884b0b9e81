import { afterEach, describe, expect, it } from "vitest";
import { redisForFile } from "../support/redis-rig.ts";
import { counted } from "./counts.ts";
import { fleet } from "./fleet.ts";
import { fleetScenarios } from "./fleet-scenarios.ts";
import { script } from "./go-only.ts";
import { eventually, hearKeys } from "./news.ts";
import type { Side } from "./sides.ts";

const redis = await redisForFile();
await hearKeys(redis);

afterEach(({ task }) => {
  if (task.result?.state === "pass") counted("scenarios");
});

/** From the second that has begun. */
const secondsFromNow = (n: number) => new Date((Math.floor(Date.now() / 1_000) + n) * 1_000).toISOString();

const hex = (text: string) => Buffer.from(text).toString("hex");

describe.each([
  ["Go", "Node"],
  ["Node", "Go"],
] as const)("a task that %s enqueues and %s runs", (producing, serving) => {
  fleetScenarios(redis.url, producing);

  it("succeeds, and is gone", async () => {
    const { add, server, queue, reaches, began, node } = await fleet(redis.url, producing);
    await server.serve(queue);
    await add([{}], {}, { tenant: "acme", trace: "a=b" });
    await reaches("gone");
    await began(1);
    expect(server.attempts).toEqual([
      { task: "one", type: "t", retried: 0, headers: { tenant: "acme", trace: "a=b" }, payload: script({}) },
    ]);
    expect(await node.inspector.getQueueInfo(queue)).toMatchObject({ size: 0, processed: 1, failed: 0 });
  });

  it("succeeds, and is kept with its result", async () => {
    const { add, server, queue, reaches, looks, node } = await fleet(redis.url, producing);
    await server.serve(queue);
    await add([{ result: '{"sum":3}' }], { retention: "1h" });
    await reaches("completed");
    const { go } = await looks();
    expect(go).toMatchObject({ State: "completed", Result: hex('{"sum":3}'), Retention: "1h0m0s" });
    expect((await node.inspector.getTaskInfo({ queue, id: "one" })).result).toEqual({ sum: 3 });
  });

  it.each([
    ["has used up its retries", [{ error: "no luck" }], { maxRetry: 1 }, "no luck", 2],
    ["is not to be retried", [{ error: "never", skip: true }], {}, "never", 1],
    ["crashes its handler", [{ panic: "ouch" }], { maxRetry: 0 }, "ouch", 1],
  ] as const)("is archived when it %s", async (_, steps, options, text, attempts) => {
    const { add, server, queue, reaches, began, looks } = await fleet(redis.url, producing);
    await server.serve(queue);
    await add(steps, options);
    await reaches("archived");
    await began(attempts);
    expect((await looks()).go).toMatchObject({ State: "archived", LastErr: expect.stringContaining(text) });
  });

  it("is revoked", async () => {
    const { add, server, queue, reaches, node } = await fleet(redis.url, producing);
    await server.serve(queue);
    await add([{ revoke: true }], { retention: "1h" });
    await reaches("gone");
    expect(await node.inspector.getQueueInfo(queue)).toMatchObject({ processed: 1, failed: 0 });
  });

  it("runs out of time", async () => {
    const { add, server, queue, reaches, looks } = await fleet(redis.url, producing);
    await server.serve(queue, { retryDelay: 3_600_000 });
    await add([{ wait: true }], { timeout: "1s" });
    await reaches("retry");
    expect((await looks()).go).toMatchObject({
      State: "retry",
      Retried: 1,
      LastErr: expect.stringMatching(/deadline|time/),
    });
  });

  it("waits for its time", async () => {
    const { add, server, queue, reaches } = await fleet(redis.url, producing);
    // Go rounds its own down to a second; of ours it leaves the fraction where it is.
    if (producing === "Node") redis.expectDamage("I9");
    await add([{}], { processAt: secondsFromNow(1.5), retention: "1h" });
    await server.serve(queue);
    await reaches("completed");
  });

  it("keeps its id to itself", async () => {
    const { add, server, queue } = await fleet(redis.url, producing);
    await add([{}]);
    await expect(server.enqueue({ type: "t", options: { queue, taskId: "one" } })).rejects.toMatchObject({
      code: expect.stringMatching(/conflict/i),
    });
    await server.serve(queue);
    await eventually("it runs", () => server.attempts.length === 1);
  });

  it(`is held back by a pause of ${producing}'s`, async () => {
    const { add, producer, server, queue, reaches, node } = await fleet(redis.url, producing);
    await producer.enqueue({ type: "t", payload: script({}), options: { queue, taskId: "first" } });
    await server.serve(queue);
    await eventually("the server works", () => server.attempts.length === 1);
    await producer.pause(queue);
    await add([{}], { retention: "1h" });
    // The server has looked at the queue since: it moves what is due, pause or not.
    await producer.enqueue({ type: "t", options: { queue, taskId: "due", processAt: secondsFromNow(1) } });
    await eventually(
      "what is due is pending",
      async () => (await node.inspector.getQueueInfo(queue)).pending === 2,
    );
    expect(server.attempts).toHaveLength(1);
    await producer.unpause(queue);
    await reaches("completed");
  });

  it(`goes back to its queue when ${serving} leaves, and the other one runs it`, async () => {
    const { add, producer, server, queue, reaches } = await fleet(redis.url, producing);
    await server.serve(queue);
    await add([{ wait: true }], { retention: "1h" });
    await eventually("it runs", () => server.attempts.length === 1);
    await server.shutdown();
    await producer.serve(queue);
    await eventually("the other runs it", () => producer.attempts.length === 1);
    expect(producer.attempts[0]).toMatchObject({ task: "one", retried: 0 });
    await producer.finish("one");
    await reaches("completed");
  });
});

describe("both on one queue", () => {
  it("hold a task for another one where its bytes differ, though it means the same", async () => {
    const { queue, producer, server, node } = await fleet(redis.url, "Go");
    // As `json.Marshal` writes a map, and as `JSON.stringify` writes an object.
    const [sorted, asPutIn] = ['{"a":1,"b":"\\u003cb\\u003e"}', '{"b":"<b>","a":1}'];
    expect(JSON.parse(sorted)).toEqual(JSON.parse(asPutIn));
    const add = (side: Side, payload: string) =>
      side.enqueue({ type: "t", payload, options: { queue, unique: "1h" } });
    await add(producer, sorted);
    await expect(add(server, sorted)).rejects.toMatchObject({ code: "DUPLICATE_TASK" });
    await add(server, asPutIn);
    expect(await node.inspector.getQueueInfo(queue)).toMatchObject({ pending: 2 });
  });

  it("share the work, and each task is run once", async () => {
    const { queue, producer, server, node } = await fleet(redis.url, "Go");
    const ids = Array.from({ length: 200 }, (_, i) => `t-${i}`);
    await node.inspector.pauseQueue(queue);
    for (const [i, taskId] of ids.entries()) {
      const by = i % 2 === 0 ? producer : server;
      await by.enqueue({ type: "t", payload: script({}), options: { queue, taskId } });
    }
    await producer.serve(queue, { concurrency: 2 });
    await server.serve(queue, { concurrency: 2 });
    await node.inspector.unpauseQueue(queue);
    await eventually("all have run", async () => (await node.inspector.getQueueInfo(queue)).size === 0);
    await eventually(
      "all are told of",
      () => producer.attempts.length + server.attempts.length >= ids.length,
    );
    const ran = [...producer.attempts, ...server.attempts].map(({ task }) => task);
    expect(ran.sort()).toEqual([...ids].sort());
    expect(await node.inspector.getQueueInfo(queue)).toMatchObject({ processed: 200, failed: 0 });
  });
});
