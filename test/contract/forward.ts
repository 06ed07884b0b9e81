import { expect, it } from "vitest";
import type { OpenEngine } from "./harness.ts";
import {
  archive,
  counts,
  done,
  enqueued,
  forwardAll,
  ids,
  leased,
  record,
  retry,
  running,
  settled,
} from "./tasks.ts";

export function forwardContract(open: OpenEngine): void {
  it("moves a scheduled task to pending when it is due, and not before", async () => {
    const engine = await open();
    const queue = engine.queue();
    const id = await enqueued(engine, queue, {}, { processAt: engine.broker.now() + 30_000 });

    await engine.clock.advance(29_000);
    expect((await engine.broker.forward(queue, 10)).moved).toBe(0);
    expect((await engine.broker.exchange(queue, [], 1)).leased).toEqual([]);
    await engine.clock.advance(2_000);
    expect((await engine.broker.forward(queue, 10)).moved).toBe(1);
    expect(ids(await leased(engine, queue, 1))).toEqual([id]);
  });

  it("moves retries and scheduled tasks, in the order in which they fall due", async () => {
    const engine = await open();
    const queue = engine.queue();
    const now = engine.broker.now();
    const order = [];
    for (const delay of [30_000, 10_000, 20_000]) {
      order.push({ delay, id: await enqueued(engine, queue, {}, { processAt: now + delay }) });
    }
    await engine.clock.advance(31_000);
    expect((await engine.broker.forward(queue, 10)).moved).toBe(3);
    const dueOrder = order.sort((a, b) => a.delay - b.delay).map(({ id }) => id);
    const scheduled = await leased(engine, queue, 3);
    expect(ids(scheduled)).toEqual(dueOrder);

    const again = engine.broker.now();
    for (const [place, attempt] of scheduled.entries()) {
      await settled(engine, attempt, retry(attempt, again + 30_000 - place * 10_000));
    }
    await engine.clock.advance(31_000);
    expect((await engine.broker.forward(queue, 10)).moved).toBe(3);
    expect(ids(await leased(engine, queue, 3))).toEqual(dueOrder.reverse());
  });

  it("moves no more than asked for, and says that more is due", async () => {
    const engine = await open();
    const queue = engine.queue();
    const processAt = engine.broker.now() + 1_000;
    for (let i = 0; i < 5; i += 1) await enqueued(engine, queue, {}, { processAt });
    await engine.clock.advance(2_000);

    const first = await engine.broker.forward(queue, 3);
    expect(first.moved).toBe(3);
    expect(first.nextDueAt).toBeLessThanOrEqual(engine.broker.now());
    const second = await engine.broker.forward(queue, 3);
    expect(second).toEqual({ moved: 2, nextDueAt: undefined });
    expect(await counts(engine, queue)).toEqual({ pending: 5 });
  });

  it("says when the next task falls due, be it scheduled or a retry", async () => {
    const engine = await open();
    const queue = engine.queue();
    expect(await engine.broker.forward(queue, 10)).toEqual({ moved: 0, nextDueAt: undefined });

    const attempt = await running(engine, queue);
    const retryAt = engine.broker.now() + 50_000;
    await settled(engine, attempt, retry(attempt, retryAt));
    expectSoonAfter((await engine.broker.forward(queue, 10)).nextDueAt, retryAt);

    const processAt = engine.broker.now() + 20_000;
    await enqueued(engine, queue, {}, { processAt });
    expectSoonAfter((await engine.broker.forward(queue, 10)).nextDueAt, processAt);

    await engine.clock.advance(21_000);
    await enqueued(engine, queue, {}, { processAt: retryAt + 60_000 });
    const next = await engine.broker.forward(queue, 10);
    expect(next.moved).toBe(1);
    expectSoonAfter(next.nextDueAt, retryAt);
  });

  it("puts a due task behind those that wait already", async () => {
    const engine = await open();
    const queue = engine.queue();
    const due = await enqueued(engine, queue, {}, { processAt: engine.broker.now() + 1_000 });
    const waiting = await enqueued(engine, queue);
    await engine.clock.advance(2_000);
    await forwardAll(engine, queue);
    expect(ids(await leased(engine, queue, 2))).toEqual([waiting, due]);
  });

  it("counts a forwarded task's waiting from when it became due", async () => {
    const engine = await open();
    const queue = engine.queue();
    await enqueued(engine, queue, {}, { processAt: engine.broker.now() + 60_000 });
    await engine.clock.advance(61_000);
    await forwardAll(engine, queue);
    await engine.clock.advance(5_000);
    expect((await engine.inspection.queueInfo(queue))?.latency).toBe(5_000);
  });

  it("forwards a paused queue as well", async () => {
    const engine = await open();
    const queue = engine.queue();
    await enqueued(engine, queue, {}, { processAt: engine.broker.now() + 1_000 });
    await engine.inspection.pauseQueue(queue);
    await engine.clock.advance(2_000);
    expect((await engine.broker.forward(queue, 10)).moved).toBe(1);
  });

  it("never moves a task that is already on its way or finished", async () => {
    const engine = await open();
    const queue = engine.queue();
    for (let i = 0; i < 2; i += 1)
      await enqueued(engine, queue, {}, { processAt: engine.broker.now() + 500 });
    await engine.clock.advance(2_000);
    await forwardAll(engine, queue);
    const [first, second] = await leased(engine, queue, 2);
    expect(await forwardAll(engine, queue)).toEqual({ moved: 0, nextDueAt: undefined });
    if (first) await settled(engine, first, archive(first));
    if (second) await settled(engine, second, done);
    expect(await forwardAll(engine, queue)).toEqual({ moved: 0, nextDueAt: undefined });
    expect(await counts(engine, queue)).toEqual({ archived: 1 });
  });

  it("sends a due task with a group to its group", async () => {
    const engine = await open();
    const queue = engine.queue();
    const scheduled = { processAt: engine.broker.now() + 1_000 };
    const id = await enqueued(engine, queue, { groupKey: "digest" }, scheduled);
    expect(await counts(engine, queue)).toEqual({ scheduled: 1 });

    await engine.clock.advance(2_000);
    expect((await engine.broker.forward(queue, 10)).moved).toBe(1);
    expect(await record(engine, queue, id)).toMatchObject({
      state: "aggregating",
      message: { groupKey: "digest" },
    });
    expect(await engine.inspection.queueInfo(queue)).toMatchObject({ aggregating: 1, groups: 1, pending: 0 });
  });
}

/** Engines may keep far instants to the second, later but never earlier. */
export function expectSoonAfter(instant: number | undefined, wanted: number): void {
  expect(instant).toBeGreaterThanOrEqual(wanted);
  expect(instant).toBeLessThan(wanted + 1_000);
}
