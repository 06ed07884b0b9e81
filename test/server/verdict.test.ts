import { describe, expect, it } from "vitest";
import {
  LeaseLostError,
  RevokeTask,
  SkipRetry,
  TaskCanceledError,
  TaskTimeoutError,
} from "../../src/errors.ts";
import type { TaskMessage } from "../../src/protocol/task-message.ts";
import { RetryLater } from "../../src/retry-later.ts";
import { type Failure, Judge, type JudgeOptions } from "../../src/server/verdict.ts";
import { receivedTask } from "../../src/task.ts";
import { message } from "../contract/tasks.ts";
import { recordingLogger } from "./server-rig.ts";

const NOW = 1_700_000_000_500;

const MESSAGE: TaskMessage = message("default", {
  type: "t",
  id: "1",
  retry: 3,
  retried: 1,
  errorMsg: "earlier",
});
const EXHAUSTED: TaskMessage = { ...MESSAGE, retried: 3 };

function judge(options: Partial<JudgeOptions> = {}) {
  const logger = recordingLogger();
  const judge = new Judge({
    now: () => NOW,
    random: () => 0,
    logger,
    retryDelay: undefined,
    isFailure: undefined,
    cancelPolicy: "retry",
    ...options,
  });
  const failure = (error: unknown, more: Partial<Failure> = {}) =>
    judge.failure({
      message: MESSAGE,
      task: receivedTask(more.message ?? MESSAGE),
      error,
      reason: undefined,
      invalid: false,
      policy: {},
      ...more,
    });
  return { judge, failure, lines: logger.lines };
}

/** After one retry: 1 + 15 + 0 seconds. */
const DELAY = 16_000;

describe("a handler that returns", () => {
  it("deletes the task without a retention", () => {
    expect(judge().judge.success(MESSAGE, { some: "result" })).toEqual({ kind: "done" });
  });

  it("keeps it with one, with what was returned", () => {
    const kept = { ...MESSAGE, retention: 60 };
    expect(judge().judge.success(kept, { url: "x" })).toEqual({
      kind: "complete",
      message: { ...kept, completedAt: 1_700_000_000 },
      expireAt: NOW + 60_000,
      result: Buffer.from('{"url":"x"}'),
    });
    expect(judge().judge.success(kept, undefined)).not.toHaveProperty("result");
  });

  it("succeeds although its result cannot be stored", () => {
    const { judge: each, lines } = judge();
    const settlement = each.success({ ...MESSAGE, retention: 60 }, 10n);
    expect(settlement).toMatchObject({ kind: "complete" });
    expect(settlement).not.toHaveProperty("result");
    expect(lines).toMatchObject([{ level: "warn", text: "the result cannot be stored and is left out" }]);
  });
});

describe("a handler that throws", () => {
  it("is tried again, and counted", () => {
    expect(judge().failure(new Error("no route"))).toEqual({
      settlement: {
        kind: "retry",
        message: { ...MESSAGE, errorMsg: "no route", lastFailedAt: 1_700_000_000, retried: 2 },
        retryAt: NOW + DELAY,
        isFailure: true,
        attempt: { at: NOW, outcome: "retry", cause: "error", error: "no route" },
      },
      verdict: { outcome: "retry", at: new Date(NOW + DELAY) },
      cause: "error",
    });
  });

  it("is archived when its retries are used up, with `retried` as it was", () => {
    expect(judge().failure(new Error("no route"), { message: EXHAUSTED })).toEqual({
      settlement: {
        kind: "archive",
        message: { ...EXHAUSTED, errorMsg: "no route", lastFailedAt: 1_700_000_000 },
        attempt: { at: NOW, outcome: "archive", cause: "exhausted", error: "no route" },
      },
      verdict: { outcome: "archive", reason: "exhausted" },
      cause: "exhausted",
    });
  });

  it("is noted with how long it ran and where, unless another server had run it", () => {
    const here = judge({ server: "host:1" });
    const noted = (more: Partial<Failure>) => here.failure(new Error("no route"), more).settlement;
    expect(noted({ duration: 42 })).toMatchObject({ attempt: { duration: 42, server: "host:1" } });
    expect(noted({})).toMatchObject({ attempt: { duration: undefined, server: undefined } });
  });

  it("is not counted when the policy says that it is no failure, but the error is written", () => {
    const { settlement } = judge({ isFailure: () => false }).failure(new Error("busy"));
    expect(settlement).toMatchObject({
      kind: "retry",
      isFailure: false,
      message: { retried: 1, errorMsg: "busy", lastFailedAt: 1_700_000_000 },
    });
  });

  it("is archived when its retries are used up, failure or not", () => {
    const { verdict } = judge({ isFailure: () => false }).failure(new Error("busy"), { message: EXHAUSTED });
    expect(verdict).toEqual({ outcome: "archive", reason: "exhausted" });
  });

  it("is archived by SkipRetry, whatever is left", () => {
    const { settlement, verdict } = judge().failure(new SkipRetry("no such user"));
    expect(verdict).toEqual({ outcome: "archive", reason: "skip-retry" });
    expect(settlement).toMatchObject({ message: { errorMsg: "no such user", retried: 1 } });
  });

  it("is dropped by RevokeTask, even with a retention or without retries", () => {
    const dropped = { settlement: { kind: "done" }, verdict: { outcome: "drop" }, cause: "revoked" };
    expect(judge().failure(new RevokeTask(), { message: { ...EXHAUSTED, retention: 60 } })).toEqual(dropped);
  });

  it("obeys a control error that lies within another", () => {
    const wrapped = (cause: unknown) => new Error("outer", { cause: new Error("inner", { cause }) });
    expect(judge().failure(wrapped(new RevokeTask())).verdict).toEqual({ outcome: "drop" });
    const skipped = judge().failure(wrapped(new SkipRetry()));
    expect(skipped.verdict).toMatchObject({ reason: "skip-retry" });
    expect(skipped.settlement).toMatchObject({ message: { errorMsg: "outer" } });
    const cyclic = new Error("cyclic");
    cyclic.cause = cyclic;
    expect(judge().failure(cyclic).cause).toBe("error");
  });

  it("is invalid before all else", () => {
    expect(judge().failure(new Error("bad payload"), { invalid: true }).verdict).toEqual({
      outcome: "archive",
      reason: "invalid",
    });
  });
});

describe("RetryLater", () => {
  it("waits as long as it says, without using up a retry", () => {
    const { settlement, verdict, cause } = judge().failure(new RetryLater("90s"), { message: EXHAUSTED });
    expect(settlement).toMatchObject({ retryAt: NOW + 90_000, isFailure: false, message: { retried: 3 } });
    expect(verdict).toEqual({ outcome: "retry", at: new Date(NOW + 90_000) });
    expect(cause).toBe("retry-later");
  });

  it("may count as a failure, and then uses up retries", () => {
    const later = new RetryLater("90s", { countAsFailure: true });
    expect(judge().failure(later).settlement).toMatchObject({
      retryAt: NOW + 90_000,
      isFailure: true,
      message: { retried: 2 },
    });
    expect(judge().failure(later, { message: EXHAUSTED }).verdict).toMatchObject({ reason: "exhausted" });
  });
});

describe("an abort", () => {
  it("by timeout is an error with Go's text", () => {
    const reason = new TaskTimeoutError();
    const { settlement, cause } = judge().failure(reason, { reason });
    expect(settlement).toMatchObject({ kind: "retry", message: { errorMsg: "context deadline exceeded" } });
    expect(cause).toBe("timeout");
  });

  it("by cancelation is retried, as in asynq", () => {
    const reason = new TaskCanceledError();
    const { settlement, cause } = judge().failure(reason, { reason });
    expect(settlement).toMatchObject({
      kind: "retry",
      message: { errorMsg: "context canceled", retried: 2 },
    });
    expect(cause).toBe("canceled");
  });

  it("by cancelation is archived where the policy says so, whatever the handler threw", () => {
    const reason = new TaskCanceledError();
    const archiving = judge({ cancelPolicy: "archive" });
    for (const error of [reason, new Error("half way")]) {
      expect(archiving.failure(error, { reason }).verdict).toEqual({
        outcome: "archive",
        reason: "canceled",
      });
    }
    expect(archiving.failure(new Error("not canceled")).verdict).toMatchObject({ outcome: "retry" });
    expect(archiving.failure(new RetryLater("1m"), { reason }).verdict).toMatchObject({ outcome: "retry" });
    expect(archiving.failure(new RevokeTask(), { reason }).verdict).toEqual({ outcome: "drop" });
  });

  it("by a lost lease is told from an error", () => {
    const reason = new LeaseLostError();
    const { settlement, cause } = judge().failure(reason, { reason });
    expect(settlement).toMatchObject({ message: { errorMsg: "asynq: task lease expired", retried: 2 } });
    expect(cause).toBe("lease-expired");
  });
});

describe("policies of the user", () => {
  it("get the retries before this failure, the error and the task", () => {
    const seen: unknown[] = [];
    const error = new Error("x");
    const { settlement } = judge({
      retryDelay: (...args) => {
        seen.push(...args);
        return "250ms";
      },
    }).failure(error);
    expect(seen).toEqual([1, error, expect.objectContaining({ type: "t" })]);
    expect(settlement).toMatchObject({ retryAt: NOW + 250 });
  });

  it("of the handler come before those of the server", () => {
    const server = judge({ retryDelay: () => 1_000, isFailure: () => true });
    const policy = { retryDelay: () => 2_000, isFailure: () => false };
    expect(server.failure(new Error("x"), { policy }).settlement).toMatchObject({
      retryAt: NOW + 2_000,
      isFailure: false,
    });
    expect(server.failure(new Error("x")).settlement).toMatchObject({
      retryAt: NOW + 1_000,
      isFailure: true,
    });
  });

  it.each<[what: string, retryDelay: () => unknown, errors: number]>([
    [
      "throws",
      () => {
        throw new Error("policy");
      },
      1,
    ],
    ["answers NaN", () => Number.NaN, 1],
    ["answers a negative number", () => -1, 1],
    ["answers 1e300", () => 1e300, 1],
    ["answers infinity", () => Number.POSITIVE_INFINITY, 1],
    ["answers an object", () => ({}), 1],
    ["answers nonsense", () => "soon", 1],
    ["answers a promise", async () => 5, 1],
    [
      "answers a promise that fails",
      async () => {
        throw new Error("policy");
      },
      2,
    ],
    ["answers nothing", () => undefined, 0],
  ])("fall back to the default when retryDelay %s", async (_, retryDelay, errors) => {
    const { failure, lines } = judge({ retryDelay: retryDelay as never });
    expect(failure(new Error("x")).settlement).toMatchObject({ retryAt: NOW + DELAY });
    await new Promise(setImmediate);
    expect(lines.map(({ level }) => level)).toEqual(Array(errors).fill("error"));
  });

  it.each<[what: string, isFailure: () => unknown, errors: number]>([
    [
      "throws",
      () => {
        throw new Error("policy");
      },
      1,
    ],
    ["answers text", () => "false", 1],
    ["answers a promise", async () => false, 1],
    ["answers nothing", () => undefined, 0],
  ])("take an error for a failure when isFailure %s", async (_, isFailure, errors) => {
    const { failure, lines } = judge({ isFailure: isFailure as never });
    expect(failure(new Error("x")).settlement).toMatchObject({ isFailure: true });
    await new Promise(setImmediate);
    expect(lines.map(({ level }) => level)).toEqual(Array(errors).fill("error"));
  });

  it("may choose no delay at all", () => {
    expect(judge({ retryDelay: () => 0 }).failure(new Error("x")).settlement).toMatchObject({ retryAt: NOW });
  });
});
