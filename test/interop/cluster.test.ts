import { afterAll, describe, expect, it } from "vitest";
import { Client } from "../../src/client/client.ts";
import { createRedisEngine } from "../../src/engine/redis/redis-engine.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { Server } from "../../src/server/server.ts";
import { Task } from "../../src/task.ts";
import { ClusterRig } from "../support/cluster-rig.ts";
import { Asynqmon } from "./asynqmon.ts";
import { countTests } from "./count-tests.ts";
import { GoInspector } from "./go-inspector.ts";
import { eventually, tell } from "./news.ts";

const rig = await ClusterRig.start();
afterAll(() => rig.stop());
const inspectors = [
  await GoInspector.forFile("0.24.1", rig.url),
  await GoInspector.forFile("0.25.0", rig.url),
  await GoInspector.forFile("0.26.0", rig.url),
];
/** A task for each of them. */
const IDS: Readonly<Record<string, string>> = { "0.24.1": "one", "0.25.0": "two", "0.26.0": "three" };
const monitor = await Asynqmon.forFile(rig.url);

const engine = createRedisEngine(rig.url, { logger: silentLogger });
const client = new Client(engine);
afterAll(async () => {
  await client.close();
  await engine.close();
});

countTests("tool-scenarios");

/** Their keys lie on three nodes: protocol.md 13. */
const SLOTS = { default: 5_718, critical: 8_090, low: 15_214 } as const;
for (const queue of Object.keys(SLOTS)) {
  for (const id of Object.values(IDS)) {
    await client.enqueue(new Task("t", { queue }), { queue, taskId: id, processIn: "1h" });
  }
}

describe.each(inspectors.map((go) => [go.version, go] as const))("on a Cluster, asynq v%s", (_, go) => {
  it("finds what we have enqueued, and where it lies", async () => {
    expect((await go.ask<string[]>("Queues")).sort()).toEqual(Object.keys(SLOTS).sort());
    for (const [queue, slot] of Object.entries(SLOTS)) {
      expect(await go.ask("GetQueueInfo", queue)).toMatchObject({ Queue: queue });
      expect(await go.ask("ClusterKeySlot", queue)).toBe(slot);
      const nodes = await go.ask<{ Addr: string }[]>("ClusterNodes", queue);
      const ports = rig.nodes.map(({ port }) => `127.0.0.1:${port}`);
      expect(nodes.map(({ Addr }) => Addr)).toEqual([expect.toSatisfy((at) => ports.includes(at))]);
    }
  });

  it("runs a task, which our server then does", async () => {
    const id = IDS[go.version];
    const ran: string[] = [];
    const server = new Server(engine, { queues: { default: 1, critical: 1, low: 1 }, logger: silentLogger });
    await server.start((_task, ctx) => {
      ran.push(`${ctx.queue} ${ctx.taskId}`);
      tell();
    });
    for (const queue of Object.keys(SLOTS)) await go.ask("RunTask", queue, id);
    await eventually("each has run", () => ran.length === 3);
    expect(ran.sort()).toEqual([`critical ${id}`, `default ${id}`, `low ${id}`]);
    await server.shutdown();
  });
});

it("asynqmon shows where our queues lie", async () => {
  const info = await monitor.get<{ queue_locations: { queue: string; keyslot: number }[] }>("/redis_info");
  expect(info).toMatchObject({ cluster: true });
  const slots = info.queue_locations.map(({ queue, keyslot }) => [queue, keyslot]);
  expect(Object.fromEntries(slots)).toEqual(SLOTS);
});
