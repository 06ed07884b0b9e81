import { describe, expect, it } from "vitest";
import { redisForFile } from "../support/redis-rig.ts";
import { countTests } from "./count-tests.ts";
import { fleet } from "./fleet.ts";
import { fleetScenarios, secondsFromNow } from "./fleet-scenarios.ts";
import { script } from "./go-only.ts";
import { eventually, hearKeys } from "./news.ts";
import { goSide, type Side } from "./sides.ts";

const redis = await redisForFile();
await hearKeys(redis);

countTests("fleet-scenarios");

describe.each([
  ["Go", "Node"],
  ["Node", "Go"],
] as const)("a task that %s enqueues and %s runs", (producing, _) => {
  fleetScenarios(redis.url, producing);

  it("waits for its time", async () => {
    const { add, server, queue, reaches, looks } = await fleet(redis.url, producing);
    // Go rounds its own down to a second; of ours it leaves the fraction where it is.
    if (producing === "Node") redis.expectDamage("I9");
    const processAt = secondsFromNow(2.5);
    await add([{}], { processAt, retention: "1h" });
    expect((await looks()).go).toMatchObject({ State: "scheduled" });
    await server.serve(queue);
    await eventually("it runs", () => server.attempts.length === 1);
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(processAt) - (producing === "Go" ? 500 : 0));
    await reaches("completed");
  });
});

describe("both on one queue", () => {
  it("hold a task for another one where its bytes differ, though it means the same", async () => {
    const { queue, producer, server, node } = await fleet(redis.url, "Go");
    const { peer } = await goSide(redis.url);
    const asPutIn = '{"b":"<>&","a":0}';
    expect(JSON.stringify({ b: "<>&", a: -0 })).toBe(asPutIn);
    const sorted = '{"a":-0,"b":"\\u003c\\u003e\\u0026"}';
    expect(await peer.marshal('{"b":"<>&","a":-0}')).toBe(sorted);
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
