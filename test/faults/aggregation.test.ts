import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { queueKeys } from "../../src/protocol/keys.ts";
import type { Handler } from "../../src/server/handler.ts";
import { Task } from "../../src/task.ts";
import { redisForFile } from "../support/redis-rig.ts";
import { runProgram } from "../support/running-program.ts";
import { benchForFile, freshQueue, type LocalServerOptions } from "./bench.ts";
import { eventually } from "./eventually.ts";

/** J01 to J03: docs/reliability.md b. */

const redis = await redisForFile();
const bench = benchForFile();
const program = fileURLToPath(new URL("../support/aggregator-program.ts", import.meta.url));

const aggregating: LocalServerOptions = {
  groupGracePeriod: "1s",
  groupAggregator: (_, tasks) =>
    new Task(
      "sum",
      tasks.map(({ payload }) => payload),
    ),
};

/** Keeps what the aggregates stand for. */
function collecting() {
  const members: number[] = [];
  const handler: Handler = (task) => {
    expect(task.type).toBe("sum");
    members.push(...(task.payload as number[]));
  };
  return { members, handler, sorted: () => [...members].sort((a, b) => a - b) };
}

async function enqueueGroup(queue: string, count: number): Promise<number[]> {
  const client = bench.client(redis.url);
  const numbers = Array.from({ length: count }, (_, i) => i);
  await client.enqueueBatch(
    numbers.map((i) => ({ task: new Task("number", i), options: { queue, group: "g" } })),
  );
  return numbers;
}

async function isEmpty(queue: string): Promise<boolean> {
  return (await bench.inspector(redis.url).getQueueInfo(queue)).size === 0;
}

describe("a server is killed while it aggregates", () => {
  it.each([
    ["when the set was cut", "after-cut", "J02"],
    ["before its aggregate was stored", "before-commit", "J01"],
    ["when it was stored, before anybody was told", "after-commit", "J01"],
  ])("%s: every task is in one aggregate, and in no second one (%s, %s)", async (_, moment) => {
    const queue = freshQueue();
    const numbers = await enqueueGroup(queue, 50);
    const doomed = runProgram(["--import", "tsx", program, redis.url, queue, moment], { cwd: process.cwd() });
    await doomed.line(`held ${moment}`);
    doomed.child.kill("SIGKILL");
    await once(doomed.child, "close");

    // Two minutes have passed for the set, if there is one.
    const { aggregationSets } = queueKeys(queue);
    const client = redis.client();
    for (const set of await client.zrange(aggregationSets, "0", "-1"))
      await client.zadd(aggregationSets, "1", set);
    client.disconnect();

    const { handler, sorted } = collecting();
    const survivor = await bench.server(redis.url, handler, { ...aggregating, queue });
    await eventually("all is done", async () => sorted().length >= 50 && (await isEmpty(queue)), 20_000);
    await survivor.stop();
    expect(sorted()).toEqual(numbers);
  });
});

describe("several servers aggregate one group", () => {
  it("and put each of 1,000 tasks into one aggregate", async () => {
    const queue = freshQueue();
    const { handler, sorted } = collecting();
    const options = { ...aggregating, groupMaxSize: 20, queue };
    const servers = [
      await bench.server(redis.url, handler, options),
      await bench.server(redis.url, handler, options),
      await bench.server(redis.url, handler, options),
    ];
    const numbers = await enqueueGroup(queue, 1_000);
    await eventually("all is done", async () => sorted().length >= 1_000 && (await isEmpty(queue)), 20_000);
    for (const server of servers) await server.stop();
    expect(sorted()).toEqual(numbers);
  });
});

describe("a grouped task comes late", () => {
  it("after a delay, and is aggregated (J03)", async () => {
    const queue = freshQueue();
    const { handler, sorted } = collecting();
    await bench.server(redis.url, handler, { ...aggregating, queue });
    const client = bench.client(redis.url);
    await client.enqueue(new Task("number", 7), { queue, group: "g", processIn: 500 });
    await eventually("it is aggregated", async () => sorted().length === 1 && (await isEmpty(queue)), 10_000);
  });
});
