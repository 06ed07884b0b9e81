import { expect, it } from "vitest";
import type { TaskRecord, TaskState } from "../../src/broker/inspection.ts";
import type { LimitSpec } from "../../src/broker/limits.ts";
import type { ServerInfo } from "../../src/protocol/server-info.ts";
import { timestampOf } from "../../src/protocol/timestamp.ts";
import type { EngineHarness, OpenEngine } from "./harness.ts";
import { oneOfEach } from "./inspection.ts";
import { tickOf } from "./schedules.ts";
import {
  archive,
  counts,
  done,
  enqueued,
  leasedOne,
  message,
  record,
  running,
  settled,
  stateOf,
  unique,
} from "./tasks.ts";

const DAY = 86_400_000;

/** All that a scan shows, whatever `between` does after each part. */
async function scanned(
  { inspection }: Pick<EngineHarness, "inspection">,
  queue: string,
  state: TaskState,
  count: number,
  between: (seen: readonly TaskRecord[]) => Promise<unknown> = async () => undefined,
): Promise<TaskRecord[]> {
  const all: TaskRecord[] = [];
  for (let cursor: string | undefined, parts = 0; parts < 1_000; parts += 1) {
    const page = await inspection.scanTasks(queue, state, cursor, count);
    all.push(...page.tasks);
    await between(page.tasks);
    cursor = page.cursor;
    if (cursor === undefined) return all;
  }
  throw new Error("the scan does not end");
}

export function operatingContract(open: OpenEngine): void {
  it("counts the attempts of each of the last days", async () => {
    const engine = await open();
    const queue = engine.queue();
    const failed = await running(engine, queue);
    await settled(engine, failed, archive(failed));
    await engine.clock.advance(2 * DAY);
    const succeeded = await running(engine, queue);
    await settled(engine, succeeded, done);
    const today = Math.floor(engine.broker.now() / DAY) * DAY;

    expect(await engine.inspection.history(queue, 4)).toEqual([
      { day: today, processed: 1, failed: 0 },
      { day: today - DAY, processed: 0, failed: 0 },
      { day: today - 2 * DAY, processed: 1, failed: 1 },
      { day: today - 3 * DAY, processed: 0, failed: 0 },
    ]);
    expect(await engine.inspection.history(queue, 1)).toHaveLength(1);
    expect(await engine.inspection.history("nowhere", 1)).toBeUndefined();
  });

  it("lists groups with their sizes, part by part", async () => {
    const engine = await open();
    const queue = engine.queue();
    expect(await engine.inspection.groups(queue)).toBeUndefined();
    const wanted = Array.from({ length: 1_200 }, (_, i) => ({ group: `group ${i}`, size: i === 7 ? 2 : 1 }));
    const names = [...wanted.map(({ group }) => group), "group 7"];
    await engine.broker.enqueue(names.map((groupKey) => ({ message: message(queue, { groupKey }) })));

    const listed = new Map<string, number>();
    let cursor: string | undefined;
    let parts = 0;
    do {
      const page = await engine.inspection.groups(queue, cursor);
      for (const { group, size } of page?.groups ?? []) listed.set(group, size);
      cursor = page?.cursor;
      parts += 1;
    } while (cursor !== undefined);
    expect(listed).toEqual(new Map(wanted.map(({ group, size }) => [group, size])));
    expect(parts).toBeGreaterThan(1);
  });

  it("estimates what a queue takes", async () => {
    const engine = await open();
    const queue = engine.queue();
    expect(await engine.inspection.memoryUsage(queue)).toBeUndefined();
    const messages = Array.from({ length: 100 }, () => message(queue, { payload: Buffer.alloc(1_000) }));
    await engine.broker.enqueue(messages.map((message) => ({ message })));
    const small = (await engine.inspection.memoryUsage(queue)) ?? 0;
    expect(small).toBeGreaterThan(100_000);
    expect(small).toBeLessThan(1_000_000);
    await enqueued(engine, queue, { groupKey: "g", payload: Buffer.alloc(1_000_000) });
    expect(await engine.inspection.memoryUsage(queue)).toBeGreaterThan(small + 900_000);
  });

  it("shows the servers that are alive, and what they run, also to other processes", async () => {
    const engine = await open();
    const other = await engine.another();
    const now = engine.broker.now();
    const info: ServerInfo = {
      host: "host1",
      pid: 4242,
      serverId: "server",
      concurrency: 10,
      queues: new Map([["default", 1]]),
      strictPriority: false,
      status: "active",
      startTime: timestampOf(now),
      activeWorkerCount: 1,
      peer: "titanqueue/0.1.0",
      lag: 0,
    };
    const worker = {
      host: "host1",
      pid: 4242,
      serverId: "server",
      taskId: "task",
      taskType: "email",
      taskPayload: Buffer.from("{}"),
      queue: "default",
      startTime: timestampOf(now),
      deadline: timestampOf(now + 60_000),
    };
    const { peer, lag, ...gos } = { ...info, serverId: "other", pid: 1 };
    await engine.broker.writeServerState(info, [worker], 10_000);
    await engine.broker.writeServerState(gos, [], 20_000);

    const shown = await other.inspection.servers();
    expect(shown).toHaveLength(2);
    expect(shown).toContainEqual({ info: gos, workers: [] });
    expect(shown).toContainEqual({ info, workers: [{ ...worker, taskPayload: expect.anything() }] });
    await engine.clock.advance(12_000);
    expect(await other.inspection.servers()).toEqual([{ info: gos, workers: [] }]);
    await engine.broker.clearServerState(gos);
    expect(await other.inspection.servers()).toEqual([]);
  });

  it("scans the tasks of each state as it shows them one by one", async () => {
    const engine = await open();
    const queue = engine.queue();
    const tasks = await oneOfEach(engine, queue);
    for (const [state, id] of Object.entries(tasks)) {
      expect(await scanned(engine, queue, state as TaskState, 10)).toEqual([await record(engine, queue, id)]);
    }
    expect(await engine.inspection.scanTasks("nowhere", "pending", undefined, 10)).toMatchObject({
      tasks: [],
      cursor: undefined,
    });
  });

  it.each(["pending", "scheduled", "aggregating"] as const)(
    "shows a %s task that stays at least once, while others come, go, and are deleted",
    async (state) => {
      const engine = await open();
      const queue = engine.queue();
      const processAt = engine.broker.now() + 3_600_000;
      const entry = (i: number) => ({
        message: message(queue, { groupKey: state === "aggregating" ? `group ${i % 7}` : "" }),
        ...(state === "scheduled" && { processAt }),
      });
      const entries = Array.from({ length: 1_000 }, (_, i) => entry(i));
      await engine.broker.enqueue(entries);
      const gone = new Set<string>();
      const seen = await scanned(engine, queue, state, 60, async (tasks) => {
        // Every other one of those just seen, one of those that are yet to come, and from the head of the line.
        const deleted = tasks.filter((_, i) => i % 2 === 0).map(({ id }) => id);
        const next = entries.findLast(({ message }) => !gone.has(message.id))?.message.id;
        if (next !== undefined) deleted.push(next);
        for (const id of deleted) gone.add(id);
        await engine.inspection.changeTasks(queue, "delete", deleted);
        if (state === "pending") {
          const { leased } = await engine.broker.exchange(queue, [], 3);
          for (const { message } of leased) gone.add(message.id);
        }
        if (gone.size < 800) await engine.broker.enqueue(Array.from({ length: 11 }, (_, i) => entry(i)));
      });
      const shown = new Set(seen.map(({ id }) => id));
      const missed = entries.map(({ message }) => message.id).filter((id) => !gone.has(id) && !shown.has(id));
      expect(missed).toEqual([]);
    },
  );

  it("replaces the payload of a scheduled task, and of no other", async () => {
    const engine = await open();
    const queue = engine.queue();
    const tasks = await oneOfEach(engine, queue);
    const rewrite = (id: string) =>
      engine.inspection.rewriteTask(queue, id, (old) => ({ ...old, payload: Buffer.from("[1]") }));
    for (const [state, id] of Object.entries(tasks)) {
      const status = state === "scheduled" ? "rewritten" : "not-scheduled";
      expect(await rewrite(id)).toEqual({ status });
    }
    expect(await rewrite("none")).toEqual({ status: "missing" });
    const { message: rewritten, ...rest } = await record(engine, queue, tasks.scheduled);
    expect(String(rewritten?.payload)).toBe("[1]");
    expect(rest).toMatchObject({ state: "scheduled" });
    await engine.inject(queue, "damaged", Buffer.from([0xff]), "scheduled");
    expect(await rewrite("damaged")).toEqual({ status: "damaged" });
  });

  it("moves the unique lock of a task with its key, unless another has it", async () => {
    const engine = await open();
    const queue = engine.queue();
    const processAt = engine.broker.now() + 60_000;
    const one = { ...unique(queue, "a"), processAt };
    const two = { ...unique(queue, "b"), processAt };
    await engine.broker.enqueue([one, two]);
    const keyOf = (key: string) => unique(queue, key).message.uniqueKey;
    const rewrite = (id: string, key: string) =>
      engine.inspection.rewriteTask(queue, id, (old) => ({ ...old, uniqueKey: keyOf(key) }));

    expect(await rewrite(one.message.id, "b")).toEqual({ status: "duplicate", holder: two.message.id });
    expect(await rewrite(one.message.id, "c")).toEqual({ status: "rewritten" });
    expect(await engine.broker.enqueue([unique(queue, "c")])).toEqual([
      { status: "duplicate", holder: one.message.id },
    ]);
    expect(await engine.broker.enqueue([unique(queue, "a")])).toMatchObject([{ status: "enqueued" }]);
    await engine.inspection.changeTasks(queue, "delete", [one.message.id]);
    expect(await engine.broker.enqueue([unique(queue, "c")])).toMatchObject([{ status: "enqueued" }]);
  });

  it("removes what an empty queue leaves, its name last, and nothing of a queue that holds tasks", async () => {
    const engine = await open();
    const [queue, neighbour] = [engine.queue(), engine.queue()];
    const failed = await running(engine, queue);
    await settled(engine, failed, archive(failed));
    await engine.inspection.pauseQueue(queue);
    const kept = await enqueued(engine, neighbour);
    const remove = async () => {
      for (let cursor: string | undefined; ; ) {
        const step = await engine.inspection.removeQueue(queue, cursor);
        if (step.status !== "more") return step.status;
        cursor = step.cursor;
      }
    };

    expect(await remove()).toBe("not-empty");
    expect(await counts(engine, queue)).toEqual({ archived: 1 });
    await engine.inspection.changeTasks(queue, "delete", [failed.message.id]);
    expect(await remove()).toBe("removed");
    expect(await engine.inspection.queues()).toEqual([neighbour]);
    expect(await engine.inspection.queueInfo(queue)).toBeUndefined();
    expect(await stateOf(engine, neighbour, kept)).toBe("pending");

    await enqueued(engine, queue);
    expect(await engine.inspection.queueInfo(queue)).toMatchObject({ processedTotal: 0, paused: false });
    expect(await engine.inspection.history(queue, 1)).toMatchObject([{ processed: 0 }]);
  });

  it("removes what limits and schedules know of a queue, and of no other", async () => {
    const engine = await open();
    const [queue, neighbour] = [engine.queue(), engine.queue()];
    const { limits, schedules } = engine.engine;
    const spec: LimitSpec = { name: "type:a", keyed: false, rate: { limit: 1, per: DAY } };
    const at = Math.floor(engine.clock.now() / 60_000) * 60_000;
    const started = async (name: string) => {
      const leased = await running(engine, name);
      const { answers } = await limits.admit(name, [{ leased, scopes: [{ spec, key: "" }] }]);
      if (answers[0] === "admitted") await settled(engine, leased, done);
      return answers[0];
    };
    for (const name of [queue, neighbour]) {
      expect(await started(name)).toBe("admitted");
      await limits.share(name, "server", [spec], DAY);
      expect(await schedules.enqueueTick(tickOf(name, at))).toMatchObject({ status: "used" });
      await settled(engine, await leasedOne(engine, name), done);
    }

    for (let cursor: string | undefined; ; ) {
      const step = await engine.inspection.removeQueue(queue, cursor);
      if (step.status !== "more") break;
      cursor = step.cursor;
    }
    expect(await schedules.lastTick(queue, "e")).toBeUndefined();
    expect(await started(queue)).toBe("admitted");
    expect(await limits.share(queue, "another", [], DAY)).toEqual([]);
    expect(await schedules.lastTick(neighbour, "e")).toBe(at);
    expect(await started(neighbour)).toBe("parked");
    expect(await limits.share(neighbour, "another", [], DAY)).toHaveLength(1);
  });
}
