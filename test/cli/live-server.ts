import { onTestFinished } from "vitest";
import { silentLogger } from "../../src/runtime/logger.ts";
import { Server } from "../../src/server/server.ts";
import { Task } from "../../src/task.ts";
import { eventually } from "../faults/eventually.ts";
import type { Operator } from "./operator.ts";

/**
 * A server at the operator's store that runs the task `one`, of type `report`, until the test has ended. Resolves when
 * the store shows both.
 */
export async function liveServer(at: Operator): Promise<void> {
  const server = new Server(
    at.url,
    { queues: { default: 3, low: 1 }, concurrency: 7, logger: silentLogger },
    // What runs is shown with the next heartbeat; the record lives as long as it always does.
    { timings: { heartbeat: 100 } },
  );
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  onTestFinished(async () => {
    end();
    await server.shutdown();
  });
  await server.start(() => ended);
  await at.client.enqueue(new Task("report", { day: 1 }), { taskId: "one", timeout: "30s" });
  await eventually("the task is shown to run", async () => {
    const servers = await at.inspector.servers();
    return servers.some(({ workers }) => workers.length === 1);
  });
}
