import { describe, expect, it } from "vitest";
import { Client } from "../../src/client/client.ts";
import { createMemoryEngine } from "../../src/engine/memory/memory-engine.ts";
import { MemoryStore } from "../../src/engine/memory/store.ts";
import { ClosedError, InvalidOptionError, QueueNotFoundError, TaskNotFoundError } from "../../src/errors.ts";
import { Inspector } from "../../src/inspector/inspector.ts";
import { Task } from "../../src/task.ts";
import { fakeRuntime } from "../support/fake-runtime.ts";

function open() {
  const runtime = fakeRuntime();
  const store = new MemoryStore();
  const engine = createMemoryEngine({ runtime }, { store });
  return {
    engine,
    store,
    clock: runtime.clock,
    client: new Client(engine, { runtime }),
    inspector: new Inspector(engine),
  };
}

describe("queues", () => {
  it("names every queue that something was enqueued to", async () => {
    const { client, inspector } = open();
    expect(await inspector.queues()).toEqual([]);
    for (const queue of ["low", "critical", "low"]) await client.enqueue(new Task("a"), { queue });
    expect(await inspector.queues()).toEqual(["critical", "low"]);
  });
});

describe("getQueueInfo", () => {
  it("counts the tasks of a queue by state", async () => {
    const { client, clock, engine, inspector } = open();
    await client.enqueueBatch([
      new Task("a"),
      new Task("a"),
      { task: new Task("a"), options: { processIn: "1h" } },
      { task: new Task("a"), options: { group: "g" } },
    ]);
    await engine.broker.exchange("default", [], 1);
    await clock.advance(1_500);
    expect(await inspector.getQueueInfo("default")).toEqual({
      queue: "default",
      size: 4,
      pending: 1,
      active: 1,
      scheduled: 1,
      retry: 0,
      archived: 0,
      completed: 0,
      aggregating: 1,
      groups: 1,
      processed: 0,
      failed: 0,
      processedTotal: 0,
      failedTotal: 0,
      paused: false,
      latency: 1_500,
      timestamp: new Date(clock.now()),
    });
  });

  it("does not know a queue that nothing was enqueued to", async () => {
    const { inspector } = open();
    await expect(inspector.getQueueInfo("nowhere")).rejects.toBeInstanceOf(QueueNotFoundError);
  });
});

describe("getTaskInfo", () => {
  it("follows a task through its life, and takes what an enqueue answered", async () => {
    const { client, clock, engine, inspector } = open();
    const enqueued = await client.enqueue(new Task("a", { n: 1 }), { retention: "1h" });
    expect(await inspector.getTaskInfo(enqueued)).toEqual(enqueued);

    const { leased } = await engine.broker.exchange("default", [], 1);
    const [attempt] = leased;
    expect(await inspector.getTaskInfo(enqueued)).toMatchObject({
      state: "active",
      nextProcessAt: undefined,
    });

    const completedAt = clock.now();
    const message = { ...attempt!.message, completedAt: completedAt / 1_000 };
    const result = Buffer.from('{"sent":true}');
    const expireAt = completedAt + 3_600_000;
    await engine.broker.exchange(
      "default",
      [{ leased: attempt!, settlement: { kind: "complete", message, expireAt, result } }],
      0,
    );
    const completed = await inspector.getTaskInfo(enqueued);
    expect(completed).toMatchObject({
      state: "completed",
      retention: 3_600_000,
      completedAt: new Date(completedAt),
      result: { sent: true },
    });
    expect(Buffer.from(completed.resultBytes ?? []).toString()).toBe('{"sent":true}');
  });

  it("shows why and when a task failed, and when it runs again", async () => {
    const { client, clock, engine, inspector } = open();
    const { id } = await client.enqueue(new Task("a"));
    const { leased } = await engine.broker.exchange("default", [], 1);
    const now = clock.now();
    const message = { ...leased[0]!.message, errorMsg: "boom", lastFailedAt: now / 1_000, retried: 1 };
    const retryAt = now + 60_000;
    await engine.broker.exchange(
      "default",
      [{ leased: leased[0]!, settlement: { kind: "retry", message, retryAt, isFailure: true } }],
      0,
    );
    expect(await inspector.getTaskInfo({ queue: "default", id })).toMatchObject({
      state: "retry",
      lastError: "boom",
      lastFailedAt: new Date(now),
      retried: 1,
      nextProcessAt: new Date(retryAt),
    });
  });

  it("shows a task whose message nobody can read as damaged", async () => {
    const { client, inspector, store } = open();
    const { id } = await client.enqueue(new Task("a"));
    store.queue("default").tasks.get(id)!.message = Buffer.from([0xff, 0xff]);
    const info = await inspector.getTaskInfo({ queue: "default", id });
    expect(info).toMatchObject({ id, state: "pending", damaged: true, type: "", payload: undefined });
    expect([...(info.bytes ?? [])]).toEqual([0xff, 0xff]);
  });

  it("does not know a task that is gone", async () => {
    const { inspector } = open();
    const missing = inspector.getTaskInfo({ queue: "default", id: "x" });
    await expect(missing).rejects.toBeInstanceOf(TaskNotFoundError);
    await expect(missing).rejects.toMatchObject({ queue: "default", taskId: "x" });
  });
});

describe("listTasks", () => {
  it("pages through the tasks of a state, the next to run first", async () => {
    const { client, inspector } = open();
    for (const taskId of ["1", "2", "3", "4", "5"]) await client.enqueue(new Task("a"), { taskId });
    const ids = async (page: number) =>
      (await inspector.listTasks("default", "pending", { page, pageSize: 2 })).map(({ id }) => id);
    expect([await ids(1), await ids(2), await ids(3), await ids(4)]).toEqual([
      ["1", "2"],
      ["3", "4"],
      ["5"],
      [],
    ]);
    expect(await inspector.listTasks("default", "pending")).toHaveLength(5);
  });

  it("lists grouped tasks by their group", async () => {
    const { client, inspector } = open();
    await client.enqueue(new Task("a"), { group: "g", taskId: "in-g" });
    await client.enqueue(new Task("a"), { group: "h" });
    const tasks = await inspector.listTasks("default", "aggregating", { group: "g" });
    expect(tasks.map(({ id, group }) => [id, group])).toEqual([["in-g", "g"]]);
  });

  it("marks active tasks whose server is gone", async () => {
    const { client, clock, engine, inspector } = open();
    await client.enqueue(new Task("a"));
    await engine.broker.exchange("default", [], 1);
    const orphaned = async () =>
      (await inspector.listTasks("default", "active")).map((task) => task.orphaned);
    expect(await orphaned()).toEqual([false]);
    await clock.advance(31_000);
    expect(await orphaned()).toEqual([true]);
  });

  it.each([
    ["waiting", {}, "expected one of active, pending"],
    ["toString", {}, "expected one of"],
    ["pending", { page: 0 }, "page: expected a whole number from 1"],
    ["pending", { page: 1.5 }, "page: expected"],
    ["pending", { pageSize: 1_001 }, "pageSize: expected a whole number from 1 to 1000"],
    ["pending", { size: 10 }, "listTasks has no such option"],
    ["pending", { group: "g" }, "group: means nothing for pending tasks"],
    ["aggregating", {}, "group: expected text"],
  ])("refuses %s with %j", async (state, options: object, problem) => {
    const { client, inspector } = open();
    await client.enqueue(new Task("a"));
    const listing = inspector.listTasks("default", state as "pending", options);
    await expect(listing).rejects.toBeInstanceOf(InvalidOptionError);
    await expect(listing).rejects.toThrow(problem);
  });

  it("does not know a queue that nothing was enqueued to", async () => {
    const { inspector } = open();
    await expect(inspector.listTasks("nowhere", "pending")).rejects.toBeInstanceOf(QueueNotFoundError);
  });
});

describe("a paused queue", () => {
  it("takes tasks and gives none until it is unpaused; each says whether it changed anything", async () => {
    const { client, engine, inspector } = open();
    expect(await inspector.pauseQueue("default")).toBe(true);
    expect(await inspector.pauseQueue("default")).toBe(false);
    await client.enqueue(new Task("a"));
    expect((await inspector.getQueueInfo("default")).paused).toBe(true);
    expect((await engine.broker.exchange("default", [], 1)).leased).toHaveLength(0);
    expect(await inspector.unpauseQueue("default")).toBe(true);
    expect(await inspector.unpauseQueue("default")).toBe(false);
    expect((await engine.broker.exchange("default", [], 1)).leased).toHaveLength(1);
  });
});

describe("cancelProcessing", () => {
  it("tells every server the task's id", async () => {
    const { client, engine, inspector } = open();
    const heard: string[] = [];
    await engine.broker.subscribeCancelations((id) => heard.push(id));
    const info = await client.enqueue(new Task("a"), { taskId: "one" });
    await inspector.cancelProcessing(info);
    await inspector.cancelProcessing("two");
    expect(heard).toEqual(["one", "two"]);
    await expect(inspector.cancelProcessing(" ")).rejects.toBeInstanceOf(InvalidOptionError);
  });
});

describe("an inspector", () => {
  it("answers nothing once closed, and leaves a shared engine to its other users", async () => {
    const { client, inspector } = open();
    await inspector.close();
    await inspector[Symbol.asyncDispose]();
    await expect(inspector.queues()).rejects.toBeInstanceOf(ClosedError);
    await expect(inspector.cancelProcessing("x")).rejects.toBeInstanceOf(ClosedError);
    await client.enqueue(new Task("a"));
  });

  it("refuses an option that does not exist", () => {
    const { engine } = open();
    expect(() => new Inspector(engine, { comandTimeout: "1s" } as object)).toThrow(
      'did you mean "commandTimeout"',
    );
  });

  it("looks up what a foreign producer named as we would not", async () => {
    const { inspector } = open();
    await expect(inspector.getQueueInfo("{odd}")).rejects.toBeInstanceOf(QueueNotFoundError);
    await expect(inspector.getQueueInfo(" ")).rejects.toBeInstanceOf(InvalidOptionError);
  });
});

describe("a rate", () => {
  it("holds a long operation to so many tasks a second, and a stop ends its wait", async () => {
    const runtime = fakeRuntime();
    const engine = createMemoryEngine({ runtime });
    const inspector = new Inspector(engine, { runtime });
    const client = new Client(engine, { runtime });
    await client.enqueueBatch(Array.from({ length: 50 }, () => new Task("a")));
    const stop = new AbortController();
    let told = 0;
    const running = inspector.archiveAll("default", "pending", {
      rate: 20,
      signal: stop.signal,
      onProgress: ({ done }) => {
        told = done;
      },
    });
    // Two at a time, ten times a second; each is told when it is done.
    await runtime.clock.advance(0);
    for (const [after, done] of [
      [0, 2],
      [99, 2],
      [1, 4],
      [900, 22],
    ] as const) {
      await runtime.clock.advance(after);
      expect(told).toBe(done);
    }
    stop.abort();
    expect(await running).toEqual({ changed: 22, total: 50, stopped: true });
  });
});
