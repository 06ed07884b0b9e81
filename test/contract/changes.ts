import { expect, it } from "vitest";
import type { Change, TaskState } from "../../src/broker/inspection.ts";
import type { EngineHarness, OpenEngine } from "./harness.ts";
import { oneOfEach, put } from "./inspection.ts";
import {
  archive,
  complete,
  counts,
  enqueued,
  forwardAll,
  ids,
  leasedOne,
  message,
  record,
  retry,
  running,
  settled,
  stateOf,
  unique,
} from "./tasks.ts";

const changes: readonly Change[] = ["run", "archive", "delete"];

async function changed(
  { inspection }: Pick<EngineHarness, "inspection">,
  queue: string,
  change: Change,
  ...tasks: string[]
): Promise<string[]> {
  return (await inspection.changeTasks(queue, change, tasks)).map(({ status }) => status);
}

export function changeContract(open: OpenEngine): void {
  it.each(["scheduled", "retry", "archived", "completed", "aggregating"] as const)(
    "runs a task that is %s: it waits from now on, behind the others",
    async (state) => {
      const engine = await open();
      const queue = engine.queue();
      const tasks = await oneOfEach(engine, queue);
      await engine.clock.advance(3_000);
      expect(await changed(engine, queue, "run", tasks[state])).toEqual(["changed"]);

      expect(await record(engine, queue, tasks[state])).toMatchObject({ state: "pending" });
      expect((await leasedOne(engine, queue)).message.id).toBe(tasks.pending);
      await engine.clock.advance(2_000);
      expect((await engine.inspection.queueInfo(queue))?.latency).toBe(2_000);
      expect((await leasedOne(engine, queue)).message.id).toBe(tasks[state]);
    },
  );

  it.each(["pending", "scheduled", "retry", "completed", "aggregating"] as const)(
    "archives a task that is %s, and nothing runs it any more",
    async (state) => {
      const engine = await open();
      const queue = engine.queue();
      const tasks = await oneOfEach(engine, queue);
      const before = await engine.inspection.queueInfo(queue);
      expect(await changed(engine, queue, "archive", tasks[state])).toEqual(["changed"]);

      expect(await stateOf(engine, queue, tasks[state])).toBe("archived");
      await engine.clock.advance(100_000);
      await forwardAll(engine, queue);
      const { leased } = await engine.broker.exchange(queue, [], 10);
      expect(ids(leased)).not.toContain(tasks[state]);
      expect(await engine.inspection.queueInfo(queue)).toMatchObject({
        archived: 2,
        processedTotal: before?.processedTotal,
      });
    },
  );

  it.each(["pending", "scheduled", "retry", "archived", "completed", "aggregating"] as const)(
    "deletes a task that is %s, and its id is free",
    async (state) => {
      const engine = await open();
      const queue = engine.queue();
      const tasks = await oneOfEach(engine, queue);
      expect(await changed(engine, queue, "delete", tasks[state])).toEqual(["changed"]);

      expect(await stateOf(engine, queue, tasks[state])).toBeUndefined();
      const others: Record<string, number> = { ...(await counts(engine, queue)) };
      expect(Object.values(others)).toEqual([1, 1, 1, 1, 1, 1]);
      expect(others[state]).toBeUndefined();
      await enqueued(engine, queue, { id: tasks[state] });
      expect(await stateOf(engine, queue, tasks[state])).toBe("pending");
    },
  );

  it("leaves a running task alone, and one that is so already, and says so", async () => {
    const engine = await open();
    const queue = engine.queue();
    const tasks = await oneOfEach(engine, queue);
    const before = await engine.inspection.queueInfo(queue);
    for (const change of changes)
      expect(await changed(engine, queue, change, tasks.active)).toEqual(["active"]);
    expect(await changed(engine, queue, "run", tasks.pending)).toEqual(["unchanged"]);
    expect(await changed(engine, queue, "archive", tasks.archived)).toEqual(["unchanged"]);
    for (const change of changes) expect(await changed(engine, queue, change, "none")).toEqual(["missing"]);
    expect(await engine.inspection.queueInfo(queue)).toEqual(before);
  });

  it("answers each of many tasks by itself, in order, a second time as if for the first", async () => {
    const engine = await open();
    const queue = engine.queue();
    const { pending, active, scheduled, aggregating } = await oneOfEach(engine, queue);
    const asked = [scheduled, "none", active, aggregating, pending];
    expect(await changed(engine, queue, "delete", ...asked)).toEqual([
      "changed",
      "missing",
      "active",
      "changed",
      "changed",
    ]);
    expect(await changed(engine, queue, "delete", ...asked)).toEqual([
      "missing",
      "missing",
      "active",
      "missing",
      "missing",
    ]);
  });

  it("changes more tasks at once than one step holds", async () => {
    const engine = await open();
    const queue = engine.queue();
    const messages = Array.from({ length: 1_234 }, () => message(queue));
    await engine.broker.enqueue(messages.map((message) => ({ message })));
    const all = messages.map(({ id }) => id);
    const answers = await changed(engine, queue, "archive", ...all.slice(0, 1_200));
    expect(new Set(answers)).toEqual(new Set(["changed"]));
    expect(await counts(engine, queue)).toEqual({ pending: 34, archived: 1_200 });
    const { leased } = await engine.broker.exchange(queue, [], 100);
    expect(ids(leased)).toEqual(all.slice(1_200));
  });

  it("changes only tasks in the state that was asked for", async () => {
    const engine = await open();
    const queue = engine.queue();
    const tasks = await oneOfEach(engine, queue);
    const asked = [tasks.retry, tasks.scheduled];
    const answers = await engine.inspection.changeTasks(queue, "run", asked, { from: "retry" });
    expect(answers).toEqual([{ status: "changed" }, { status: "missing" }]);
    expect(await stateOf(engine, queue, tasks.scheduled)).toBe("scheduled");
  });

  it("frees the unique lock of a task that is deleted, in a group too, and keeps that of an archived one", async () => {
    const engine = await open();
    const queue = engine.queue();
    const fields = { groupKey: "g" };
    for (const extra of [{}, fields]) {
      const first = unique(queue, "a", 60_000, extra);
      await engine.broker.enqueue([first]);
      const { id } = first.message;
      const other = unique(queue, "a", 60_000, extra);
      await changed(engine, queue, "archive", id);
      expect(await engine.broker.enqueue([other])).toEqual([{ status: "duplicate", holder: id }]);
      await changed(engine, queue, "delete", id);
      expect(await engine.broker.enqueue([other])).toMatchObject([{ status: "enqueued" }]);
      // A task that has lost its lock does not take another's away.
      await changed(engine, queue, "delete", other.message.id);
    }
  });

  it("does not run a task early that was scheduled within a minute, archived, and put back", async () => {
    const engine = await open();
    const queue = engine.queue();
    const id = await enqueued(engine, queue, {}, { processAt: engine.broker.now() + 1_500 });
    await changed(engine, queue, "archive", id);
    await engine.clock.advance(2_000);
    expect((await forwardAll(engine, queue)).moved).toBe(0);
    await changed(engine, queue, "run", id);
    expect(await counts(engine, queue)).toEqual({ pending: 1 });
    const attempt = await leasedOne(engine, queue);
    await settled(engine, attempt, retry(attempt, engine.broker.now() + 5_500));
    expect((await forwardAll(engine, queue)).moved).toBe(0);
  });

  it("forgets a group with its last task", async () => {
    const engine = await open();
    const queue = engine.queue();
    const one = await enqueued(engine, queue, { groupKey: "a" });
    const two = await enqueued(engine, queue, { groupKey: "a" });
    await enqueued(engine, queue, { groupKey: "b" });
    await changed(engine, queue, "run", one);
    expect((await engine.inspection.queueInfo(queue))?.groups).toBe(2);
    await changed(engine, queue, "archive", two);
    expect((await engine.inspection.queueInfo(queue))?.groups).toBe(1);
    await engine.inspection.changeSome(queue, "delete", { state: "aggregating", group: "b" }, 10);
    expect(await engine.inspection.queueInfo(queue)).toMatchObject({ groups: 0, aggregating: 0 });
  });

  it("changes the next tasks of a state, as many as asked for", async () => {
    const engine = await open();
    const queue = engine.queue();
    const all: Record<"pending" | "scheduled" | "aggregating", string[]> = {
      pending: [],
      scheduled: [],
      aggregating: [],
    };
    for (let i = 0; i < 5; i += 1) {
      all.pending.push(await enqueued(engine, queue));
      const processAt = engine.broker.now() + (i + 1) * 60_000;
      all.scheduled.push(await enqueued(engine, queue, {}, { processAt }));
      all.aggregating.push(await enqueued(engine, queue, { groupKey: "g" }));
      await engine.clock.advance(1_000);
    }
    const { inspection } = engine;
    for (const [state, tasks] of Object.entries(all) as [TaskState, string[]][]) {
      const part = { state, group: "g" };
      expect(await inspection.changeSome(queue, "archive", part, 2)).toEqual({ handled: 2, changed: 2 });
      for (const id of tasks.slice(0, 2)) expect(await stateOf(engine, queue, id)).toBe("archived");
      for (const id of tasks.slice(2)) expect(await stateOf(engine, queue, id)).toBe(state);
      expect(await inspection.changeSome(queue, "delete", part, 10)).toEqual({ handled: 3, changed: 3 });
      expect(await inspection.changeSome(queue, "delete", part, 10)).toEqual({ handled: 0, changed: 0 });
    }
    expect(await inspection.changeSome(queue, "run", { state: "archived" }, 100)).toEqual({
      handled: 6,
      changed: 6,
    });
    const { leased } = await engine.broker.exchange(queue, [], 10);
    expect(ids(leased).sort()).toEqual(
      Object.values(all)
        .flatMap((tasks) => tasks.slice(0, 2))
        .sort(),
    );
  });

  it.each(["pending", "scheduled", "retry", "archived", "completed", "aggregating"] as const)(
    "changes the %s tasks of one queue, and nothing else",
    async (state) => {
      const engine = await open();
      const [queue, neighbour] = [engine.queue(), engine.queue()];
      for (const each of [queue, neighbour]) {
        await oneOfEach(engine, each);
        await put[state](engine, each);
      }
      const before = await counts(engine, neighbour);
      const part = { state, group: "g" };
      expect(await engine.inspection.changeSome(queue, "delete", part, 10)).toEqual({
        handled: 2,
        changed: 2,
      });

      const { [state]: gone, ...others } = before;
      expect(gone).toBe(2);
      expect(await counts(engine, queue)).toEqual(others);
      expect(await counts(engine, neighbour)).toEqual(before);
      expect(await engine.inspection.changeSome("nowhere", "delete", part, 10)).toEqual({
        handled: 0,
        changed: 0,
      });
    },
  );

  it("frees the unique locks of all tasks of a state that are deleted, and keeps those of the archived", async () => {
    const engine = await open();
    const queue = engine.queue();
    const locked = async (key: string) => {
      const entry = unique(queue, key);
      const [answer] = await engine.broker.enqueue([entry]);
      if (answer?.status === "enqueued") await changed(engine, queue, "delete", entry.message.id);
      return answer?.status === "duplicate";
    };
    const keys = ["a", "b", "c"];
    await engine.broker.enqueue(keys.map((key) => unique(queue, key)));
    await engine.inspection.changeSome(queue, "archive", { state: "pending" }, 10);
    for (const key of keys) expect(await locked(key)).toBe(true);
    await engine.inspection.changeSome(queue, "delete", { state: "archived" }, 2);
    expect([await locked("a"), await locked("b"), await locked("c")].filter(Boolean)).toHaveLength(1);
    await engine.inspection.changeSome(queue, "delete", { state: "archived" }, 10);
    for (const key of keys) expect(await locked(key)).toBe(false);
  });

  it("puts a run task where a server that waits sees it", async () => {
    const engine = await open();
    const queue = engine.queue();
    const id = await enqueued(engine, queue, {}, { processAt: engine.broker.now() + 600_000 });
    let wake: () => void = () => undefined;
    const woken = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const watch = engine.broker.watch((_, kind) => kind === "pending" && wake());
    watch.arm(queue, "pending");
    await changed(engine, queue, "run", id);
    await engine.clock.advance(5_000);
    await woken;
    await watch.close();
  });

  it("keeps the archive within its bounds after an operator's archiving, tasks included", async () => {
    const engine = await open();
    const queue = engine.queue();
    const old = await enqueued(engine, queue);
    await changed(engine, queue, "archive", old);
    await engine.clock.advance(91 * 86_400_000);
    const young = await enqueued(engine, queue);
    await changed(engine, queue, "archive", young);
    expect(await engine.broker.trimArchive(queue, 10)).toBe(1);
    expect(await counts(engine, queue)).toEqual({ archived: 1 });
    // Its id is free: nothing of it is left.
    await enqueued(engine, queue, { id: old });
  });

  it("archives for good what failed before, with its result and error", async () => {
    const engine = await open();
    const queue = engine.queue();
    const attempt = await running(engine, queue);
    await settled(engine, attempt, retry(attempt, engine.broker.now() + 60_000));
    const { id } = attempt.message;
    await changed(engine, queue, "archive", id);
    expect(await record(engine, queue, id)).toMatchObject({ message: { errorMsg: "it broke", retried: 1 } });
    const other = await running(engine, queue);
    await settled(engine, other, complete(other, engine.broker.now() + 60_000, Buffer.from("42")));
    await changed(engine, queue, "run", other.message.id);
    const again = await leasedOne(engine, queue);
    await settled(engine, again, archive(again));
    expect(await counts(engine, queue)).toEqual({ archived: 2 });
  });

  it("puts archived tasks back to where they were, each at its time, and keeps their locks", async () => {
    const engine = await open();
    const queue = engine.queue();
    const tasks = await oneOfEach(engine, queue);
    await engine.broker.enqueue([unique(queue, "k", 100_000, { id: "late" })]);
    const dueAt = Math.ceil(engine.broker.now() / 1_000) * 1_000 + 70_000;
    await changed(engine, queue, "archive", tasks.pending, tasks.scheduled, tasks.retry, "late");
    expect(await counts(engine, queue)).toEqual({
      active: 1,
      archived: 5,
      completed: 1,
      aggregating: 1,
    });

    const restored = await engine.inspection.restoreTasks(queue, [
      { id: "late", state: "pending", at: 0 },
      { id: tasks.scheduled, state: "scheduled", at: dueAt },
      { id: tasks.completed, state: "pending", at: 0 },
      { id: tasks.retry, state: "retry", at: dueAt },
      { id: tasks.active, state: "retry", at: dueAt },
      { id: "nobody", state: "pending", at: 0 },
      { id: tasks.pending, state: "pending", at: 0 },
    ]);
    expect(restored).toEqual([true, true, false, true, false, false, true]);
    expect(await counts(engine, queue)).toMatchObject({ pending: 2, scheduled: 1, retry: 1, archived: 1 });
    for (const state of ["scheduled", "retry"] as const) {
      expect(await record(engine, queue, tasks[state])).toMatchObject({ state, nextProcessAt: dueAt });
    }
    const again = await engine.broker.enqueue([unique(queue, "k", 100_000)]);
    expect(again).toMatchObject([{ status: "duplicate", holder: "late" }]);

    await engine.clock.advance(1_000);
    expect((await engine.inspection.queueInfo(queue))?.latency).toBe(1_000);
    const { leased } = await engine.broker.exchange(queue, [], 10);
    expect(ids(leased)).toEqual(["late", tasks.pending]);
    await engine.clock.advance(70_000);
    await forwardAll(engine, queue);
    const later = await engine.broker.exchange(queue, [], 10);
    expect(ids(later.leased).sort()).toEqual([tasks.scheduled, tasks.retry].sort());
  });
}
