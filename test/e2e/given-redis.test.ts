import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { afterAll, expect, it } from "vitest";
import { Client } from "../../src/client/client.ts";
import { Inspector } from "../../src/inspector/inspector.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { ServeMux } from "../../src/server/serve-mux.ts";
import { Server } from "../../src/server/server.ts";
import { Task } from "../../src/task.ts";
import { assertInvariants } from "../support/invariants.ts";
import { scanKeys } from "../support/queue-snapshot.ts";
import { RedisRig } from "../support/redis-rig.ts";

/** Runs on the Redis that TITANQUEUE_TEST_REDIS_URL names, among the data of others, or else on one of its own. */
const given = process.env["TITANQUEUE_TEST_REDIS_URL"];
const rig = given ? undefined : await RedisRig.start();
const url = given || (rig?.url ?? "");
const raw = new Redis(url);
const queue = `titanqueue-test-${randomUUID()}`;

afterAll(async () => {
  const keys = [...(await scanKeys(raw, `asynq:{${queue}}:*`)), ...(await scanKeys(raw, `tq:{${queue}}:*`))];
  if (keys.length > 0) await raw.del(keys);
  await raw.srem("asynq:queues", queue);
  raw.disconnect();
  await rig?.stop();
});

it("runs every task exactly once, at once or later, on a Redis that holds other things", async () => {
  await using client = new Client(url);
  await using inspector = new Inspector(url);
  const wanted = Array.from({ length: 50 }, (_, n) => n);
  const items = wanted.map((n) => ({
    task: new Task("count", n),
    options: { queue, processIn: n % 10 === 0 ? 100 : undefined },
  }));
  for (const answer of await client.enqueueBatch(items)) expect(answer.ok).toBe(true);

  const seen: number[] = [];
  const server = new Server(url, { queues: { [queue]: 1 }, concurrency: 5, logger: silentLogger });
  await new Promise<void>((finish, fail) => {
    const mux = new ServeMux().handle("count", async (task) => {
      seen.push(Number(task.payload));
      if (seen.length === wanted.length) finish();
    });
    server.start(mux).catch(fail);
  });
  await server.shutdown();

  expect(seen.sort((a, b) => a - b)).toEqual(wanted);
  expect(await inspector.getQueueInfo(queue)).toMatchObject({
    pending: 0,
    active: 0,
    scheduled: 0,
    retry: 0,
  });
  await assertInvariants(raw, [queue]);
});
