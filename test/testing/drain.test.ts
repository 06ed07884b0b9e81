import { AssertionError } from "node:assert";
import { describe, expect, it } from "vitest";
import type { BatchResult } from "../../src/client/enqueuer.ts";
import { InvalidOptionError, RevokeTask, SkipRetry, TaskTimeoutError } from "../../src/errors.ts";
import { RetryLater } from "../../src/retry-later.ts";
import { ServeMux } from "../../src/server/serve-mux.ts";
import { Task } from "../../src/task.ts";
import { testQueue } from "../../src/testing/test-queue.ts";
import { gate } from "../server/server-rig.ts";
import { NEW_YEAR, quiet, recordingMux, tick, welcome } from "./subjects.ts";

function rig() {
  const recording = recordingMux();
  return { ...recording, q: testQueue({ mux: recording.mux, server: { logger: quiet }, now: NEW_YEAR }) };
}

describe("drain", () => {
  it("runs what is pending, in order, and tells how each attempt ended", async () => {
    const { q, ran } = rig();
    await q.client.enqueueBatch([welcome({ userId: 1 }), welcome({ userId: 2 }), tick()]);
    const drained = await q.drain();
    expect(drained).toMatchObject({ success: 3, retry: 0, archive: 0, drop: 0 });
    expect(drained.attempts).toMatchObject([
      { type: "email:welcome", queue: "critical", attempt: 1, outcome: "success", result: "sent to 1" },
      { type: "email:welcome", result: "sent to 2" },
      { type: "tick", queue: "default", outcome: "success", result: undefined },
    ]);
    expect(ran).toEqual([1, 2, "tick"]);
    expect(q.performed).toEqual(drained.attempts);
    expect(q.enqueued()).toEqual([]);
    expect(await q.drain()).toMatchObject({ success: 0, attempts: [] });
  });

  it("leaves the store as a server would: done, retried, archived, dropped, kept", async () => {
    const { mux, q, failing } = rig();
    mux.handle("bad", () => {
      throw new SkipRetry("never");
    });
    mux.handle("void", () => {
      throw new RevokeTask();
    });
    mux.handle("kept", () => ({ at: new Date(0) }));
    failing.times = 1;
    const [failed, bad, dropped, kept] = await q.client.enqueueBatch([
      welcome({ userId: 1 }),
      new Task("bad"),
      new Task("void"),
      { task: new Task("kept"), options: { retention: "1h" } },
    ]);
    expect(await q.drain()).toMatchObject({ success: 1, retry: 1, archive: 1, drop: 1 });
    const state = async (result: BatchResult) =>
      result.ok
        ? (await q.inspector.getTaskInfo(result.info).catch(() => ({ state: "gone" }))).state
        : "refused";
    expect(await Promise.all([failed, bad, dropped, kept].map(state))).toEqual([
      "retry",
      "archived",
      "gone",
      "completed",
    ]);
    expect(kept.ok && (await q.inspector.getTaskInfo(kept.info)).result).toEqual({
      at: "1970-01-01T00:00:00.000Z",
    });
    await q.advance("1h");
    expect(await state(kept)).toBe("gone");
  });

  it("runs what handlers enqueue", async () => {
    const { mux, q, ran } = rig();
    mux.handle("start", async () => {
      await q.client.enqueue(welcome({ userId: 9 }));
      await q.client.enqueue(tick(), { processIn: "1m" });
    });
    await q.client.enqueue(new Task("start"));
    await q.drain();
    expect(ran).toEqual([9]);
    q.expectEnqueued(tick, undefined, { at: "1m" });
  });

  it("leaves scheduled tasks and retries alone, unless asked", async () => {
    const { q, ran, failing } = rig();
    failing.times = 2;
    await q.client.enqueue(welcome({ userId: 1 }));
    await q.client.enqueue(tick(), { processIn: "1h" });
    expect(await q.drain()).toMatchObject({ success: 0, retry: 1 });
    expect(new Date(q.clock.now()).toISOString()).toBe(NEW_YEAR);

    expect(await q.drain({ retries: true })).toMatchObject({ success: 1, retry: 1 });
    expect(ran).toEqual([1]);
    q.expectEnqueued(tick);
    expect(q.clock.now()).toBeLessThan(Date.parse(NEW_YEAR) + 3_600_000);

    expect(await q.drain({ scheduled: true })).toMatchObject({ success: 1 });
    expect(q.clock.now()).toBe(Date.parse(NEW_YEAR) + 3_600_000);
    expect(ran).toEqual([1, "tick"]);
  });

  it("runs each scheduled task at its instant", async () => {
    const { mux, q } = rig();
    const at: string[] = [];
    mux.handle("at", () => {
      at.push(new Date(q.clock.now()).toISOString());
    });
    await q.client.enqueue(new Task("at"), { processIn: "2h", queue: "one" });
    await q.client.enqueue(new Task("at"), { processIn: "1h", queue: "other" });
    await q.client.enqueue(new Task("at"), { processIn: "3h", queue: "one" });
    await q.drain({ scheduled: true });
    expect(at).toEqual(["2030-01-01T01:00:00.000Z", "2030-01-01T02:00:00.000Z", "2030-01-01T03:00:00.000Z"]);
  });

  it("runs what has become due since, however time has passed, and however many they are", async () => {
    const { q, ran } = rig();
    await q.client.enqueueBatch(
      Array.from({ length: 1_500 }, () => ({ task: tick(), options: { processIn: "1m" } })),
    );
    await q.clock.advance(60_000);
    await q.drain();
    expect(ran).toHaveLength(1_500);
  });

  it("tries again until a task's retries are used up", async () => {
    const { q, failing } = rig();
    failing.times = 99;
    await q.client.enqueue(welcome({ userId: 1 }));
    const drained = await q.drain({ retries: true });
    expect(drained).toMatchObject({ retry: 2, archive: 1 });
    expect(drained.attempts.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    expect(drained.attempts.at(-1)).toMatchObject({ outcome: "archive", reason: "exhausted" });
  });

  it("may be held to one queue", async () => {
    const { q } = rig();
    await q.client.enqueueBatch([welcome({ userId: 1 }), tick()]);
    expect(await q.drain({ queue: "critical" })).toMatchObject({ success: 1 });
    q.expectEnqueued(tick);
    expect(await q.drain({ queue: "nowhere" })).toMatchObject({ success: 0 });
  });

  it("leaves a paused queue alone", async () => {
    const { q } = rig();
    await q.client.enqueue(tick());
    await q.inspector.pauseQueue("default");
    expect(await q.drain()).toMatchObject({ success: 0 });
    await q.inspector.unpauseQueue("default");
    expect(await q.drain()).toMatchObject({ success: 1 });
  });

  it("gives up on tasks without end", async () => {
    const { mux, q } = rig();
    mux.handle("again", () => q.client.enqueue(new Task("again")).then(() => undefined));
    mux.handle("later", () => {
      throw new RetryLater(0);
    });
    await q.client.enqueue(new Task("again"));
    const drained = q.drain({ limit: 50 });
    await expect(drained).rejects.toThrow(AssertionError);
    await expect(drained).rejects.toThrow("50 attempts have run, and tasks are still pending");
    q.reset();
    await q.client.enqueue(new Task("later"));
    await expect(q.drain({ limit: 50, retries: true })).rejects.toThrow(AssertionError);
  });

  it("waits for handlers that wait for the world", async () => {
    const { mux, q } = rig();
    const world = gate();
    mux.handle("slow", () => world.opened);
    await q.client.enqueue(new Task("slow"));
    let ended = false;
    const drained = q.drain().then((report) => {
      ended = true;
      return report;
    });
    await q.advance("1m");
    expect(ended).toBe(false);
    world.open();
    expect(await drained).toMatchObject({ success: 1 });
  });

  it("lets the clock end a handler whose time is over", async () => {
    const { mux, q } = rig();
    mux.handle(
      "endless",
      (_, ctx) =>
        new Promise((_, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason))),
    );
    await q.client.enqueue(new Task("endless"), { timeout: "2m" });
    const drained = q.drain();
    await q.advance("1m59s");
    await q.advance("1s");
    const { attempts } = await drained;
    expect(attempts).toMatchObject([{ outcome: "retry", error: expect.any(TaskTimeoutError) }]);
  });

  it("lets a handler be canceled", async () => {
    const { mux, q } = rig();
    const begun = gate();
    mux.handle("endless", (_, ctx) => {
      begun.open();
      return new Promise((_, reject) =>
        ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason)),
      );
    });
    const info = await q.client.enqueue(new Task("endless"));
    const drained = q.drain();
    await begun.opened;
    await q.inspector.cancelProcessing(info);
    expect((await drained).attempts).toMatchObject([{ outcome: "retry", error: { code: "TASK_CANCELED" } }]);
  });

  it("keeps to the policies of the server", async () => {
    const told: unknown[] = [];
    const { mux, failing } = recordingMux();
    const server = {
      logger: quiet,
      retryDelay: () => "5m",
      isFailure: () => false,
      errorHandler: (error: unknown, task: Task) => told.push([(error as Error).message, task.type]),
      concurrency: 3,
      queues: { critical: 1 },
    };
    const q = testQueue({ mux, server });
    failing.times = 1;
    await q.client.enqueue(welcome({ userId: 1 }));
    await q.drain();
    expect(told).toEqual([["no mail today", "email:welcome"]]);
    expect(q.expectEnqueued(welcome, undefined, { at: "5m" }).retried).toBe(0);
  });

  it("refuses what it cannot do", async () => {
    await expect(testQueue().drain()).rejects.toThrow(/mux: nothing can be performed without one/);
    const { q } = rig();
    await expect(q.drain({ schedule: true } as never)).rejects.toThrow(/did you mean "scheduled"/);
    await expect(q.drain({ retries: "yes" as never })).rejects.toThrow(InvalidOptionError);
    await expect(q.drain({ limit: 0 })).rejects.toThrow(InvalidOptionError);
  });
});

describe("a failed attempt", () => {
  it("is told to the server's logger", async () => {
    const lines: string[] = [];
    const { mux, failing } = recordingMux();
    const logger = { ...quiet, warn: (_: unknown, text: string) => lines.push(text) };
    const q = testQueue({ mux, server: { logger } });
    failing.times = 2;
    await q.client.enqueue(welcome({ userId: 1 }));
    await q.drain();
    await q.perform(welcome, { userId: 1 });
    expect(lines).toEqual(["attempt failed", "attempt failed"]);
  });

  it("makes a noise of its own only where nobody gets it as a value", async () => {
    const { mux, failing } = recordingMux();
    mux.handle("email:chatty", (_, ctx) => ctx.log.info({}, "all is well"));
    const q = testQueue({ mux: new ServeMux().handle("email:", mux) });
    failing.times = 2;
    const errors: unknown[] = [];
    const { error } = console;
    console.error = (line: unknown) => errors.push(line);
    try {
      await q.perform(welcome, { userId: 1 });
      expect(errors).toEqual([]);
      await q.client.enqueueBatch([welcome({ userId: 1 }), new Task("email:chatty")]);
      await q.drain();
    } finally {
      console.error = error;
    }
    expect(errors).toEqual([expect.stringMatching(/WARN {2}titanqueue: attempt failed .*no mail today/)]);
  });
});
