import { Redis } from "ioredis";
import { afterAll, expect, it } from "vitest";
import { Client, Inspector, redisEngine, Server, Task } from "../../src/index.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { redisForFile } from "../support/redis-rig.ts";

const rig = await redisForFile();
const redis = new Redis(rig.url, { db: 3 });
afterAll(() => redis.disconnect());

it("carries client, inspector and server on an ioredis client that is there already, and leaves it to its owner", async () => {
  const engine = redisEngine(redis);
  const client = new Client(engine);
  const inspector = new Inspector(engine);
  const server = new Server(engine, { logger: silentLogger });

  const { id } = await client.enqueue(new Task("greet", { name: "Ada" }), { retention: "1h" });
  expect(await inspector.queues()).toEqual(["default"]);
  expect(await inspector.getTaskInfo({ queue: "default", id })).toMatchObject({ state: "pending" });
  const settled = new Promise((resolve) => server.on("taskSettled", resolve));
  await server.start((task) => `hello ${(task.payload as { name: string }).name}`);
  expect(await settled).toMatchObject({ taskId: id, outcome: "completed" });
  expect(await inspector.getTaskInfo({ queue: "default", id })).toMatchObject({
    state: "completed",
    result: "hello Ada",
  });

  await server.shutdown();
  await client.close();
  await inspector.close();
  expect(await redis.exists("asynq:queues")).toBe(1);
});
