import { setTimeout as wait } from "node:timers/promises";
import { afterEach, expect, it } from "vitest";
import { keySlot } from "../../src/engine/redis/key-slot.ts";
import { AmbiguousEnqueueError, EngineUnavailableError, RedisReadOnlyError } from "../../src/errors.ts";
import { queueKeys } from "../../src/protocol/keys.ts";
import { Task } from "../../src/task.ts";
import { benchForFile, freshQueue } from "../faults/bench.ts";
import { eventually } from "../faults/eventually.ts";
import { ClusterRig } from "../support/cluster-rig.ts";
import { SentinelRig } from "../support/sentinel-rig.ts";

/** E02 and E06: another Redis takes over, with all tasks or with one queue. docs/reliability.md b. */

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});
// Registered later, so what it made is closed earlier.
const bench = benchForFile();

it.each(["planned", "by a crash"] as const)(
  "goes on after a failover of Sentinel, %s, and loses nothing that the replica had (E02)",
  async (how) => {
    const rig = await SentinelRig.start();
    stops.push(() => rig.stop());
    const queue = freshQueue();
    const client = bench.client(rig.url);
    const server = await bench.server(rig.url, () => wait(5), { queue, concurrency: 10 });
    const acknowledged = new Set<string>();
    const unexpected: unknown[] = [];
    let producing = true;
    const producer = (async () => {
      for (let i = 0; producing; i += 1) {
        const taskId = `${queue}-${i}`;
        try {
          await client.enqueue(new Task("work"), { queue, taskId, retention: "1h" });
          acknowledged.add(taskId);
        } catch (error) {
          const known = [AmbiguousEnqueueError, EngineUnavailableError, RedisReadOnlyError];
          if (!known.some((each) => error instanceof each)) unexpected.push(error);
        }
      }
    })();
    await server.hasSettled(100);

    // What was acknowledged until now and has reached the replica must not be lost.
    const safe = [...acknowledged];
    await eventually("the replica has it", async () => {
      const count = await rig.replica
        .client()
        .call("EXISTS", ...safe.map((id) => queueKeys(queue).taskPrefix + id));
      return count === safe.length;
    });
    if (how === "planned") await rig.failover();
    else {
      await rig.primary.crash();
      await rig.promoted(rig.replica);
    }
    const promoted = performance.now();
    const before = acknowledged.size;
    await eventually("enqueues are taken again", () => acknowledged.size > before + 20);
    const settled = server.settled.length;
    await eventually("tasks run again", () => server.settled.length > settled + 20);
    expect(performance.now() - promoted).toBeLessThan(5_000);
    producing = false;
    await producer;

    expect(unexpected).toEqual([]);
    const inspector = bench.inspector(rig.url);
    await eventually(
      "the queue is empty",
      async () => {
        const { pending, active, retry } = await inspector.getQueueInfo(queue);
        return pending + active + retry === 0;
      },
      15_000,
    );
    const ran = new Set(server.started.map(({ taskId }) => taskId));
    expect(safe.filter((id) => !ran.has(id))).toEqual([]);
    // The window of asynchronous replication: listed, not hidden.
    const lost = [...acknowledged].filter((id) => !ran.has(id));
    expect(lost.length).toBeLessThan(50);
  },
  60_000,
);

it("follows a queue whose slot moves to another node under load (E06)", async () => {
  const rig = await ClusterRig.start();
  stops.push(() => rig.stop());
  const queue = freshQueue();
  const client = bench.client(rig.url);
  const server = await bench.server(rig.url, () => wait(5), {
    queue,
    concurrency: 10,
    taskCheckInterval: 50,
  });
  const acknowledged = new Set<string>();
  const ambiguous = new Set<string>();
  let producing = true;
  const producer = (async () => {
    for (let i = 0; producing; i += 1) {
      const taskId = `${queue}-${i}`;
      try {
        await client.enqueue(new Task("work"), { queue, taskId, retention: "1h" });
        acknowledged.add(taskId);
      } catch (error) {
        if (!(error instanceof AmbiguousEnqueueError) && !(error instanceof EngineUnavailableError))
          throw error;
        ambiguous.add(taskId);
      }
    }
  })();
  await server.hasSettled(100);
  const settledBefore = server.settled.length;
  await rig.migrate(keySlot(queueKeys(queue).pending));
  await eventually("tasks run on the other node", () => server.settled.length > settledBefore + 100);
  producing = false;
  await producer;

  const ran = () => new Set(server.started.map(({ taskId }) => taskId));
  await eventually("all have run", () => [...acknowledged].every((id) => ran().has(id)), 15_000);
  const ids = server.started.map(({ taskId }) => taskId);
  expect(ids.length).toBe(new Set(ids).size);
  expect(ids.filter((id) => !acknowledged.has(id) && !ambiguous.has(id))).toEqual([]);
  expect(server.lost).toEqual([]);
}, 60_000);
