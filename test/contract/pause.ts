import { expect, it } from "vitest";
import type { OpenEngine } from "./harness.ts";
import { counts, done, enqueued, ids, leased, requeue, running, settled } from "./tasks.ts";

export function pauseContract(open: OpenEngine): void {
  it("leases nothing from a paused queue until it goes on", async () => {
    const engine = await open();
    const queue = engine.queue();
    const id = await enqueued(engine, queue);

    expect(await engine.inspection.pauseQueue(queue)).toBe(true);
    expect(await engine.broker.exchange(queue, [], 5)).toMatchObject({ leased: [], more: false });
    expect(await engine.inspection.queueInfo(queue)).toMatchObject({ paused: true, pending: 1 });
    expect(await engine.inspection.unpauseQueue(queue)).toBe(true);
    expect(await engine.inspection.queueInfo(queue)).toMatchObject({ paused: false });
    expect(ids(await leased(engine, queue, 1))).toEqual([id]);
  });

  it("says whether pausing and going on changed anything", async () => {
    const engine = await open();
    const queue = engine.queue();
    const other = await engine.another();
    expect(await engine.inspection.unpauseQueue(queue)).toBe(false);
    expect(await engine.inspection.pauseQueue(queue)).toBe(true);
    expect(await other.inspection.pauseQueue(queue)).toBe(false);
    expect(await other.inspection.unpauseQueue(queue)).toBe(true);
    expect(await engine.inspection.unpauseQueue(queue)).toBe(false);
  });

  it("still accepts and settles tasks while paused, and lets running ones go on", async () => {
    const engine = await open();
    const queue = engine.queue();
    const [finished, handedBack, runs] = [
      await running(engine, queue),
      await running(engine, queue),
      await running(engine, queue),
    ];
    await engine.inspection.pauseQueue(queue);

    await enqueued(engine, queue);
    expect(await settled(engine, finished, done)).toBe("settled");
    expect(await settled(engine, handedBack, requeue)).toBe("settled");
    expect(await engine.broker.extendLeases(queue, [runs])).toEqual(["extended"]);
    expect(await counts(engine, queue)).toEqual({ pending: 2, active: 1 });
  });

  it("pauses one queue and no other", async () => {
    const engine = await open();
    const [paused, running] = [engine.queue(), engine.queue()];
    await engine.inspection.pauseQueue(paused);
    await enqueued(engine, paused);
    await enqueued(engine, running);
    expect((await engine.broker.exchange(paused, [], 1)).leased).toEqual([]);
    await leased(engine, running, 1);
  });

  it("can pause a queue before anything is enqueued to it, without making it known", async () => {
    const engine = await open();
    const queue = engine.queue();
    expect(await engine.inspection.pauseQueue(queue)).toBe(true);
    expect(await engine.inspection.queues()).toEqual([]);
    expect(await engine.inspection.queueInfo(queue)).toBeUndefined();
    await enqueued(engine, queue);
    expect((await engine.broker.exchange(queue, [], 1)).leased).toEqual([]);
  });
}
