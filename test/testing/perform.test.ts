import { describe, expect, expectTypeOf, it } from "vitest";
import { z } from "zod";
import { defineTask } from "../../src/define-task.ts";
import { InvalidOptionError, InvalidPayloadError, SkipRetry } from "../../src/errors.ts";
import { ServeMux } from "../../src/server/serve-mux.ts";
import { Task } from "../../src/task.ts";
import type { Performed } from "../../src/testing/performed.ts";
import { testQueue } from "../../src/testing/test-queue.ts";
import { NEW_YEAR, quiet, recordingMux, report, tick, welcome } from "./subjects.ts";

describe("perform", () => {
  it("runs one attempt through mux and middleware, and answers how it ended", async () => {
    const { mux, ran, failing } = recordingMux();
    const seen: string[] = [];
    mux.use(async (task, ctx, next) => {
      seen.push(`${task.type} in ${ctx.queue}`);
      await next();
    });
    const q = testQueue({ mux, server: { retryDelay: () => "3m" }, now: NEW_YEAR });
    expect(await q.perform(welcome, { userId: 42 })).toEqual({
      taskId: expect.any(String),
      type: "email:welcome",
      queue: "critical",
      attempt: 1,
      outcome: "success",
      result: "sent to 42",
    });
    failing.times = 2;
    expect(await q.perform(welcome, { userId: 42 })).toMatchObject({
      outcome: "retry",
      error: new Error("no mail today"),
      at: new Date("2030-01-01T00:03:00Z"),
    });
    expect(await q.perform(welcome, { userId: 42 }, { retried: 2 })).toMatchObject({
      attempt: 3,
      outcome: "archive",
      reason: "exhausted",
    });
    expect(ran).toEqual([42]);
    expect(seen).toEqual(Array(3).fill("email:welcome in critical"));
  });

  it("gives the handler what it would get from the store", async () => {
    const mux = new ServeMux();
    const got: unknown[] = [];
    mux.handle(report, (task, ctx) => {
      got.push(task.payload, ctx.headers["tenant"], ctx.deadline?.toISOString(), ctx.maxRetry, ctx.taskId);
      return { when: task.payload.day, none: undefined };
    });
    const q = testQueue({ mux, now: NEW_YEAR });
    const options = { headers: { tenant: "acme" }, timeout: "10m", maxRetry: 7, taskId: "mine" };
    const { outcome, ...rest } = await q.perform(report, { day: "2030-01-31", pages: [1] }, options);
    expect(outcome).toBe("success");
    expect(rest).toMatchObject({ result: { when: "2030-01-31T00:00:00.000Z" } });
    expect(got).toEqual([
      { day: new Date("2030-01-31"), pages: [1] },
      "acme",
      "2030-01-01T00:10:00.000Z",
      7,
      "mine",
    ]);
  });

  it("leaves the queue as it was, whatever the task's options say", async () => {
    const mux = new ServeMux();
    const careful = defineTask("careful", {
      options: { unique: "1h", processIn: "1h", group: "g", taskId: "one" },
    });
    mux.handle(careful, (_, ctx) => ctx.taskId);
    const q = testQueue({ mux });
    await q.client.enqueue(careful());
    const before = q.enqueued().map((task) => task.toJSON());
    for (let times = 0; times < 2; times += 1) {
      expect(await q.perform(careful)).toMatchObject({ outcome: "success", result: "one" });
    }
    expect(q.enqueued().map((task) => task.toJSON())).toEqual(before);
    expect(q.performed).toEqual([]);
  });

  it("answers what the handler wrote, unless it returned something", async () => {
    const mux = new ServeMux();
    mux.handle("writes", async (task, ctx) => {
      await ctx.result.write({ half: true });
      return task.payload ?? undefined;
    });
    mux.handle("bytes", () => Buffer.from([0xff]));
    const q = testQueue({ mux });
    expect(await q.perform(new Task("writes"))).toMatchObject({ result: { half: true } });
    expect(await q.perform(new Task("writes", { whole: true }))).toMatchObject({ result: { whole: true } });
    expect(await q.perform(new Task("bytes"))).toMatchObject({ result: Buffer.from([0xff]) });
  });

  it("tells of a result that cannot be stored, whether or not this task keeps it", async () => {
    const lines: string[] = [];
    const logger = { ...quiet, warn: (_: unknown, text: string) => lines.push(text) };
    const q = testQueue({ mux: () => ({ n: 1n }), server: { logger } });
    expect(await q.perform(new Task("x"))).toMatchObject({ outcome: "success", result: undefined });
    expect(await q.perform(new Task("x"), { retention: "1h" })).toMatchObject({ outcome: "success" });
    expect(lines).toEqual(Array(2).fill("the result cannot be stored and is left out"));
  });

  it("refuses as the client does what is built from a definition; a Task meets the server's check", async () => {
    const { mux } = recordingMux();
    const q = testQueue({ mux });
    await expect(q.perform(welcome, { userId: "1" as never })).rejects.toThrow(InvalidPayloadError);
    expect(await q.perform(new Task("email:welcome", { userId: "1" }))).toMatchObject({
      outcome: "archive",
      reason: "invalid",
      error: expect.any(InvalidPayloadError),
    });
    expect(await q.perform(new Task("unknown"))).toMatchObject({
      outcome: "retry",
      error: { code: "HANDLER_NOT_FOUND" },
    });
  });

  it("validates a schema that takes its time", async () => {
    const slow = defineTask("slow", { payload: z.number().refine(async (n) => n > 1) });
    const q = testQueue({ mux: new ServeMux().handle(slow, (task) => task.payload) });
    await expect(q.perform(slow, 1)).rejects.toThrow(InvalidPayloadError);
    expect(await q.perform(slow, 2)).toMatchObject({ result: 2 });
    await q.client.enqueue(slow(2));
    q.expectEnqueued(slow, 2);
  });

  it("has a type that tells the outcomes apart", async () => {
    const q = testQueue({ mux: recordingMux().mux });
    const attempt = await q.perform(welcome, { userId: 1 });
    expectTypeOf(attempt).toEqualTypeOf<Performed<string>>();
    if (attempt.outcome === "success") expectTypeOf(attempt.result).toEqualTypeOf<string | undefined>();
    else expectTypeOf(attempt.error).toBeUnknown();
    await q.perform(tick);
    // @ts-expect-error a payload that the definition asks for
    await expect(q.perform(welcome)).rejects.toThrow();
  });

  it("refuses what it does not know", async () => {
    const q = testQueue({ mux: () => undefined });
    await expect(q.perform(tick, undefined, { retried: -1 })).rejects.toThrow(InvalidOptionError);
    await expect(q.perform(tick, undefined, { retires: 1 } as never)).rejects.toThrow(/no such option/);
    await expect(testQueue().perform(tick)).rejects.toThrow(/mux: nothing can be performed/);
    expect(
      await testQueue({
        mux: () => {
          throw new SkipRetry();
        },
      }).perform(tick),
    ).toMatchObject({ outcome: "archive" });
  });
});
