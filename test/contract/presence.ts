import { expect, it } from "vitest";
import type { ServerInfo } from "../../src/protocol/server-info.ts";
import { timestampOf } from "../../src/protocol/timestamp.ts";
import type { WorkerInfo } from "../../src/protocol/worker-info.ts";
import type { OpenEngine } from "./harness.ts";

const server: ServerInfo = {
  host: "host-1",
  pid: 4711,
  serverId: "5e7d1b1a-1111-4222-8333-444455556666",
  concurrency: 10,
  queues: new Map([["default", 1]]),
  strictPriority: false,
  status: "active",
  startTime: timestampOf(1_700_000_000_000),
  activeWorkerCount: 1,
  peer: "titanqueue/0.1.0",
};

const worker: WorkerInfo = {
  host: server.host,
  pid: server.pid,
  serverId: server.serverId,
  taskId: "task",
  taskType: "email:welcome",
  taskPayload: Buffer.from("{}"),
  queue: "default",
  startTime: timestampOf(1_700_000_000_000),
  deadline: timestampOf(1_700_001_800_000),
};

export function presenceContract(open: OpenEngine): void {
  it("lets a server announce itself again and again, and take its leave", async () => {
    const { broker, clock } = await open();
    await expect(broker.writeServerState(server, [worker], 10_000)).resolves.toBeUndefined();
    await clock.advance(5_000);
    await expect(broker.writeServerState(server, [], 10_000)).resolves.toBeUndefined();
    await clock.advance(60_000);
    await expect(broker.writeServerState(server, [worker, worker], 10_000)).resolves.toBeUndefined();
    await expect(broker.clearServerState(server)).resolves.toBeUndefined();
    await expect(broker.clearServerState(server)).resolves.toBeUndefined();
  });

  it("makes no queue known by announcing a server", async () => {
    const { broker, inspection } = await open();
    await broker.writeServerState(server, [worker], 10_000);
    expect(await inspection.queues()).toEqual([]);
  });
}
