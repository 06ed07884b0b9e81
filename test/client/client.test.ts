import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { Engine } from "../../src/broker/engine.ts";
import { Client } from "../../src/client/client.ts";
import { defineTask } from "../../src/define-task.ts";
import { memoryEngine } from "../../src/engine/memory/memory-engine.ts";
import {
  ClosedError,
  DuplicateTaskError,
  EngineUnavailableError,
  InvalidOptionError,
  InvalidPayloadError,
  PayloadNotJsonError,
  PayloadTooLargeError,
  TaskIdConflictError,
} from "../../src/errors.ts";
import { receivedTask, Task } from "../../src/task.ts";
import { type FakeClock, fakeRuntime } from "../support/fake-runtime.ts";

function open(options: { maxPayloadBytes?: number } = {}): {
  client: Client;
  engine: Engine;
  clock: FakeClock;
} {
  const runtime = fakeRuntime();
  const engine = memoryEngine({ runtime });
  return { engine, clock: runtime.clock, client: new Client(engine, { runtime, ...options }) };
}

/** Takes the only pending task of the queue and ends it. */
async function finish(engine: Engine, queue = "default"): Promise<void> {
  const { leased } = await engine.broker.exchange(queue, [], 1);
  await engine.broker.exchange(
    queue,
    leased.map((each) => ({ leased: each, settlement: { kind: "done" } })),
    0,
  );
}

describe("enqueue", () => {
  it("stores the task with asynq's defaults and answers what was stored", async () => {
    const { client, clock, engine } = open();
    const info = await client.enqueue(new Task("email:welcome", { userId: 42 }));
    expect(info).toMatchObject({
      queue: "default",
      type: "email:welcome",
      state: "pending",
      duplicate: false,
      maxRetry: 25,
      retried: 0,
      timeout: 1_800_000,
      deadline: undefined,
      retention: 0,
      nextProcessAt: new Date(clock.now()),
    });
    expect(info.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(info.payload).toEqual({ userId: 42 });
    const stored = await engine.inspection.taskInfo("default", info.id);
    expect(stored?.message).toMatchObject({ type: "email:welcome", retry: 25, timeout: 1_800, deadline: 0 });
    expect(Buffer.from(stored?.message?.payload ?? []).toString()).toBe('{"userId":42}');
  });

  it("can be sent to an answer of a web server as it is", async () => {
    const { client } = open();
    const info = await client.enqueue(new Task("a", { n: 1 }), { headers: { tenant: "acme" } });
    expect(JSON.parse(JSON.stringify(info))).toMatchObject({
      id: info.id,
      payload: { n: 1 },
      headers: { tenant: "acme" },
      nextProcessAt: info.nextProcessAt?.toISOString(),
    });
    const binary = await client.enqueue(new Task("a", Uint8Array.of(0xff)));
    expect(JSON.parse(JSON.stringify(binary))).not.toHaveProperty("payload");
    expect(() => binary.payload).toThrow(PayloadNotJsonError);
  });

  it("schedules a task for later, and puts a due one in its queue at once", async () => {
    const { client, clock } = open();
    const inAnHour = new Date(clock.now() + 3_600_000);
    expect(await client.enqueue(new Task("a"), { processIn: "1h" })).toMatchObject({
      state: "scheduled",
      nextProcessAt: inAnHour,
    });
    expect(await client.enqueue(new Task("a"), { processAt: inAnHour.toISOString() })).toMatchObject({
      state: "scheduled",
      nextProcessAt: inAnHour,
    });
    expect(await client.enqueue(new Task("a"), { processAt: new Date(clock.now() - 1) })).toMatchObject({
      state: "pending",
      nextProcessAt: new Date(clock.now()),
    });
    expect(await client.enqueue(new Task("a"), { processIn: 0 })).toMatchObject({ state: "pending" });
  });

  it("collects a task in its group, and schedules a grouped one first", async () => {
    const { client } = open();
    expect(await client.enqueue(new Task("a"), { group: "g" })).toMatchObject({
      state: "aggregating",
      group: "g",
      nextProcessAt: undefined,
    });
    expect(await client.enqueue(new Task("a"), { group: "g", processIn: "1m" })).toMatchObject({
      state: "scheduled",
    });
  });

  it("lets options of the call win over those of the task, and adds headers up", async () => {
    const { client, clock } = open();
    const task = new Task("a", undefined, {
      queue: "low",
      maxRetry: 1,
      timeout: "10s",
      processAt: "2030-01-01T00:00:00Z",
      headers: { a: "task", b: "task" },
    });
    const info = await client.enqueue(task, {
      queue: "high",
      maxRetry: -3,
      timeout: "none",
      processIn: "1s",
      headers: { b: "call", c: "call" },
    });
    expect(info).toMatchObject({
      queue: "high",
      maxRetry: 0,
      timeout: undefined,
      deadline: undefined,
      nextProcessAt: new Date(clock.now() + 1_000),
    });
    expect({ ...info.headers }).toEqual({ a: "task", b: "call", c: "call" });
    expect(await client.enqueue(task, { queue: undefined })).toMatchObject({ queue: "low" });
  });

  it.each([
    ["neither limit", {}, 1_800, 0],
    ["a timeout", { timeout: "20s" }, 20, 0],
    ["a deadline", { deadline: "2030-01-01T00:00:00.900Z" }, 0, Date.UTC(2030, 0, 1) / 1_000],
    ["both", { timeout: "20s", deadline: "2030-01-01T00:00:00Z" }, 20, Date.UTC(2030, 0, 1) / 1_000],
    ["a timeout of less than a second", { timeout: "1ms" }, 1, 0],
    ["no limit", { timeout: "none" }, 0, 253_402_300_799],
    ["no timeout, and a deadline", { timeout: "none", deadline: "2030-01-01T00:00:00Z" }, 0, 1_893_456_000],
  ] as const)("writes the limits of a task with %s", async (_what, options, timeout, deadline) => {
    const { client, engine } = open();
    const { id } = await client.enqueue(new Task("a"), options);
    expect((await engine.inspection.taskInfo("default", id))?.message).toMatchObject({ timeout, deadline });
  });

  it("takes a queue by its name as it is written, in capitals or not", async () => {
    const { client, engine } = open();
    for (const queue of ["MyQueue", "myqueue"]) {
      const { id } = await client.enqueue(new Task("a"), { queue });
      expect((await engine.inspection.taskInfo(queue, id))?.message?.queue).toBe(queue);
    }
    expect((await engine.inspection.queues()).sort()).toEqual(["MyQueue", "myqueue"]);
  });

  it("stores bytes as they are, and as they were when it was called", async () => {
    const { client, engine } = open();
    const bytes = Uint8Array.of(1, 2, 255);
    const enqueued = client.enqueue(new Task("a", bytes));
    bytes.fill(0);
    const { id } = await enqueued;
    const stored = await engine.inspection.taskInfo("default", id);
    expect([...(stored?.message?.payload ?? [])]).toEqual([1, 2, 255]);
  });

  it("passes on a task that a handler received, with its payload and headers", async () => {
    const { client, engine } = open();
    await client.enqueue(new Task("a", { n: 1 }), { queue: "first", headers: { trace: "t1" } });
    const { leased } = await engine.broker.exchange("first", [], 1);
    const received = receivedTask(leased[0]!.message);
    const info = await client.enqueue(received, { queue: "second" });
    expect(info).toMatchObject({ type: "a", queue: "second", payload: { n: 1 } });
    expect({ ...info.headers }).toEqual({ trace: "t1" });
  });

  it("refuses payload and headers over the limit together, and takes them at the limit", async () => {
    const { client } = open({ maxPayloadBytes: 10 });
    await client.enqueue(new Task("a", new Uint8Array(10)));
    await client.enqueue(new Task("a", new Uint8Array(6)), { headers: { ab: "é" } });
    await expect(client.enqueue(new Task("a", new Uint8Array(11)))).rejects.toMatchObject({
      code: "PAYLOAD_TOO_LARGE",
      bytes: 11,
      limit: 10,
    });
    await expect(
      client.enqueue(new Task("a", new Uint8Array(7)), { headers: { ab: "é" } }),
    ).rejects.toBeInstanceOf(PayloadTooLargeError);
  });

  it("refuses 8 MiB and a byte by default", async () => {
    const { client } = open();
    const limit = 8 * 1_024 * 1_024;
    await client.enqueue(new Task("a", new Uint8Array(limit)));
    await expect(client.enqueue(new Task("a", new Uint8Array(limit + 1)))).rejects.toMatchObject({ limit });
  });
});

describe("a task with an id", () => {
  it("is refused while its id is taken in the queue, and only there", async () => {
    const { client } = open();
    await client.enqueue(new Task("a"), { taskId: "order-1" });
    const conflict = client.enqueue(new Task("b"), { taskId: "order-1" });
    await expect(conflict).rejects.toBeInstanceOf(TaskIdConflictError);
    await expect(conflict).rejects.toMatchObject({ queue: "default", taskId: "order-1" });
    await client.enqueue(new Task("a"), { taskId: "order-1", queue: "other" });
  });

  it("replaces one that has finished, if asked", async () => {
    const { client, engine } = open();
    await client.enqueue(new Task("a"), { taskId: "order-1" });
    const { leased } = await engine.broker.exchange("default", [], 1);
    const [attempt] = leased;
    const again = { taskId: "order-1", replaceFinished: true };
    await expect(client.enqueue(new Task("a"), again)).rejects.toBeInstanceOf(TaskIdConflictError);
    await engine.broker.exchange(
      "default",
      [{ leased: attempt!, settlement: { kind: "archive", message: attempt!.message } }],
      0,
    );
    await expect(client.enqueue(new Task("a"), { taskId: "order-1" })).rejects.toBeInstanceOf(
      TaskIdConflictError,
    );
    expect(await client.enqueue(new Task("a"), again)).toMatchObject({ state: "pending", id: "order-1" });
  });

  it("must be named to be replaced", async () => {
    const { client } = open();
    await expect(client.enqueue(new Task("a"), { replaceFinished: true })).rejects.toThrow(
      "replaceFinished: needs a taskId",
    );
  });
});

describe("a unique task", () => {
  it("excludes an equal one until it is done, and says which one", async () => {
    const { client, engine } = open();
    const first = await client.enqueue(new Task("a", { n: 1 }), { unique: "1h" });
    const equal = client.enqueue(new Task("a", { n: 1 }), { unique: "1h" });
    await expect(equal).rejects.toBeInstanceOf(DuplicateTaskError);
    await expect(equal).rejects.toMatchObject({ queue: "default", taskId: first.id });
    await client.enqueue(new Task("a", { n: 2 }), { unique: "1h", queue: "other" });
    await finish(engine);
    await client.enqueue(new Task("a", { n: 1 }), { unique: "1h" });
  });

  it("holds its lock for its time from when it is to be processed", async () => {
    const { client, clock } = open();
    const options = { unique: "10s", processIn: "60s" };
    await client.enqueue(new Task("a"), options);
    await clock.advance(69_999);
    await expect(client.enqueue(new Task("a"), options)).rejects.toBeInstanceOf(DuplicateTaskError);
    await clock.advance(1);
    await client.enqueue(new Task("a"), options);
  });

  it("holds its lock for its time alone when it is due already", async () => {
    const { client, clock } = open();
    const options = { unique: "10s", processAt: new Date(clock.now() - 60_000) };
    await client.enqueue(new Task("a"), options);
    await clock.advance(9_999);
    await expect(client.enqueue(new Task("a"), options)).rejects.toBeInstanceOf(DuplicateTaskError);
    await clock.advance(1);
    await client.enqueue(new Task("a"), options);
  });

  it("answers the holder of the lock, if asked", async () => {
    const { client } = open();
    const first = await client.enqueue(new Task("a", 1), { unique: "1h" });
    const second = await client.enqueue(new Task("a", 1), { unique: "1h", ifDuplicate: "return" });
    expect(second).toMatchObject({ id: first.id, duplicate: true, state: "pending", payload: 1 });
  });

  it("is stored after all when the holder ends before it is read", async () => {
    const { client, engine } = open();
    const first = await client.enqueue(new Task("a"), { unique: "1h" });
    const taskInfo = engine.inspection.taskInfo.bind(engine.inspection);
    engine.inspection.taskInfo = async (queue, id) => {
      engine.inspection.taskInfo = taskInfo;
      await finish(engine);
      return taskInfo(queue, id);
    };
    const second = await client.enqueue(new Task("a"), { unique: "1h", ifDuplicate: "return" });
    expect(second).toMatchObject({ duplicate: false, state: "pending" });
    expect(second.id).not.toBe(first.id);
  });

  it("is refused, if nobody is there to answer: a deleted task left its lock behind", async () => {
    const { client, engine, clock } = open();
    const options = { unique: "1h", ifDuplicate: "return" } as const;
    const { id } = await client.enqueue(new Task("a"), options);
    engine.inspection.taskInfo = async () => undefined;
    const refused = client.enqueue(new Task("a"), options);
    await expect(refused).rejects.toBeInstanceOf(DuplicateTaskError);
    await expect(refused).rejects.toMatchObject({ taskId: id });
    await clock.advance(3_600_000);
    expect(await client.enqueue(new Task("a"), options)).toMatchObject({ duplicate: false });
  });

  it("is answered however often a holder ends before it is read and another comes", async () => {
    const { client, engine } = open();
    const options = { unique: "1h" };
    await client.enqueue(new Task("a"), options);
    const taskInfo = engine.inspection.taskInfo.bind(engine.inspection);
    let gone = 0;
    engine.inspection.taskInfo = async (queue, id) => {
      if (gone === 2) return taskInfo(queue, id);
      gone += 1;
      await finish(engine);
      await client.enqueue(new Task("a"), options);
      return taskInfo(queue, id);
    };
    const answer = await client.enqueue(new Task("a"), { ...options, ifDuplicate: "return" });
    expect(answer).toMatchObject({ duplicate: true, state: "pending" });
    expect(gone).toBe(2);
  });

  it("competes by its key instead of its payload, where it has one", async () => {
    const { client } = open();
    const task = defineTask("sync", {
      payload: z.object({ userId: z.number(), at: z.number() }),
      options: { unique: { for: "1h", key: ({ userId }) => `user-${userId}` } },
    });
    await client.enqueue(task({ userId: 1, at: 1 }));
    await client.enqueue(task({ userId: 2, at: 1 }));
    await expect(client.enqueue(task({ userId: 1, at: 2 }))).rejects.toBeInstanceOf(DuplicateTaskError);
    const text = { unique: { for: "1h", key: "user-2" } };
    await expect(client.enqueue(new Task("sync"), text)).rejects.toBeInstanceOf(DuplicateTaskError);
  });

  it("competes with Go's tasks: the lock has asynq's name", async () => {
    const { client, engine } = open();
    const payload = { a: 123, b: "hello", c: true };
    const { id } = await client.enqueue(new Task("email:send", payload), { unique: "1h" });
    const nil = await client.enqueue(new Task("reindex"), { unique: "1h" });
    expect((await engine.inspection.taskInfo("default", id))?.message?.uniqueKey).toBe(
      "asynq:{default}:unique:email:send:982042a884f9da3399da89ebbd90bc07",
    );
    expect((await engine.inspection.taskInfo("default", nil.id))?.message?.uniqueKey).toBe(
      "asynq:{default}:unique:reindex:",
    );
  });
});

describe("a payload's order of keys", () => {
  it("is that in which they were written: the same in another order is another task", async () => {
    const { client, engine } = open();
    const options = { unique: "1h" };
    const first = await client.enqueue(new Task("a", { a: 1, b: 2 }), options);
    const second = await client.enqueue(new Task("a", { b: 2, a: 1 }), options);
    const keys = [first, second].map(
      async ({ id }) => (await engine.inspection.taskInfo("default", id))?.message?.uniqueKey,
    );
    const [one, two] = await Promise.all(keys);
    expect(one).not.toBe(two);
    await expect(client.enqueue(new Task("a", { b: 2, a: 1 }), options)).rejects.toBeInstanceOf(
      DuplicateTaskError,
    );
  });
});

describe("headers", () => {
  it("are stored with a task in whichever state it begins, and none are none", async () => {
    const { client, engine } = open();
    const headers = { trace: "t1", tenant: "acme", empty: "" };
    for (const options of [{}, { processIn: "1h" }, { group: "g" }, { unique: "1h" }]) {
      const info = await client.enqueue(new Task("a"), { ...options, headers });
      expect({ ...info.headers }).toEqual(headers);
      const stored = await engine.inspection.taskInfo("default", info.id);
      expect(stored?.message?.headers).toEqual(new Map(Object.entries(headers)));
    }
    for (const none of [{}, { headers: {} }]) {
      const { id, headers: shown } = await client.enqueue(new Task("a"), none);
      expect(Object.keys(shown)).toEqual([]);
      expect((await engine.inspection.taskInfo("default", id))?.message?.headers.size).toBe(0);
    }
  });

  it("are those that they were when the task was made, and none of the caller's are changed", async () => {
    const { client } = open();
    const headers: Record<string, string> = { a: "1" };
    const task = new Task("a", undefined, { headers });
    headers["a"] = "changed";
    const call: Record<string, string> = { b: "2" };
    const enqueued = client.enqueue(task, { headers: call });
    call["b"] = "changed";
    expect({ ...(await enqueued).headers }).toEqual({ a: "1", b: "2" });
    expect({ ...(await client.enqueue(task)).headers }).toEqual({ a: "1" });
    expect(headers).toEqual({ a: "changed" });
  });
});

describe("a defined task", () => {
  const task = defineTask("email:welcome", {
    payload: z.object({ userId: z.number() }),
    result: z.object({ sent: z.boolean() }),
    options: { queue: "critical", maxRetry: 5, timeout: "30s" },
  });

  it("takes its options from its definition", async () => {
    const { client } = open();
    expect(await client.enqueue(task({ userId: 1 }))).toMatchObject({
      queue: "critical",
      maxRetry: 5,
      timeout: 30_000,
    });
  });

  it("is validated, and nothing is stored of an invalid one", async () => {
    const { client, engine } = open();
    const invalid = client.enqueue(task({ userId: "1" } as never));
    await expect(invalid).rejects.toBeInstanceOf(InvalidPayloadError);
    expect(await engine.inspection.queues()).toEqual([]);
  });

  it("is validated before its key is computed", async () => {
    const { client } = open();
    const keyed = defineTask("keyed", {
      payload: z.object({ user: z.object({ id: z.string() }) }),
      options: { unique: { for: "1h", key: ({ user }) => user.id } },
    });
    await expect(client.enqueue(keyed({} as never))).rejects.toBeInstanceOf(InvalidPayloadError);
    await expect(client.enqueue(keyed({ user: { id: " " } }))).rejects.toThrow(
      "unique.key: must not be blank",
    );
  });

  it("may be validated asynchronously", async () => {
    const { client } = open();
    const checked = defineTask("checked", { payload: z.string().refine(async (text) => text !== "bad") });
    expect(await client.enqueue(checked("good"))).toMatchObject({ payload: "good" });
    await expect(client.enqueue(checked("bad"))).rejects.toBeInstanceOf(InvalidPayloadError);
  });
});

describe("enqueueBatch", () => {
  it("answers each item, whatever became of the others", async () => {
    const { client } = open();
    const results = await client.enqueueBatch([
      new Task("a", 1),
      { task: new Task("b"), options: { taskId: "x", processIn: "1m" } },
      { task: new Task("b"), options: { taskId: "x" } },
      { task: new Task("c"), options: { queue: "{" } },
      { task: new Task("c"), options: { unique: "1h", group: "g" } },
      { task: new Task("c"), options: { unique: "1h" } },
      null as never,
      { task: new Task("d"), option: {} } as never,
    ]);
    expect(results.map((each) => (each.ok ? each.info.state : each.error.name))).toEqual([
      "pending",
      "scheduled",
      "TaskIdConflictError",
      "InvalidOptionError",
      "aggregating",
      "DuplicateTaskError",
      "InvalidOptionError",
      "InvalidOptionError",
    ]);
  });

  it("answers nothing for nothing", async () => {
    const { client } = open();
    expect(await client.enqueueBatch([])).toEqual([]);
  });
});

describe("a call with a signal", () => {
  it("is stored when nobody gives it up", async () => {
    const { client } = open();
    const { signal } = new AbortController();
    expect(await client.enqueue(new Task("a"), {}, { signal })).toMatchObject({ state: "pending" });
  });

  it("sends the items of a batch together", async () => {
    const { client, engine } = open();
    const send = engine.broker.enqueue.bind(engine.broker);
    const calls: number[] = [];
    engine.broker.enqueue = (entries, options) => {
      expect(options?.signal).toBe(signal);
      calls.push(entries.length);
      return send(entries, options);
    };
    const { signal } = new AbortController();
    const items = Array.from({ length: 1_000 }, () => new Task("a"));
    const results = await client.enqueueBatch(items, { signal });
    expect(results.every(({ ok }) => ok)).toBe(true);
    expect(calls).toEqual([200, 200, 200, 200, 200]);
  });

  it.each([
    [{ singal: new AbortController().signal }, 'did you mean "signal"'],
    [{ signal: {} }, "expected an AbortSignal"],
    [null, "expected an object"],
  ])("must name it, and hand in one: %j", async (call, text) => {
    const { client } = open();
    await expect(client.enqueue(new Task("a"), {}, call as never)).rejects.toThrow(text);
    await expect(client.enqueueBatch([new Task("a")], call as never)).rejects.toThrow(text);
  });

  it("is not stored when it was given up before it began", async () => {
    const { client, engine } = open();
    const signal = AbortSignal.abort(new Error("the request is gone"));
    await expect(client.enqueue(new Task("a"), {}, { signal })).rejects.toMatchObject({
      code: EngineUnavailableError.code,
      cause: signal.reason,
    });
    const [result] = await client.enqueueBatch([new Task("a")], { signal });
    expect(result).toMatchObject({ ok: false, error: { code: EngineUnavailableError.code } });
    expect(await engine.inspection.queues()).toEqual([]);
  });
});

describe("close", () => {
  it("lets calls under way end, and refuses later ones", async () => {
    const { client } = open();
    const slow = defineTask("slow", { payload: z.string().refine(() => Promise.resolve(true)) });
    const underWay = [client.enqueue(new Task("a")), client.enqueue(slow("x"))];
    const closed = client.close();
    expect(client.close()).toBe(closed);
    await expect(client.enqueue(new Task("a"))).rejects.toBeInstanceOf(ClosedError);
    await expect(client.enqueueBatch([new Task("a")])).rejects.toBeInstanceOf(ClosedError);
    await expect(client.ping()).rejects.toBeInstanceOf(ClosedError);
    await closed;
    expect((await Promise.all(underWay)).map(({ state }) => state)).toEqual(["pending", "pending"]);
  });

  it("leaves a shared engine to its other users", async () => {
    const { client, engine } = open();
    const other = new Client(engine);
    await client.close();
    await other.ping();
    await other.close();
    await expect(engine.ping()).rejects.toBeInstanceOf(ClosedError);
  });

  it("happens at the end of a block that uses the client", async () => {
    const { engine } = open();
    let inside: Client;
    {
      await using client = new Client(engine);
      inside = client;
      await client.ping();
    }
    await expect(inside.ping()).rejects.toBeInstanceOf(ClosedError);
  });
});

describe("a client's options", () => {
  it.each([
    [{ maxPayloadBytes: -1 }, "maxPayloadBytes"],
    [{ maxPayloadBytes: Number.NaN }, "maxPayloadBytes"],
    [{ maxPayloadBytes: 2 ** 40 }, "maxPayloadBytes"],
    [{ maxPayloadByte: 1 }, 'did you mean "maxPayloadBytes"'],
    [{ commandTimeout: "banana" }, "commandTimeout"],
    [{ logger: {} }, "logger"],
    [null as never, "expected an object"],
  ])("%j are refused", (options: object, text) => {
    expect(() => new Client(memoryEngine(), options)).toThrow(InvalidOptionError);
    expect(() => new Client(memoryEngine(), options)).toThrow(text);
  });
});
