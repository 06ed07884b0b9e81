import { expect, it } from "vitest";
import type { Outcome } from "../../src/broker/broker.ts";
import type { EngineHarness, OpenEngine } from "./harness.ts";
import {
  archive,
  attempts,
  complete,
  counts,
  enqueued,
  message,
  running,
  settled,
  stateOf,
} from "./tasks.ts";

const DAY = 86_400_000;

export function retentionContract(open: OpenEngine): void {
  it("keeps a completed task for its time and deletes it then", async () => {
    const engine = await open();
    const queue = engine.queue();
    const attempt = await running(engine, queue);
    await settled(engine, attempt, complete(attempt, engine.broker.now() + 60_000, Buffer.from("42")));

    await engine.clock.advance(58_000);
    expect(await engine.broker.deleteExpired(queue, 10)).toBe(0);
    expect(await stateOf(engine, queue, attempt.message.id)).toBe("completed");
    await engine.clock.advance(4_000);
    expect(await engine.broker.deleteExpired(queue, 10)).toBe(1);
    expect(await stateOf(engine, queue, attempt.message.id)).toBeUndefined();
    expect(await counts(engine, queue)).toEqual({});
    expect(await attempts(engine, queue)).toEqual({ processed: 1, failed: 0 });
  });

  it("deletes no more completed tasks than asked for, those that ended first", async () => {
    const engine = await open();
    const queue = engine.queue();
    const order = [];
    for (let i = 0; i < 5; i += 1) {
      const attempt = await running(engine, queue);
      await settled(engine, attempt, complete(attempt, engine.broker.now() + (5 - i) * 10_000));
      order.unshift(attempt.message.id);
    }
    await engine.clock.advance(32_000);
    expect(await engine.broker.deleteExpired(queue, 2)).toBe(2);
    expect(await kept(engine, queue, "completed")).toEqual(order.slice(2));
    expect(await engine.broker.deleteExpired(queue, 2)).toBe(1);
    expect(await engine.broker.deleteExpired(queue, 2)).toBe(0);
    expect(await kept(engine, queue, "completed")).toEqual(order.slice(3));
  });

  it("deletes no completed task of another queue, and no other task", async () => {
    const engine = await open();
    const queue = engine.queue();
    const attempt = await running(engine, queue);
    await settled(engine, attempt, complete(attempt, engine.broker.now() + 1_000));
    await running(engine, queue);
    const failed = await running(engine, queue);
    await settled(engine, failed, archive(failed));
    await enqueued(engine, queue);
    await engine.clock.advance(5_000);

    expect(await engine.broker.deleteExpired(engine.queue(), 10)).toBe(0);
    expect(await engine.broker.deleteExpired(queue, 10)).toBe(1);
    expect(await counts(engine, queue)).toEqual({ pending: 1, active: 1, archived: 1 });
  });

  it("keeps archived tasks for 90 days, and deletes the older ones piece by piece", async () => {
    const engine = await open();
    const queue = engine.queue();
    for (let i = 0; i < 5; i += 1) {
      const attempt = await running(engine, queue);
      await settled(engine, attempt, archive(attempt));
    }
    await engine.clock.advance(89 * DAY);
    expect(await engine.broker.trimArchive(queue, 10)).toBe(0);
    await engine.clock.advance(2 * DAY);
    expect(await engine.broker.trimArchive(queue, 3)).toBe(3);
    expect(await engine.broker.trimArchive(queue, 3)).toBe(2);
    expect(await engine.broker.trimArchive(queue, 3)).toBe(0);
    expect(await counts(engine, queue)).toEqual({});
  });

  it("keeps the newest 10,000 archived tasks", async () => {
    const engine = await open();
    const queue = engine.queue();
    const [oldest, second] = [await archived(engine, queue, 1), await archived(engine, queue, 1)];
    await engine.clock.advance(2_000);
    await archived(engine, queue, 10_000);

    while ((await engine.broker.trimArchive(queue, 500)) > 0);
    expect(await counts(engine, queue)).toEqual({ archived: 10_000 });
    for (const [id] of [oldest, second]) expect(await stateOf(engine, queue, id as string)).toBeUndefined();
  });
}

/** Archives `count` new tasks, in large batches; answers their ids. */
async function archived(engine: EngineHarness, queue: string, count: number): Promise<string[]> {
  const entries = Array.from({ length: count }, () => ({ message: message(queue) }));
  for (let from = 0; from < count; from += 500) {
    await engine.broker.enqueue(entries.slice(from, from + 500));
    let outcomes: Outcome[] = [];
    do {
      const { leased } = await engine.broker.exchange(queue, outcomes, 500);
      outcomes = leased.map((attempt) => ({ leased: attempt, settlement: archive(attempt) }));
    } while (outcomes.length > 0);
  }
  return entries.map(({ message }) => message.id);
}

async function kept(engine: EngineHarness, queue: string, state: "completed"): Promise<string[]> {
  const listed = await engine.inspection.listTasks(queue, state, { page: 0, size: 100 });
  return (listed ?? []).map(({ id }) => id);
}
