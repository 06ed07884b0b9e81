import { afterAll, expect, it } from "vitest";
import type { Finding } from "../../../src/broker/repair.ts";
import { createRedisEngine } from "../../../src/engine/redis/redis-engine.ts";
import { queueKeys } from "../../../src/protocol/keys.ts";
import { silentLogger } from "../../../src/runtime/logger.ts";
import { message } from "../../contract/tasks.ts";
import { ClusterRig } from "../../support/cluster-rig.ts";
import { assertInvariants } from "../../support/invariants.ts";

const cluster = await ClusterRig.start();
afterAll(() => cluster.stop());

it("finds and mends damage on every node of a Cluster, in queues that nobody registered too", async () => {
  await using engine = createRedisEngine(cluster.url, { logger: silentLogger });
  const client = cluster.client();
  // Their slots: 5718, 8090, 15214, and more; every node has some.
  const queues = ["default", "critical", "low", "a", "b", "c", "d", "e"];
  await engine.broker.enqueue(queues.map((queue) => ({ message: message(queue) })));
  for (const queue of queues) await client.lpush(queueKeys(queue).pending, "ghost");
  await client.srem("asynq:queues", ...queues.slice(2));

  const fsck = async (wanted: readonly string[] | undefined) => {
    const findings: Finding[] = [];
    const call = { repair: true, signal: undefined, onProgress: () => undefined };
    const end = await engine.repair.fsck({
      ...call,
      queues: wanted,
      onFinding: (each) => findings.push(each),
    });
    return { end, findings: findings.map(({ queue, code, repaired }) => [queue, code, repaired]).sort() };
  };
  expect((await fsck(["low"])).findings).toEqual([
    ["low", "GHOST", "removed"],
    ["low", "QUEUE_NOT_LISTED", "listed"],
  ]);
  const { end, findings } = await fsck(undefined);
  expect(end).toEqual({ queues: [...queues].sort(), tasks: queues.length, stopped: false });
  const ghosts = queues.filter((queue) => queue !== "low").map((queue) => [queue, "GHOST", "removed"]);
  const unlisted = ["a", "b", "c", "d", "e"].map((queue) => [queue, "QUEUE_NOT_LISTED", "listed"]);
  expect(findings).toEqual([...ghosts, ...unlisted].sort());
  expect((await fsck(undefined)).findings).toEqual([]);
  await assertInvariants(client);
}, 60_000);
