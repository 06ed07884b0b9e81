import { expect, it } from "vitest";
import type { Leased, Settlement } from "../../src/broker/broker.ts";
import type { TaskState } from "../../src/broker/inspection.ts";
import { expectSoonAfter } from "./forward.ts";
import type { EngineHarness, OpenEngine } from "./harness.ts";
import {
  archive,
  complete,
  counts,
  done,
  enqueued,
  ids,
  leasedOne,
  message,
  record,
  retry,
  running,
  settled,
  text,
} from "./tasks.ts";

export function inspectionContract(open: OpenEngine): void {
  it("answers undefined for what does not exist", async () => {
    const engine = await open();
    const queue = engine.queue();
    const page = { page: 0, size: 10 };
    expect(await engine.inspection.queues()).toEqual([]);
    expect(await engine.inspection.queueInfo(queue)).toBeUndefined();
    expect(await engine.inspection.taskInfo(queue, "none")).toBeUndefined();
    expect(await engine.inspection.listTasks(queue, "pending", page)).toBeUndefined();

    await enqueued(engine, queue);
    expect(await engine.inspection.taskInfo(queue, "none")).toBeUndefined();
    expect(await engine.inspection.listTasks(queue, "retry", page)).toEqual([]);
  });

  it("counts the tasks of a queue by state", async () => {
    const engine = await open();
    const queue = engine.queue();
    await oneOfEach(engine, queue);

    expect(await engine.inspection.queueInfo(queue)).toEqual({
      queue,
      pending: 1,
      active: 1,
      scheduled: 1,
      retry: 1,
      archived: 1,
      completed: 1,
      aggregating: 1,
      groups: 1,
      processed: 3,
      failed: 2,
      processedTotal: 3,
      failedTotal: 2,
      paused: false,
      latency: 0,
      at: engine.broker.now(),
    });
  });

  it("shows a task in whichever state it is", async () => {
    const engine = await open();
    const queue = engine.queue();
    const now = engine.broker.now();
    const tasks = await oneOfEach(engine, queue);

    for (const [state, id] of Object.entries(tasks)) {
      const shown = await record(engine, queue, id);
      expect(shown).toMatchObject({ queue, id, state, message: { id, queue } });
      expect(shown.undecodable).toBeUndefined();
    }
    expect((await record(engine, queue, tasks.pending)).nextProcessAt).toBe(now);
    expectSoonAfter((await record(engine, queue, tasks.scheduled)).nextProcessAt, now + 50_000);
    expectSoonAfter((await record(engine, queue, tasks.retry)).nextProcessAt, now + 40_000);
    for (const state of ["active", "archived", "completed", "aggregating"] as const) {
      expect((await record(engine, queue, tasks[state])).nextProcessAt).toBeUndefined();
    }
    expect(text((await record(engine, queue, tasks.completed)).result)).toBe("42");
  });

  it("lists the tasks of each state as it shows them one by one", async () => {
    const engine = await open();
    const queue = engine.queue();
    const tasks = await oneOfEach(engine, queue);
    for (const [state, id] of Object.entries(tasks)) {
      const listed = await engine.inspection.listTasks(queue, state as TaskState, {
        page: 0,
        size: 10,
        group: "g",
      });
      expect(listed).toEqual([await record(engine, queue, id)]);
    }
  });

  it("lists page by page, the next to run first", async () => {
    const engine = await open();
    const queue = engine.queue();
    const pending = Array.from({ length: 7 }, () => message(queue));
    await engine.broker.enqueue(pending.map((message) => ({ message })));
    const scheduled = [];
    for (let i = 7; i > 0; i -= 1) {
      scheduled.unshift(await enqueued(engine, queue, {}, { processAt: engine.broker.now() + i * 60_000 }));
    }

    const pages = { pending: pending.map(({ id }) => id), scheduled };
    for (const [state, all] of Object.entries(pages)) {
      const listed = [];
      for (let page = 0; page < 4; page += 1) {
        listed.push(
          ids((await engine.inspection.listTasks(queue, state as TaskState, { page, size: 3 })) ?? []),
        );
      }
      expect(listed).toEqual([all.slice(0, 3), all.slice(3, 6), all.slice(6), []]);
    }
  });

  it.each(["active", "retry", "archived", "completed", "aggregating"] as const)(
    "lists %s tasks page by page, those first that came first",
    async (state) => {
      const engine = await open();
      const queue = engine.queue();
      const all = [];
      for (let i = 0; i < 7; i += 1) {
        all.push(await put[state](engine, queue));
        await engine.clock.advance(2_000);
      }
      const page = async (page: number) => {
        const options = { page, size: 3, group: "g" };
        return ((await engine.inspection.listTasks(queue, state, options)) ?? []).map(({ id }) => id);
      };
      expect([await page(0), await page(1), await page(2), await page(3)]).toEqual([
        all.slice(0, 3),
        all.slice(3, 6),
        all.slice(6),
        [],
      ]);
    },
  );

  it("lists a requeued task first", async () => {
    const engine = await open();
    const queue = engine.queue();
    const attempt = await running(engine, queue);
    const other = await enqueued(engine, queue);
    await settled(engine, attempt, { kind: "requeue" });
    const listed = await engine.inspection.listTasks(queue, "pending", { page: 0, size: 10 });
    expect(ids(listed ?? [])).toEqual([attempt.message.id, other]);
  });

  it("tells how long the longest waiting task has waited", async () => {
    const engine = await open();
    const queue = engine.queue();
    await enqueued(engine, queue);
    await engine.clock.advance(3_000);
    await enqueued(engine, queue);
    await engine.clock.advance(4_500);
    expect((await engine.inspection.queueInfo(queue))?.latency).toBe(7_500);

    await leasedOne(engine, queue);
    expect((await engine.inspection.queueInfo(queue))?.latency).toBe(4_500);
    await leasedOne(engine, queue);
    expect((await engine.inspection.queueInfo(queue))?.latency).toBe(0);
  });

  it("counts attempts by UTC day, and for ever", async () => {
    const engine = await open();
    const queue = engine.queue();
    const failed = await running(engine, queue);
    await settled(engine, failed, archive(failed));
    await engine.clock.advance(86_400_000);
    const succeeded = await running(engine, queue);
    await settled(engine, succeeded, done);

    expect(await engine.inspection.queueInfo(queue)).toMatchObject({
      processed: 1,
      failed: 0,
      processedTotal: 2,
      failedTotal: 1,
    });
    await engine.clock.advance(86_400_000);
    expect(await engine.inspection.queueInfo(queue)).toMatchObject({
      processed: 0,
      failed: 0,
      processedTotal: 2,
    });
  });

  it("keeps a queue known when it is empty", async () => {
    const engine = await open();
    const queue = engine.queue();
    const attempt = await running(engine, queue);
    await settled(engine, attempt, done);
    expect(await engine.inspection.queues()).toEqual([queue]);
    expect(await counts(engine, queue)).toEqual({});
    expect(await engine.inspection.listTasks(queue, "pending", { page: 0, size: 10 })).toEqual([]);
  });

  it("keeps tasks of the same id in different queues apart", async () => {
    const engine = await open();
    const [one, two] = [engine.queue(), engine.queue()];
    await enqueued(engine, one, { id: "same", type: "one" });
    await enqueued(engine, two, { id: "same", type: "two" });
    const attempt = await leasedOne(engine, one);
    await settled(engine, attempt, done);
    expect(await engine.inspection.taskInfo(one, "same")).toBeUndefined();
    expect(await record(engine, two, "same")).toMatchObject({ state: "pending", message: { type: "two" } });
  });
}

type Put = (engine: EngineHarness, queue: string) => Promise<string>;

/** Brings a new task into a state; answers its id. What is to happen to it later, happens in an hour. */
export const put: Readonly<Record<TaskState, Put>> = {
  pending: (engine, queue) => enqueued(engine, queue),
  scheduled: (engine, queue) => enqueued(engine, queue, {}, { processAt: engine.broker.now() + 3_600_000 }),
  aggregating: (engine, queue) => enqueued(engine, queue, { groupKey: "g" }),
  active: async (engine, queue) => (await running(engine, queue)).message.id,
  retry: (engine, queue) =>
    ended(engine, queue, (attempt) => retry(attempt, engine.broker.now() + 3_600_000)),
  archived: (engine, queue) => ended(engine, queue, archive),
  completed: (engine, queue) =>
    ended(engine, queue, (attempt) => complete(attempt, engine.broker.now() + 3_600_000)),
};

async function ended(
  engine: EngineHarness,
  queue: string,
  settlement: (attempt: Leased) => Settlement,
): Promise<string> {
  const attempt = await running(engine, queue);
  await settled(engine, attempt, settlement(attempt));
  return attempt.message.id;
}

/** Puts one task into every state; answers their ids. */
export async function oneOfEach(engine: EngineHarness, queue: string): Promise<Record<TaskState, string>> {
  const now = engine.broker.now();
  const archived = await running(engine, queue);
  await settled(engine, archived, archive(archived));
  const completed = await running(engine, queue);
  await settled(engine, completed, complete(completed, now + 60_000, Buffer.from("42")));
  const waiting = await running(engine, queue);
  await settled(engine, waiting, retry(waiting, now + 40_000));
  return {
    archived: archived.message.id,
    completed: completed.message.id,
    retry: waiting.message.id,
    active: (await running(engine, queue)).message.id,
    scheduled: await enqueued(engine, queue, {}, { processAt: now + 50_000 }),
    aggregating: await enqueued(engine, queue, { groupKey: "g" }),
    pending: await enqueued(engine, queue),
  };
}
