import { availableParallelism } from "node:os";
import { describe, expect, it } from "vitest";
import { InvalidOptionError } from "../../src/errors.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { systemRuntime } from "../../src/runtime/runtime.ts";
import { checkServerOptions } from "../../src/server/server-options.ts";
import { recordingLogger } from "./server-rig.ts";

describe("checkServerOptions", () => {
  it("fills in the defaults", () => {
    expect(checkServerOptions()).toEqual({
      concurrency: availableParallelism(),
      queues: new Map([["default", 1]]),
      strictPriority: false,
      strictQueues: false,
      limits: [],
      retryDelay: undefined,
      isFailure: undefined,
      errorHandler: undefined,
      cancelPolicy: "retry",
      abortGrace: 5_000,
      shutdownTimeout: 8_000,
      healthCheck: undefined,
      healthCheckInterval: 15_000,
      taskCheckInterval: 1_000,
      delayedTaskCheckInterval: 1_000,
      janitorInterval: 8_000,
      janitorBatchSize: 100,
      logger: expect.anything(),
      runtime: systemRuntime,
      commandTimeout: undefined,
    });
  });

  it("takes undefined for absent", () => {
    const absent = { concurrency: undefined, queues: undefined, logger: undefined, abortGrace: undefined };
    expect(checkServerOptions(absent)).toMatchObject({
      abortGrace: 5_000,
      queues: new Map([["default", 1]]),
    });
  });

  it("leaves out queues of weight 0", () => {
    expect(checkServerOptions({ queues: { a: 3, b: 0 } }).queues).toEqual(new Map([["a", 3]]));
  });

  it("passes on what is logged from the level on", () => {
    const logger = recordingLogger();
    const { logger: levelled } = checkServerOptions({ logger, logLevel: "warn" });
    levelled.info({}, "no");
    levelled.warn({}, "yes");
    expect(logger.lines.map(({ text }) => text)).toEqual(["yes"]);
  });

  it.each<[options: Record<string, unknown>, message: RegExp]>([
    [{ concurency: 5 }, /^concurency: a server has no such option \(did you mean "concurrency"\?\)$/],
    [{ timings: {} }, /no such option/],
    [{ concurrency: 0 }, /^concurrency: expected a whole number from 1/],
    [{ concurrency: 1.5 }, /^concurrency/],
    [{ concurrency: Number.NaN }, /^concurrency/],
    [{ concurrency: "10" }, /^concurrency: .*got "10"$/],
    [{ queues: ["a"] }, /^queues: expected an object/],
    [{ queues: {} }, /^queues: names no queue/],
    [{ queues: { a: 0 } }, /^queues: names no queue/],
    [{ queues: { a: -1 } }, /^queues\["a"\]: expected a whole number/],
    [{ queues: { a: "6" } }, /^queues\["a"\]/],
    [{ queues: { " ": 1 } }, /^queues: must not be blank/],
    [{ queues: { "{a}": 1 } }, /brace/],
    [{ queues: { ["q".repeat(513)]: 1 } }, /^queues: is 513 bytes long/],
    [{ strictPriority: 1 }, /^strictPriority: expected true or false/],
    [{ retryDelay: "1m" }, /^retryDelay: expected a function/],
    [{ errorHandler: {} }, /^errorHandler: expected a function/],
    [{ cancelPolicy: "drop" }, /^cancelPolicy: expected one of "retry", "archive"; got "drop"$/],
    [{ abortGrace: 5 }, /^abortGrace: 5 is 5 ms; write "5s"/],
    [{ shutdownTimeout: -1 }, /^shutdownTimeout: must not be negative/],
    [{ shutdownTimeout: "soon" }, /^shutdownTimeout/],
    [{ taskCheckInterval: 0 }, /^taskCheckInterval: must be at least 10 ms/],
    [{ janitorInterval: Number.POSITIVE_INFINITY }, /^janitorInterval/],
    [{ janitorBatchSize: 0 }, /^janitorBatchSize/],
    [{ janitorBatchSize: 1_001 }, /^janitorBatchSize: expected a whole number from 1 to 1000/],
    [{ groupGracePeriod: "999ms" }, /^groupGracePeriod: must be at least a second/],
    [{ groupGracePeriod: 60 }, /^groupGracePeriod: 60 is 60 ms; write "60s"/],
    [{ groupMaxDelay: 0 }, /^groupMaxDelay: must be longer/],
    [{ groupMaxSize: 1_001 }, /^groupMaxSize: expected a whole number from 1 to 1000/],
    [{ groupAggregator: "sum" }, /^groupAggregator: expected a function/],
    [{ aggregators: [() => undefined] }, /^aggregators: expected an array of what aggregate\(\) returns/],
    [{ signal: {} }, /^signal: expected an AbortSignal/],
    [{ logger: console.log }, /^logger: expected an object/],
    [{ logger: { ...silentLogger, warn: undefined } }, /^logger/],
    [{ logLevel: "fatal" }, /^logLevel: expected one of/],
  ])("refuses %j", (options, message) => {
    expect(() => checkServerOptions(options)).toThrow(InvalidOptionError);
    expect(() => checkServerOptions(options)).toThrow(message);
  });

  it("refuses what is no object", () => {
    expect(() => checkServerOptions(null as never)).toThrow(InvalidOptionError);
    expect(() => checkServerOptions([] as never)).toThrow(InvalidOptionError);
  });
});
