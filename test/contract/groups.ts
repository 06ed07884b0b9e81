import { expect, it } from "vitest";
import type { OpenEngine } from "./harness.ts";
import {
  archive,
  counts,
  enqueued,
  forwardAll,
  ids,
  message,
  retry,
  running,
  settled,
  stateOf,
} from "./tasks.ts";

export function groupContract(open: OpenEngine): void {
  it("collects the tasks of a group apart from the pending ones", async () => {
    const engine = await open();
    const queue = engine.queue();
    const first = await enqueued(engine, queue, { groupKey: "a" });
    await engine.clock.advance(1_000);
    const second = await enqueued(engine, queue, { groupKey: "a" });
    const other = await enqueued(engine, queue, { groupKey: "b" });

    expect(await engine.inspection.queueInfo(queue)).toMatchObject({ aggregating: 3, groups: 2, pending: 0 });
    expect((await engine.broker.exchange(queue, [], 5)).leased).toEqual([]);
    const page = { page: 0, size: 10 };
    const listed = (group: string) => engine.inspection.listTasks(queue, "aggregating", { ...page, group });
    expect(ids((await listed("a")) ?? [])).toEqual([first, second]);
    expect(ids((await listed("b")) ?? [])).toEqual([other]);
    expect(await listed("c")).toEqual([]);
  });

  it("keeps groups of the same name in different queues apart", async () => {
    const engine = await open();
    const [one, two] = [engine.queue(), engine.queue()];
    await engine.broker.enqueue([
      { message: message(one, { groupKey: "g" }) },
      { message: message(two, { groupKey: "g" }) },
      { message: message(two, { groupKey: "g" }) },
    ]);
    expect(await counts(engine, one)).toEqual({ aggregating: 1 });
    expect(await counts(engine, two)).toEqual({ aggregating: 2 });
  });

  it("makes a group known when a due task joins it, though nobody was ever added to it", async () => {
    const engine = await open();
    const queue = engine.queue();
    const early = await enqueued(
      engine,
      queue,
      { groupKey: "g" },
      { processAt: engine.broker.now() + 1_000 },
    );
    const late = await enqueued(engine, queue, { groupKey: "g" }, { processAt: engine.broker.now() + 5_000 });

    await engine.clock.advance(2_000);
    await forwardAll(engine, queue);
    await engine.clock.advance(4_000);
    await forwardAll(engine, queue);
    expect(await engine.inspection.queueInfo(queue)).toMatchObject({ aggregating: 2, groups: 1 });
    const listed = await engine.inspection.listTasks(queue, "aggregating", { page: 0, size: 10, group: "g" });
    expect(ids(listed ?? [])).toEqual([early, late]);
  });

  it("has nothing to take back where nothing is being aggregated", async () => {
    const engine = await open();
    const queue = engine.queue();
    expect(await engine.broker.reclaimAggregationSets(queue)).toBe(0);
    await enqueued(engine, queue, { groupKey: "g" });
    await engine.clock.advance(600_000);
    expect(await engine.broker.reclaimAggregationSets(queue)).toBe(0);
    expect(await counts(engine, queue)).toEqual({ aggregating: 1 });
  });

  it.each(["run", "archive", "delete"] as const)(
    "changes all tasks of one group, and none of another: %s",
    async (change) => {
      const engine = await open();
      const queue = engine.queue();
      const grouped = (groupKey: string) => enqueued(engine, queue, { groupKey });
      const one = [await grouped("a"), await grouped("a")];
      const other = await grouped("b");
      const part = { state: "aggregating", group: "a" } as const;
      expect(await engine.inspection.changeSome(queue, change, part, 10)).toEqual({ handled: 2, changed: 2 });

      const wanted = { run: "pending", archive: "archived", delete: undefined }[change];
      for (const id of one) expect(await stateOf(engine, queue, id)).toBe(wanted);
      expect(await stateOf(engine, queue, other)).toBe("aggregating");
      expect((await engine.inspection.groups(queue))?.groups).toEqual([{ group: "b", size: 1 }]);
    },
  );

  it("runs a task without a group by itself, whatever its neighbours do", async () => {
    const engine = await open();
    const queue = engine.queue();
    await enqueued(engine, queue, { groupKey: "g" });
    const alone = await running(engine, queue);
    await settled(engine, alone, retry(alone, engine.broker.now() + 1_000));
    await engine.clock.advance(2_000);
    await forwardAll(engine, queue);
    expect(await counts(engine, queue)).toEqual({ aggregating: 1, pending: 1 });
    const [again] = (await engine.broker.exchange(queue, [], 1)).leased;
    if (again) await settled(engine, again, archive(again));
    expect(await counts(engine, queue)).toEqual({ aggregating: 1, archived: 1 });
  });
}
