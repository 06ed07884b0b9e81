import { describe, expect, it } from "vitest";
import { Client } from "../../src/client/client.ts";
import { defineWorker } from "../../src/define-worker.ts";
import { ServeMux } from "../../src/server/serve-mux.ts";
import { Server } from "../../src/server/server.ts";
import { Task } from "../../src/task.ts";
import { testQueue } from "../../src/testing/test-queue.ts";
import { gate } from "../server/server-rig.ts";
import { NEW_YEAR, quiet, recordingMux, tick, welcome } from "./subjects.ts";

describe("a server under test", () => {
  it("lives by the clock of the test", async () => {
    const { mux, ran, failing } = recordingMux();
    const q = testQueue({ now: NEW_YEAR });
    await using server = new Server(q.engine, { runtime: q.runtime, logger: quiet, concurrency: 2 });
    const checks: number[] = [];
    await using watched = new Server(q.engine, {
      runtime: q.runtime,
      logger: quiet,
      queues: { none: 1 },
      healthCheck: () => checks.push(q.clock.now() - Date.parse(NEW_YEAR)),
      healthCheckInterval: "15s",
    });
    await server.start(mux);
    await watched.start(mux);

    await q.client.enqueue(tick(), { processIn: "10m" });
    await q.client.enqueue(tick());
    await q.advance("9m59s");
    expect(ran).toEqual(["tick"]);
    expect(checks.length).toBeGreaterThanOrEqual(39);
    await q.advance("1s");
    expect(ran).toEqual(["tick", "tick"]);

    failing.times = 1;
    await q.client.enqueue(welcome({ userId: 3 }), { queue: "default" });
    await q.advance(0);
    expect(q.expectEnqueued(welcome).state).toBe("retry");
    await q.advance("1m");
    expect(ran).toEqual(["tick", "tick", 3]);
  });

  it("is shut down with its timeouts in the hands of the test", async () => {
    const q = testQueue();
    const server = new Server(q.engine, { runtime: q.runtime, logger: quiet, shutdownTimeout: "30s" });
    const begun = gate();
    await server.start(
      (_, ctx) =>
        new Promise((_resolve, reject) => {
          begun.open();
          ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason));
        }),
    );
    await q.client.enqueue(new Task("long"));
    await begun.opened;
    let ended = false;
    const down = server.shutdown().then((result) => {
      ended = true;
      return result;
    });
    await q.advance("29s");
    expect(ended).toBe(false);
    await q.advance("1s");
    expect(await down).toMatchObject({ requeued: 1, exitCode: 0 });
    expect(q.expectEnqueued("long").state).toBe("pending");
  });

  it("takes over what a lost attempt left, after its lease", async () => {
    const { mux, ran } = recordingMux();
    const q = testQueue({ now: NEW_YEAR });
    await q.client.enqueue(tick());
    await q.engine.broker.exchange("default", [], 1); // whoever took it dies here
    await using server = new Server(q.engine, { runtime: q.runtime, logger: quiet });
    await server.start(mux);
    await q.advance("45s");
    expect(ran).toEqual([]);
    await q.advance("2m");
    expect(ran).toEqual(["tick"]);
  });

  it("is still there after a reset", async () => {
    const { mux, ran } = recordingMux();
    const q = testQueue();
    await using server = new Server(q.engine, { runtime: q.runtime, logger: quiet });
    await server.start(mux);
    await q.advance(0);
    q.reset();
    await q.client.enqueue(tick());
    await q.advance(0);
    expect(ran).toEqual(["tick"]);
  });
});

describe("testQueue", () => {
  it("takes a worker file's definition as it is", async () => {
    const { mux, ran } = recordingMux();
    const worker = defineWorker({ mux, server: { concurrency: 4, queues: { critical: 2 } } });
    const q = testQueue(worker);
    await q.client.enqueue(welcome({ userId: 1 }));
    await q.drain();
    expect(ran).toEqual([1]);
  });

  it("runs what other clients on its engine enqueue", async () => {
    const q = testQueue({ mux: new ServeMux().handle("x", () => "done") });
    await using client = new Client(q.engine, { runtime: q.runtime });
    await client.enqueue(new Task("x"), { processIn: "1m" });
    await q.advance("1m");
    expect(await q.drain()).toMatchObject({ success: 1 });
  });
});
