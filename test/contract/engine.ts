import { expect, it } from "vitest";
import { engineBrand } from "../../src/broker/engine.ts";
import type { OpenEngine } from "./harness.ts";
import { counts, enqueued, message, record } from "./tasks.ts";

export function engineContract(open: OpenEngine): void {
  it("bears the mark of an engine, and its kind", async () => {
    const { engine } = await open();
    expect(engine[engineBrand]).toBe(true);
    expect(engine.kind).toMatch(/^[a-z]+$/);
  });

  it("goes by one clock", async () => {
    const engine = await open();
    const other = await engine.another();
    const start = engine.clock.now();
    expect(engine.broker.now()).toBe(start);
    await engine.clock.advance(12_345);
    expect(engine.clock.now()).toBe(start + 12_345);
    expect(engine.broker.now()).toBe(start + 12_345);
    expect(other.broker.now()).toBe(start + 12_345);
  });

  it("opens as often as it is asked to, and answers a ping", async () => {
    const { engine } = await open();
    await Promise.all([engine.open(), engine.open()]);
    await engine.open();
    await expect(engine.ping()).resolves.toBeUndefined();
  });

  it("closes with its last user, and opens again for the next one", async () => {
    const harness = await open();
    const engine = await harness.another();
    const queue = harness.queue();
    const [first, second] = [engine.use(), engine.use()];
    const id = await enqueued(engine, queue);

    await first();
    await first();
    expect(await counts(engine, queue)).toEqual({ pending: 1 });
    await second();
    await expect(engine.broker.forward(queue, 1)).rejects.toMatchObject({ code: "CLOSED" });

    const third = engine.use();
    expect(await record(engine, queue, id)).toMatchObject({ state: "pending" });
    await third();
  });

  it("refuses every call once it is closed, until it is opened again", async () => {
    const harness = await open();
    const engine = await harness.another();
    const { broker, inspection } = engine;
    const queue = harness.queue();
    await enqueued(engine, queue);
    await engine.close();
    await engine.close();

    const calls: Promise<unknown>[] = [
      engine.ping(),
      broker.exchange(queue, [], 1),
      broker.forward(queue, 1),
      broker.listExpired(queue, 1),
      broker.sweep(queue, 1),
      broker.reclaimAggregationSets(queue),
      broker.deleteExpired(queue, 1),
      broker.trimArchive(queue, 1),
      broker.publishCancelation("id"),
      inspection.queues(),
      inspection.queueInfo(queue),
      inspection.taskInfo(queue, "id"),
      inspection.listTasks(queue, "pending", { page: 0, size: 1 }),
      inspection.pauseQueue(queue),
      inspection.unpauseQueue(queue),
      inspection.history(queue, 1),
      inspection.groups(queue),
      inspection.memoryUsage(queue),
      inspection.servers(),
      inspection.changeTasks(queue, "run", ["id"]),
      inspection.changeSome(queue, "run", { state: "archived" }, 1),
      inspection.scanTasks(queue, "pending", undefined, 1),
      inspection.rewriteTask(queue, "id", (old) => old),
      inspection.removeQueue(queue),
    ];
    for (const outcome of await Promise.allSettled(calls)) {
      expect(outcome).toMatchObject({ status: "rejected", reason: { code: "CLOSED" } });
    }
    expect(await broker.enqueue([{ message: message(queue) }])).toMatchObject([
      { status: "failed", error: { code: "CLOSED" } },
    ]);
    expect(await counts(harness, queue)).toEqual({ pending: 1 });

    await engine.open();
    await expect(engine.ping()).resolves.toBeUndefined();
    expect(await counts(engine, queue)).toEqual({ pending: 1 });
  });

  it("closes when it is disposed of", async () => {
    const harness = await open();
    const engine = await harness.another();
    await engine[Symbol.asyncDispose]();
    await expect(engine.broker.forward(harness.queue(), 1)).rejects.toMatchObject({ code: "CLOSED" });
  });
}
