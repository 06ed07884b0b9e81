import { expect, it } from "vitest";
import type { OpenEngine } from "./harness.ts";
import {
  archive,
  counts,
  enqueued,
  forwardAll,
  ids,
  leased,
  leasedOne,
  record,
  retry,
  running,
  settled,
} from "./tasks.ts";

/** Delays up to a minute are kept to the millisecond. */
export function delayContract(open: OpenEngine): void {
  for (const delay of [1, 250, 999, 1_000, 1_001, 1_500, 12_345, 59_999]) {
    it(`runs a task scheduled in ${delay} ms exactly then`, async () => {
      const engine = await open();
      const queue = engine.queue();
      const processAt = engine.broker.now() + delay;
      const id = await enqueued(engine, queue, {}, { processAt });

      expect((await record(engine, queue, id)).nextProcessAt).toBe(processAt);
      await engine.clock.advance(delay - 1);
      expect(await engine.broker.forward(queue, 10)).toEqual({ moved: 0, nextDueAt: processAt });
      await engine.clock.advance(1);
      expect(await engine.broker.forward(queue, 10)).toEqual({ moved: 1, nextDueAt: undefined });
      expect((await leasedOne(engine, queue)).message.id).toBe(id);
    });
  }

  it("retries a task exactly when it is told to", async () => {
    const engine = await open();
    const queue = engine.queue();
    const attempt = await running(engine, queue);
    const retryAt = engine.broker.now() + 1_234;
    await settled(engine, attempt, retry(attempt, retryAt));

    expect((await record(engine, queue, attempt.message.id)).nextProcessAt).toBe(retryAt);
    await engine.clock.advance(1_233);
    expect(await engine.broker.forward(queue, 10)).toEqual({ moved: 0, nextDueAt: retryAt });
    await engine.clock.advance(1);
    expect(await engine.broker.forward(queue, 10)).toEqual({ moved: 1, nextDueAt: undefined });
  });

  it("keeps the order of tasks that fall due within one second", async () => {
    const engine = await open();
    const queue = engine.queue();
    const now = engine.broker.now();
    const order = new Map<number, string>();
    for (const delay of [700, 100, 500, 300, 900]) {
      order.set(delay, await enqueued(engine, queue, {}, { processAt: now + delay }));
    }
    for (const delay of [100, 300, 500, 700, 900]) {
      await engine.clock.advance(now + delay - engine.broker.now());
      expect((await engine.broker.forward(queue, 10)).moved).toBe(1);
      expect(ids(await leased(engine, queue, 1))).toEqual([order.get(delay)]);
    }
  });

  it("never runs a task early that is further away, nor more than a second late", async () => {
    const engine = await open();
    const queue = engine.queue();
    await enqueued(engine, queue, {}, { processAt: engine.broker.now() + 3_600_500 });
    await engine.clock.advance(3_600_499);
    expect((await engine.broker.forward(queue, 10)).moved).toBe(0);
    await engine.clock.advance(1_001);
    expect((await engine.broker.forward(queue, 10)).moved).toBe(1);
  });

  it("joins a group exactly when it is told to", async () => {
    const engine = await open();
    const queue = engine.queue();
    await enqueued(engine, queue, { groupKey: "g" }, { processAt: engine.broker.now() + 1_250 });
    await engine.clock.advance(1_249);
    expect((await forwardAll(engine, queue)).moved).toBe(0);
    await engine.clock.advance(1);
    expect((await forwardAll(engine, queue)).moved).toBe(1);
    expect(await counts(engine, queue)).toEqual({ aggregating: 1 });
  });

  it("forgets an instant that its task has outlived", async () => {
    const engine = await open();
    const queue = engine.queue();
    await enqueued(engine, queue, {}, { processAt: engine.broker.now() + 250 });
    await engine.clock.advance(250);
    await forwardAll(engine, queue);
    const first = await leasedOne(engine, queue);
    await settled(engine, first, retry(first, engine.broker.now() + 40_000));

    await engine.clock.advance(39_000);
    expect((await forwardAll(engine, queue)).moved).toBe(0);
    await engine.clock.advance(1_000);
    expect((await forwardAll(engine, queue)).moved).toBe(1);
    const second = await leasedOne(engine, queue);
    await settled(engine, second, archive(second));
    expect((await forwardAll(engine, queue)).moved).toBe(0);
    expect(await counts(engine, queue)).toEqual({ archived: 1 });
  });

  it("gives a new task of the same id its own instant", async () => {
    const engine = await open();
    const queue = engine.queue();
    await enqueued(engine, queue, { id: "again" }, { processAt: engine.broker.now() + 250 });
    await engine.clock.advance(250);
    await forwardAll(engine, queue);
    const attempt = await leasedOne(engine, queue);
    await settled(engine, attempt, { kind: "done" });

    const processAt = engine.broker.now() + 750;
    await enqueued(engine, queue, { id: "again" }, { processAt });
    await engine.clock.advance(749);
    expect(await engine.broker.forward(queue, 10)).toEqual({ moved: 0, nextDueAt: processAt });
    await engine.clock.advance(1);
    expect((await engine.broker.forward(queue, 10)).moved).toBe(1);
  });
}
