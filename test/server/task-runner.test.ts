import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask } from "../../src/define-task.ts";
import { InvalidPayloadError, LeaseLostError, RevokeTask, TaskTimeoutError } from "../../src/errors.ts";
import { ServeMux } from "../../src/server/serve-mux.ts";
import type { TaskContext } from "../../src/server/task-context.ts";
import { deadlineOf } from "../../src/server/task-runner.ts";
import type { Verdict } from "../../src/server/verdict.ts";
import type { Task } from "../../src/task.ts";
import { settle } from "../support/fake-runtime.ts";
import { gate, serverRig } from "./server-rig.ts";

describe("a handler", () => {
  it("gets the payload and knows its attempt", async () => {
    const rig = serverRig();
    const seen: unknown[] = [];
    await rig.start((task, ctx) => {
      const { taskId, queue, attempt, retried, maxRetry, deadline, headers } = ctx;
      seen.push({ payload: task.payload, taskId, queue, attempt, retried, maxRetry, deadline, headers });
    });
    const start = rig.clock.now();
    await rig.enqueue({ taskId: "id-1", maxRetry: 3, timeout: "1m", headers: { trace: "abc" } }, { n: 1 });
    expect(seen).toEqual([
      {
        payload: { n: 1 },
        taskId: "id-1",
        queue: "default",
        attempt: 1,
        retried: 0,
        maxRetry: 3,
        deadline: new Date(start + 60_000),
        headers: { trace: "abc" },
      },
    ]);
    expect(await rig.state("id-1")).toBe("gone");
  });

  it("may have no time limit", async () => {
    const rig = serverRig();
    let ctx: TaskContext | undefined;
    const { opened, open } = gate();
    await rig.start((_task, context) => {
      ctx = context;
      return opened;
    });
    await rig.enqueue({ timeout: "none" });
    expect(ctx?.deadline).toBeUndefined();
    // Longer than the default limit, with leases renewed all the while.
    await rig.clock.advance(40 * 60_000);
    expect(ctx?.signal.aborted).toBe(false);
    open();
    await settle();
    expect(rig.settled).toMatchObject([{ outcome: "done" }]);
  });

  it("keeps what it returned as the task's result", async () => {
    const rig = serverRig();
    await rig.start(async () => ({ url: "https://example.com" }));
    const id = await rig.enqueue({ retention: "1m" });
    const record = await rig.engine.inspection.taskInfo("default", id);
    expect(record?.state).toBe("completed");
    expect(Buffer.from(record?.result ?? []).toString()).toBe('{"url":"https://example.com"}');
    expect(rig.settled).toMatchObject([{ outcome: "completed", cause: "success" }]);
  });

  it("may write results while it runs, and what it returns wins", async () => {
    const rig = serverRig();
    const { opened, open } = gate();
    await rig.start(async (task, ctx) => {
      await ctx.result.write({ percent: 50 });
      await opened;
      return task.payload;
    });
    const kept = await rig.enqueue({ retention: "1m" });
    const replaced = await rig.enqueue({ retention: "1m" }, { percent: 100 });
    const result = async (id: string) => {
      const record = await rig.engine.inspection.taskInfo("default", id);
      return JSON.parse(Buffer.from(record?.result ?? []).toString());
    };
    expect(await result(kept)).toEqual({ percent: 50 });
    expect(await result(replaced)).toEqual({ percent: 50 });
    open();
    await settle();
    expect(await result(kept)).toEqual({ percent: 50 });
    expect(await result(replaced)).toEqual({ percent: 100 });
  });

  it("cannot write a result once the task is no longer its own", async () => {
    const rig = serverRig();
    const { opened, open } = gate();
    let late: unknown;
    await rig.start(async (_task, ctx) => {
      await opened;
      late = await ctx.result.write(1).catch((error: unknown) => error);
    });
    await rig.enqueue({ timeout: "1s", retention: "1m" });
    await rig.clock.advance(6_000);
    expect(rig.settled).toMatchObject([{ outcome: "retry", cause: "timeout" }]);
    open();
    await settle();
    expect(late).toBeInstanceOf(LeaseLostError);
  });

  it("logs with the facts of its task", async () => {
    const rig = serverRig();
    await rig.start((_task, ctx) => ctx.log.info({ step: 2 }, "half way"));
    const taskId = await rig.enqueue();
    expect(rig.lines).toContainEqual({
      level: "info",
      fields: { type: "t", taskId, queue: "default", attempt: 1, step: 2 },
      text: "half way",
    });
  });
});

describe("a definition", () => {
  const user = defineTask("t", { payload: z.object({ name: z.string().toUpperCase() }) });

  it("decodes the payload for its handler", async () => {
    const rig = serverRig();
    const names: string[] = [];
    await rig.start(
      new ServeMux().handle(user, (task) => {
        names.push(task.payload.name);
      }),
    );
    await rig.enqueue({}, { name: "ada" });
    expect(names).toEqual(["ADA"]);
  });

  it("has tasks archived at once that do not fit it, with the issues in the text", async () => {
    const told: unknown[] = [];
    const rig = serverRig({
      errorHandler: (error, task, ctx, verdict) => told.push(error, task.type, ctx, verdict),
    });
    const called: unknown[] = [];
    await rig.start(new ServeMux().handle(user, (task) => void called.push(task)));
    const id = await rig.enqueue({}, { name: 7 });
    expect(called).toEqual([]);
    expect(await rig.state(id)).toBe("archived");
    expect((await rig.message(id)).errorMsg).toMatch(/payload of "t" is invalid: name: .*string/);
    expect(told).toEqual([
      expect.any(InvalidPayloadError),
      "t",
      expect.objectContaining({}),
      { outcome: "archive", reason: "invalid" },
    ]);
  });

  it("may validate asynchronously", async () => {
    const rig = serverRig();
    const checked = defineTask("t", { payload: z.object({ n: z.number() }).refine(async ({ n }) => n > 0) });
    const seen: number[] = [];
    await rig.start(new ServeMux().handle(checked, (task) => void seen.push(task.payload.n)));
    const good = await rig.enqueue({}, { n: 1 });
    const bad = await rig.enqueue({}, { n: -1 });
    expect(seen).toEqual([1]);
    expect(await rig.state(good)).toBe("gone");
    expect(await rig.state(bad)).toBe("archived");
  });

  it("whose schema fails by itself makes an ordinary failure", async () => {
    const rig = serverRig();
    const broken = defineTask("t", {
      payload: z.unknown().transform((): unknown => {
        throw new TypeError("schema");
      }),
    });
    await rig.start(new ServeMux().handle(broken, () => undefined));
    const id = await rig.enqueue({}, 1);
    expect(await rig.state(id)).toBe("retry");
    expect((await rig.message(id)).errorMsg).toBe("TypeError: schema");
  });

  it("does not call a handler whose time ran out while its payload was validated", async () => {
    const rig = serverRig();
    const { opened, open } = gate();
    const slow = defineTask("t", { payload: z.unknown().refine(() => opened.then(() => true)) });
    const called: unknown[] = [];
    await rig.start(new ServeMux().handle(slow, (task) => void called.push(task)));
    const id = await rig.enqueue({ timeout: "1s" }, 1);
    await rig.clock.advance(7_000);
    expect(await rig.state(id)).toBe("retry");
    expect(rig.server.health()).toMatchObject({ running: 0, zombies: 1 });
    open();
    await settle();
    expect(called).toEqual([]);
    expect(rig.server.health().zombies).toBe(0);
  });
});

describe("a payload that is not JSON", () => {
  it("archives the task at once when the handler asks for it", async () => {
    const rig = serverRig();
    await rig.start((task) => void task.payload);
    const id = await rig.enqueue({}, Buffer.from([0xff, 0x00]));
    expect(await rig.state(id)).toBe("archived");
    expect((await rig.message(id)).errorMsg).toMatch(/is not JSON/);
  });

  it("does not matter to a handler that reads the bytes", async () => {
    const rig = serverRig();
    const seen: unknown[] = [];
    await rig.start((task) => void seen.push(task.bytes));
    await rig.enqueue({}, Buffer.from([0xff, 0x00]));
    expect(seen).toEqual([Buffer.from([0xff, 0x00])]);
  });
});

describe("errorHandler", () => {
  it("hears of every failed attempt, and what becomes of the task", async () => {
    const told: [error: unknown, task: Task, attempt: number | undefined, verdict: Verdict][] = [];
    const rig = serverRig({
      errorHandler: (error, task, ctx, verdict) => told.push([error, task, ctx?.attempt, verdict]),
    });
    const first = new Error("first");
    const errors = [first, new RevokeTask()];
    await rig.start(() => {
      throw errors.shift();
    });
    const start = rig.clock.now();
    const id = await rig.enqueue({}, { n: 1 });
    expect(told).toEqual([[first, expect.objectContaining({ type: "t" }), 1, expect.anything()]]);
    const [, task, , verdict] = told[0]!;
    expect(task.payload).toEqual({ n: 1 });
    if (verdict.outcome !== "retry") throw new Error("not retried");
    expect(verdict.at.getTime()).toBeGreaterThanOrEqual(start + 15_000);

    await rig.clock.advance(verdict.at.getTime() - rig.clock.now() + 2_000);
    expect(told[1]).toEqual([expect.any(RevokeTask), expect.anything(), 2, { outcome: "drop" }]);
    expect(await rig.state(id)).toBe("gone");
    expect(rig.settled.map(({ outcome, cause, attempt }) => [outcome, cause, attempt])).toEqual([
      ["retry", "error", 1],
      ["drop", "revoked", 2],
    ]);
  });

  it.each<[what: string, errorHandler: () => unknown]>([
    [
      "throws",
      () => {
        throw new Error("handler of errors");
      },
    ],
    [
      "rejects",
      async () => {
        throw new Error("handler of errors");
      },
    ],
  ])("that %s harms nothing and is logged once", async (_, errorHandler) => {
    const rig = serverRig({ errorHandler });
    await rig.start(() => {
      throw new Error("x");
    });
    const id = await rig.enqueue();
    expect(await rig.state(id)).toBe("retry");
    expect(rig.lines.filter(({ text }) => text === "errorHandler failed")).toHaveLength(1);
  });
});

describe("a timeout", () => {
  it("aborts the handler, whose verdict then counts", async () => {
    const rig = serverRig();
    let reason: unknown;
    await rig.start(
      (_task, ctx) =>
        new Promise<void>((resolve) => {
          ctx.signal.addEventListener("abort", () => {
            reason = ctx.signal.reason;
            resolve();
          });
        }),
    );
    const id = await rig.enqueue({ timeout: "3s" });
    await rig.clock.advance(2_999);
    expect(reason).toBeUndefined();
    await rig.clock.advance(1);
    expect(reason).toMatchObject({ code: "TASK_TIMEOUT" });
    expect(await rig.state(id)).toBe("gone");
    expect(rig.settled).toMatchObject([{ outcome: "done", cause: "success" }]);
  });

  it.each<[what: string, rejection: (signal: AbortSignal) => unknown]>([
    ["the reason", (signal) => signal.reason],
    ["an AbortError", () => new DOMException("This operation was aborted", "AbortError")],
    ["an error caused by the reason", (signal) => new Error("outer", { cause: signal.reason })],
  ])("is the error when the handler throws %s", async (_, rejection) => {
    const rig = serverRig();
    await rig.start(
      (_task, { signal }) =>
        new Promise((_, reject) => signal.addEventListener("abort", () => reject(rejection(signal)))),
    );
    const id = await rig.enqueue({ timeout: "1s" });
    await rig.clock.advance(1_000);
    expect((await rig.message(id)).errorMsg).toBe("context deadline exceeded");
    expect(rig.settled).toMatchObject([{ outcome: "retry", cause: "timeout" }]);
  });

  it("leaves the handler its own error", async () => {
    const rig = serverRig();
    await rig.start(
      (_task, { signal }) =>
        new Promise((_, reject) =>
          signal.addEventListener("abort", () => reject(new Error("while copying"))),
        ),
    );
    const id = await rig.enqueue({ timeout: "1s" });
    await rig.clock.advance(1_000);
    expect((await rig.message(id)).errorMsg).toBe("while copying");
  });

  it("decides when the handler has not ended after the grace, and the handler keeps its slot", async () => {
    const rig = serverRig({ concurrency: 1, abortGrace: "5s" });
    const { opened, open } = gate();
    const started: string[] = [];
    await rig.start((_task, ctx) => {
      started.push(ctx.taskId);
      return started.length === 1 ? opened : undefined;
    });
    const stuck = await rig.enqueue({ timeout: "1s" });
    await rig.enqueue({ taskId: "next" });
    await rig.clock.advance(5_999);
    expect(await rig.state(stuck)).toBe("active");
    await rig.clock.advance(1);
    expect(await rig.state(stuck)).toBe("retry");
    expect(rig.server.health()).toMatchObject({ running: 0, zombies: 1 });
    expect(started).toEqual([stuck]);

    open();
    await settle();
    expect(rig.server.health().zombies).toBe(0);
    expect(started).toEqual([stuck, "next"]);
    // What the handler returned in the end did not count.
    expect(rig.settled.map(({ taskId, outcome }) => [taskId, outcome])).toEqual([
      [stuck, "retry"],
      ["next", "done"],
    ]);
  });

  it("that has passed already means that the handler is not called", async () => {
    const told: unknown[] = [];
    const rig = serverRig({ errorHandler: (error, _task, ctx) => told.push(error, ctx?.signal.aborted) });
    let called = false;
    const deadline = new Date(rig.clock.now() + 10_000);
    const id = await rig.enqueue({ deadline });
    await rig.clock.advance(10_001);
    await rig.start(() => {
      called = true;
    });
    expect(called).toBe(false);
    expect(told).toEqual([expect.any(TaskTimeoutError), true]);
    expect((await rig.message(id)).errorMsg).toBe("context deadline exceeded");
  });

  it("does not depend on the wall clock once the handler runs", async () => {
    const rig = serverRig();
    let ctx: TaskContext | undefined;
    await rig.start((_task, context) => {
      ctx = context;
      return new Promise(() => undefined);
    });
    await rig.enqueue({ timeout: "10s" });
    rig.clock.setWall(rig.clock.now() + 3_600_000);
    await rig.clock.advance(9_999);
    expect(ctx?.signal.aborted).toBe(false);
    await rig.clock.advance(1);
    expect(ctx?.signal.aborted).toBe(true);
  });

  it("of many tasks at different times ends each in time", async () => {
    const rig = serverRig({ concurrency: 200, abortGrace: 0 });
    const ended = new Map<number, number>();
    const start = rig.clock.monotonic();
    await rig.start(
      (task, { signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener("abort", () => {
            ended.set(task.payload as number, rig.clock.monotonic() - start);
            reject(signal.reason);
          });
        }),
    );
    for (let s = 1; s <= 100; s++) void rig.enqueue({ timeout: `${s}s`, maxRetry: 0 }, s);
    await settle();
    await rig.clock.advance(101_000);
    expect(ended.size).toBe(100);
    for (const [s, at] of ended) expect(at - s * 1_000).toBeLessThan(20);
  });
});

describe("an attempt whose deadline had passed", () => {
  it("follows its handler's policies, and its events come in pairs", async () => {
    const rig = serverRig();
    const started: string[] = [];
    rig.server.on("taskStarted", ({ taskId }) => started.push(taskId));
    const id = await rig.enqueue({ deadline: new Date(rig.clock.now() + 10_000) });
    await rig.clock.advance(10_001);
    const due = rig.clock.now() + 3_600_000;
    const policies = { retryDelay: () => "1h", isFailure: () => false };
    await rig.start(new ServeMux().handle("t", () => undefined, policies));
    const record = await rig.engine.inspection.taskInfo("default", id);
    expect(record?.message?.retried).toBe(0);
    expect(started).toEqual([id]);
    expect(rig.settled).toMatchObject([{ taskId: id, outcome: "retry", cause: "timeout" }]);
    await rig.clock.advance(due - rig.clock.now() - 2_000);
    expect(await rig.state(id)).toBe("retry");
  });
});

describe("a failure in the log", () => {
  it("is a warning while the task is tried again, and an error when it is archived, with its stack", async () => {
    const rig = serverRig();
    await rig.start(function failing() {
      throw new Error("no luck");
    });
    const again = await rig.enqueue();
    const last = await rig.enqueue({ maxRetry: 0 });
    const fields = (taskId: string) =>
      expect.objectContaining({
        taskId,
        error: "no luck",
        stack: expect.stringMatching(/^at .*failing.*task-runner/),
      });
    expect(rig.lines).toContainEqual({ level: "warn", fields: fields(again), text: "attempt failed" });
    expect(rig.lines).toContainEqual({ level: "error", fields: fields(last), text: "task archived" });
  });
});

describe("a result that is too large", () => {
  const large = "x".repeat(8 * 1_024 * 1_024);

  it("is left out, and the task has succeeded all the same", async () => {
    const rig = serverRig();
    await rig.start(() => large);
    const id = await rig.enqueue({ retention: "1m" });
    expect(await rig.state(id)).toBe("completed");
    expect((await rig.engine.inspection.taskInfo("default", id))?.result ?? []).toHaveLength(0);
    expect(rig.lines.map(({ text }) => text)).toContain("the result cannot be stored and is left out");
  });

  it("is refused by the result writer", async () => {
    const rig = serverRig();
    let refused: unknown;
    await rig.start(async (_task, ctx) => {
      refused = await ctx.result.write(large).catch((error: unknown) => error);
    });
    await rig.enqueue();
    expect(refused).toMatchObject({ code: "PAYLOAD_NOT_SERIALIZABLE" });
  });
});

describe("a cancelation", () => {
  it("aborts the task wherever it runs", async () => {
    const rig = serverRig({ cancelPolicy: "archive" });
    let reason: unknown;
    await rig.start(
      (_task, { signal }) =>
        new Promise((_, reject) =>
          signal.addEventListener("abort", () => {
            reason = signal.reason;
            reject(reason);
          }),
        ),
    );
    const id = await rig.enqueue();
    await rig.engine.broker.publishCancelation("another");
    await settle();
    expect(await rig.state(id)).toBe("active");
    await rig.engine.broker.publishCancelation(id);
    await settle();
    expect(reason).toMatchObject({ code: "TASK_CANCELED" });
    expect(await rig.state(id)).toBe("archived");
    expect((await rig.message(id)).errorMsg).toBe("context canceled");
    expect(rig.settled).toMatchObject([{ outcome: "archive", cause: "canceled" }]);
  });

  it("is in time even for a handler that asks for its signal later", async () => {
    const rig = serverRig();
    const { opened, open } = gate();
    let aborted: boolean | undefined;
    await rig.start(async (_task, ctx) => {
      await opened;
      aborted = ctx.signal.aborted;
    });
    const id = await rig.enqueue();
    await rig.engine.broker.publishCancelation(id);
    open();
    await settle();
    expect(aborted).toBe(true);
  });
});

describe("deadlineOf", () => {
  const now = 1_700_000_000_250;
  const later = 1_700_000_100;
  it.each([
    ["timeout and deadline: the timeout, if earlier", 60, later, now + 60_000],
    ["timeout and deadline: the deadline, if earlier", 600, later, later * 1_000],
    ["timeout only", 60, 0, now + 60_000],
    ["deadline only", 0, later, later * 1_000],
    ["neither", 0, 0, now + 30 * 60_000],
    ["big numbers", 2n ** 62n, 2n ** 62n, Number.POSITIVE_INFINITY],
    ["a negative timeout counts as none", -5, later, later * 1_000],
  ])("%s", (_, timeout, deadline, expected) => {
    expect(deadlineOf({ timeout, deadline }, now)).toBe(expected);
  });
});
