import { expect, it } from "vitest";
import { Task } from "../../src/task.ts";
import { redisForFile } from "../support/redis-rig.ts";
import { benchForFile, freshQueue } from "./bench.ts";
import { eventually } from "./eventually.ts";

/** G06: what our limits let pass and a Redis with narrower ones does not. docs/reliability.md b. */

/** The least that Redis can be told to take. */
const redis = await redisForFile({ config: { "proto-max-bulk-len": 1_048_576 } });
const bench = benchForFile();

it("stores how all others ended, at once, while Redis hangs up on one result", async () => {
  const queue = freshQueue();
  const client = bench.client(redis.url);
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const handler = async (task: Task) => {
    await released;
    return task.payload === 2 ? "x".repeat(2_000_000) : "fine";
  };
  const server = await bench.server(redis.url, handler, { queue, concurrency: 20 });
  const options = { queue, retention: "1h" } as const;
  await client.enqueueBatch(Array.from({ length: 20 }, (_, n) => ({ task: new Task("work", n), options })));
  await eventually("all run", () => server.started.length === 20);
  release();
  await server.hasSettled(19);
  expect(new Set(server.settled.map(({ outcome }) => outcome))).toEqual(new Set(["completed"]));
  expect(server.started).toHaveLength(20);
  // Redis's own words come through or not, as the network pleases; the id is told in either case.
  const ended = new Set(server.settled.map(({ taskId }) => taskId));
  const large = server.started.find(({ taskId }) => !ended.has(taskId))?.taskId ?? "none";
  const tells = (line: string) => line.includes("outcomes were not accepted") && line.includes(large);
  await eventually("it says which one", () => server.log.lines.some(tells));

  const later = await client.enqueue(new Task("work", 20), options);
  await eventually("the next task ends", () => server.settled.some(({ taskId }) => taskId === later.id));
});
