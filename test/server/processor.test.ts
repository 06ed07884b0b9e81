import { describe, expect, it } from "vitest";
import type { Broker, ExchangeResult, Leased, LeaseToken, Outcome } from "../../src/broker/broker.ts";
import { EngineUnavailableError } from "../../src/errors.ts";
import { EngineState } from "../../src/server/engine-state.ts";
import { ServerEvents } from "../../src/server/events.ts";
import { Finished, OutcomeLedger } from "../../src/server/outcome.ts";
import { Processor, type ProcessorOptions } from "../../src/server/processor.ts";
import { ShutdownClock } from "../../src/server/shutdown-clock.ts";
import { SyncQueue } from "../../src/server/sync-queue.ts";
import { DONE } from "../../src/server/verdict.ts";
import { Worker } from "../../src/server/worker.ts";
import { Workers } from "../../src/server/workers.ts";
import { message } from "../contract/tasks.ts";
import { fakeRuntime, settle } from "../support/fake-runtime.ts";
import { gate, recordingLogger, serverRig } from "./server-rig.ts";

function leased(id: string, queue: string): Leased {
  return { message: message(queue, { id }), token: {} as LeaseToken };
}

const NOTHING: ExchangeResult = { answers: [], leased: [], more: false, quarantined: [], dropped: [] };

interface Call {
  readonly queue: string;
  readonly outcomes: string[];
  readonly limit: number;
  /** Answers with these tasks, and `settled` for each outcome. */
  reply(ids?: string[], more?: boolean, rest?: Partial<ExchangeResult>): Promise<void>;
  fail(error: Error): Promise<void>;
}

/** A processor whose calls the test answers one by one. */
async function processorRig(options: Partial<ProcessorOptions> = {}) {
  const runtime = fakeRuntime();
  const logger = recordingLogger();
  const events = new ServerEvents(logger);
  const workers = new Workers();
  const syncQueue = new SyncQueue();
  const calls: Call[] = [];
  const watched: string[] = [];
  const running: Worker[] = [];
  const state = { live: true };
  const broker: Pick<Broker, "exchange"> = {
    exchange: (queue: string, outcomes: readonly Outcome[], limit: number) =>
      new Promise((resolve, reject) => {
        calls.push({
          queue,
          outcomes: outcomes.map(({ leased }) => leased.message.id),
          limit,
          reply: async (ids = [], more = false, rest = {}) => {
            const answers = outcomes.map(() => "settled" as const);
            resolve({ ...NOTHING, answers, leased: ids.map((id) => leased(id, queue)), more, ...rest });
            await settle();
          },
          fail: async (error) => {
            reject(error);
            await settle();
          },
        });
      }),
  };
  const processor = new Processor({
    broker,
    queues: new Map([["default", 1]]),
    strictPriority: false,
    concurrency: 10,
    runner: {
      start: (task, queue) => {
        const times = { startedAt: 0, deadline: 0, begunAt: 0, deadlineAt: 0, leaseEndsAt: 0 };
        const worker = new Worker(task, queue, times, {
          broker: { writeResult: async () => "gone" },
          logger,
        });
        workers.add(worker);
        running.push(worker);
      },
      abort: () => undefined,
      stop: () => undefined,
    },
    workers,
    limiter: { concerns: () => false, admit: async () => [] },
    ledger: new OutcomeLedger(events, logger),
    syncQueue,
    onRefused: () => undefined,
    engineState: new EngineState(events, logger, runtime.clock),
    shutdownClock: new ShutdownClock(runtime.clock),
    watch: (queue) => watched.push(queue),
    watchIsLive: () => state.live,
    pollInterval: () => 1_000,
    abortGrace: 5_000,
    runtime,
    logger,
    ...options,
  });
  await processor.start();
  await settle();
  return {
    processor,
    calls,
    watched,
    running,
    workers,
    syncQueue,
    state,
    clock: runtime.clock,
    lines: logger.lines,
    last: () => calls[calls.length - 1] as Call,
    /** Ends the first `count` tasks that run, all in one turn. */
    async end(count = 1): Promise<void> {
      for (const worker of running.splice(0, count)) {
        processor.finish(new Finished(worker.leased, worker.queue, DONE, "success"));
        workers.remove(worker);
      }
      processor.changed();
      await settle();
    },
  };
}

const ids = (count: number, from = 0) => Array.from({ length: count }, (_, i) => `${from + i}`);

describe("the processor", () => {
  it("needs one call for each task at concurrency 1", async () => {
    const rig = await processorRig({ concurrency: 1 });
    expect(rig.calls).toMatchObject([{ outcomes: [], limit: 1 }]);
    await rig.last().reply(["a"], true);
    expect(rig.calls).toHaveLength(1);
    await rig.end();
    expect(rig.calls).toHaveLength(2);
    expect(rig.last()).toMatchObject({ outcomes: ["a"], limit: 1 });
    await rig.last().reply(["b"], true);
    await rig.end();
    expect(rig.last()).toMatchObject({ outcomes: ["b"], limit: 1 });
    expect(rig.calls).toHaveLength(3);
  });

  it("never asks for more tasks than it has free slots, calls under way included", async () => {
    const rig = await processorRig({ concurrency: 64 });
    expect(rig.calls).toMatchObject([{ limit: 32 }]);
    await rig.last().reply(ids(32), true);
    // 32 run, 32 are free; the queue has more, but half of the slots is what one call may take.
    expect(rig.last()).toMatchObject({ limit: 32 });
    expect(rig.calls).toHaveLength(2);
    await rig.end(1);
    expect(rig.last()).toMatchObject({ outcomes: ["0"], limit: 1 });
    await rig.end(2);
    // Two calls are under way: these two wait for an answer.
    expect(rig.calls).toHaveLength(3);
    await rig.calls[1]!.reply(ids(32, 32), true);
    expect(rig.last()).toMatchObject({ outcomes: ["1", "2"], limit: 2 });
  });

  it("sends what ended in one turn together", async () => {
    const rig = await processorRig({ concurrency: 100 });
    await rig.last().reply(ids(30));
    await rig.end(30);
    expect(rig.last()).toMatchObject({ outcomes: ids(30), limit: 0 });
    expect(rig.calls).toHaveLength(2);
  });

  it("asks a second time at once only when the queue is known to have more", async () => {
    const rig = await processorRig({ concurrency: 10 });
    expect(rig.calls).toHaveLength(1);
    await rig.last().reply(ids(1), false);
    expect(rig.calls).toHaveLength(1);
    rig.processor.wake("default");
    await settle();
    await rig.last().reply(ids(5, 1), true);
    expect(rig.calls).toHaveLength(3);
  });

  it("leaves an empty queue alone until there is news of it", async () => {
    const rig = await processorRig();
    await rig.last().reply([], false);
    expect(rig.watched).toEqual(["default"]);
    expect(rig.calls).toHaveLength(1);
    rig.processor.wake("default");
    await settle();
    expect(rig.calls).toHaveLength(2);
    rig.processor.wake("unknown");
    await settle();
    expect(rig.calls).toHaveLength(2);
  });

  it("waits a little after news that led to nothing, so that many idle servers do not all ask at once", async () => {
    const rig = await processorRig();
    await rig.last().reply([], false);
    rig.processor.wake("default");
    await settle();
    await rig.last().reply([], false);
    rig.processor.wake("default");
    await settle();
    expect(rig.calls).toHaveLength(2);
    await rig.clock.advance(2);
    expect(rig.calls).toHaveLength(3);
    // What it won counts.
    await rig.last().reply(["a"], false);
    rig.processor.wake("default");
    await settle();
    expect(rig.calls).toHaveLength(4);
  });

  it("polls every queue while news do not come at once, and one at a time while they do", async () => {
    const rig = await processorRig({
      queues: new Map([
        ["a", 1],
        ["b", 1],
        ["c", 1],
      ]),
      concurrency: 30,
    });
    const answerAll = async () => {
      for (const call of rig.calls.splice(0)) await call.reply([], false);
    };
    await answerAll();
    rig.state.live = false;
    await rig.clock.advance(1_500);
    expect(rig.calls.map(({ queue }) => queue).sort()).toEqual(["a", "b", "c"]);
    await answerAll();
    rig.state.live = true;
    const asked: string[] = [];
    for (let i = 0; i < 3; i++) {
      await rig.clock.advance(1_500);
      asked.push(...rig.calls.map(({ queue }) => queue));
      await answerAll();
    }
    expect(new Set(asked)).toEqual(new Set(["a", "b", "c"]));
    expect(asked.length).toBeLessThanOrEqual(9);
  });

  it("deals slots by weight, and what a queue cannot use again at once", async () => {
    const rig = await processorRig({
      queues: new Map([
        ["high", 3],
        ["low", 1],
      ]),
      concurrency: 8,
    });
    const limits = () => Object.fromEntries(rig.calls.splice(0).map(({ queue, limit }) => [queue, limit]));
    const [first, second] = [rig.calls[0]!, rig.calls[1]!];
    expect(limits()).toEqual({ high: 6, low: 2 });
    const [high, low] = first.queue === "high" ? [first, second] : [second, first];
    await high.reply([], false);
    expect(rig.calls).toEqual([]);
    await low.reply(["1", "2"], true);
    // Six slots are free now.
    expect(limits()).toEqual({ low: 6 });
  });

  it("serves strictly: lower queues only while higher ones are empty", async () => {
    const rig = await processorRig({
      queues: new Map([
        ["high", 3],
        ["low", 1],
      ]),
      strictPriority: true,
      concurrency: 1,
    });
    expect(rig.calls).toMatchObject([{ queue: "high" }]);
    await rig.last().reply([], false);
    expect(rig.last()).toMatchObject({ queue: "low" });
    await rig.last().reply(["l1"], true);
    rig.processor.wake("high");
    await rig.end();
    // The outcome goes home, the slot to the higher queue.
    expect(rig.calls.slice(2)).toMatchObject([
      { queue: "high", outcomes: [], limit: 1 },
      { queue: "low", outcomes: ["l1"], limit: 0 },
    ]);
  });

  it("does not take outcomes that were surely not sent for repeated", async () => {
    const rig = await processorRig({ concurrency: 1 });
    await rig.last().reply(["a"], true);
    await rig.end();
    await rig.last().fail(new EngineUnavailableError("nobody listens"));
    expect(rig.syncQueue.outcomes("default")).toMatchObject([
      { repeated: false, leased: { message: { id: "a" } } },
    ]);
  });

  it("hands outcomes whose answer was lost to the syncer, and asks again after a while", async () => {
    const rig = await processorRig({ concurrency: 1 });
    await rig.last().reply(["a"], true);
    await rig.end();
    await rig.last().fail(new EngineUnavailableError("cut", undefined, true));
    expect(rig.syncQueue.outcomes("default")).toMatchObject([
      { repeated: true, leased: { message: { id: "a" } } },
    ]);
    expect(rig.processor.owed).toBe(true);
    expect(rig.calls).toHaveLength(2);
    await rig.clock.advance(50);
    expect(rig.last()).toMatchObject({ outcomes: [], limit: 1 });
    expect(rig.calls).toHaveLength(3);
    // What the lost answer had granted comes back.
    await rig.last().reply(["b"], true);
    expect(rig.processor.owed).toBe(false);
    expect(rig.running.map(({ message }) => message.id)).toEqual(["b"]);
  });

  it("waits longer the longer the store is away, but never more than a second, and is told of its return", async () => {
    const rig = await processorRig({ concurrency: 1, pollInterval: () => 3_600_000 });
    const start = rig.clock.monotonic();
    for (let i = 0; i < 10; i++) {
      const before = rig.calls.length;
      await rig.last().fail(new EngineUnavailableError("down"));
      await rig.clock.advance(1_000);
      expect(rig.calls.length).toBe(before + 1);
    }
    expect(rig.clock.monotonic() - start).toBe(10_000);
    await rig.last().fail(new EngineUnavailableError("down"));
    const before = rig.calls.length;
    rig.processor.engineReturned();
    await settle();
    expect(rig.calls).toHaveLength(before + 1);
    // One line for the whole outage.
    expect(rig.lines.filter(({ level }) => level === "error")).toHaveLength(1);
  });

  it("asks more and more rarely where tasks wait that cannot be leased", async () => {
    const { processor, calls, clock } = await processorRig({ queues: new Map([["q", 1]]) });
    const intervals: number[] = [];
    for (let i = 0; i < 10; i += 1) {
      await calls[i]?.reply([], false, { unready: true });
      const since = clock.monotonic();
      while (calls.length === i + 1) {
        processor.wake("q");
        await clock.advance(5);
      }
      intervals.push(clock.monotonic() - since);
    }
    expect(intervals[0]).toBeGreaterThanOrEqual(25);
    expect(intervals[9]).toBeGreaterThanOrEqual(500);
    expect(intervals[9]).toBeLessThanOrEqual(1_005);
  });

  it("serves the other queues while one of them fails", async () => {
    const rig = await processorRig({
      queues: new Map([
        ["broken", 9],
        ["fine", 1],
      ]),
      strictPriority: true,
      concurrency: 1,
    });
    await rig.last().fail(new Error("WRONGTYPE"));
    expect(rig.last()).toMatchObject({ queue: "fine", limit: 1 });
    expect(rig.lines).toMatchObject([{ level: "error", fields: { queue: "broken" } }]);
  });

  it("names in the log what the store had to clear away", async () => {
    const rig = await processorRig();
    await rig.last().reply([], false, { quarantined: ["q"], dropped: ["d"] });
    expect(rig.lines).toMatchObject([
      { level: "error", fields: { queue: "default", taskIds: ["q"] } },
      {
        level: "warn",
        fields: { queue: "default", taskIds: ["d"] },
        text: "pending ids removed: copies, or no task",
      },
    ]);
  });

  it("hands back what a call under way brings after it was told to take no more", async () => {
    const rig = await processorRig();
    rig.processor.pause();
    await rig.last().reply(["a", "b"], true);
    expect(rig.running).toEqual([]);
    expect(rig.calls).toHaveLength(2);
    expect(rig.last()).toMatchObject({ outcomes: ["a", "b"], limit: 0 });
  });

  it("collects what a lost answer may have granted before it stops", async () => {
    const rig = await processorRig();
    await rig.last().fail(new EngineUnavailableError("cut"));
    const stopped = rig.processor.stop();
    await settle();
    expect(rig.last()).toMatchObject({ outcomes: [], limit: 0 });
    expect(rig.calls).toHaveLength(2);
    await rig.last().reply();
    await stopped;
    expect(rig.processor.owed).toBe(false);
  });
});

describe("under a real engine", () => {
  it("runs each task once and never more at a time than allowed", async () => {
    const rig = serverRig({ concurrency: 7 });
    const runs = new Map<number, number>();
    let running = 0;
    let most = 0;
    await rig.start(async (task) => {
      running += 1;
      most = Math.max(most, running);
      runs.set(task.payload as number, (runs.get(task.payload as number) ?? 0) + 1);
      for (let turn = 0; turn <= (task.payload as number) % 4; turn++) await new Promise(setImmediate);
      running -= 1;
    });
    for (let i = 0; i < 300; i++) void rig.enqueue({}, i);
    while (rig.settled.length < 300) await settle();
    expect(most).toBe(7);
    expect([...runs.values()]).toEqual(Array(300).fill(1));
  });

  it("runs all tasks of all queues that it serves, and none of another", async () => {
    const rig = serverRig({ concurrency: 3, queues: { critical: 6, default: 3, low: 1 } });
    const seen: string[] = [];
    for (const queue of ["low", "default", "critical", "other"]) {
      for (let i = 0; i < 40; i++) await rig.enqueue({ queue }, `${queue} ${i}`);
    }
    await rig.start((task) => void seen.push(task.payload as string));
    while (rig.settled.length < 120) await settle();
    expect(seen).toHaveLength(120);
    for (const queue of ["critical", "default", "low"]) {
      expect(seen.filter((each) => each.startsWith(queue))).toEqual(
        Array.from({ length: 40 }, (_, i) => `${queue} ${i}`),
      );
      expect(await rig.engine.inspection.queueInfo(queue)).toMatchObject({
        pending: 0,
        active: 0,
        processed: 40,
      });
    }
    expect(await rig.engine.inspection.queueInfo("other")).toMatchObject({ pending: 40, processed: 0 });
  });

  it("starts tasks in the order of their queue at concurrency 1", async () => {
    const rig = serverRig({ concurrency: 1 });
    const seen: unknown[] = [];
    for (let i = 0; i < 50; i++) await rig.enqueue({}, i);
    await rig.start(async (task) => void seen.push(task.payload));
    while (rig.settled.length < 50) await settle();
    expect(seen).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });

  it("runs all of a greater queue before any of a lesser one where it serves strictly", async () => {
    const queues = { low: 1, critical: 3, default: 2 };
    const rig = serverRig({ concurrency: 1, queues, strictPriority: true });
    const seen: unknown[] = [];
    for (let i = 0; i < 3; i++) {
      for (const queue of Object.keys(queues)) await rig.enqueue({ queue }, queue);
    }
    await rig.start((task) => void seen.push(task.payload));
    while (rig.settled.length < 9) await settle();
    expect(seen).toEqual(["critical", "default", "low"].flatMap((queue) => [queue, queue, queue]));
  });

  it("is woken by a new task without waiting for a poll", async () => {
    const rig = serverRig({ taskCheckInterval: "1h" });
    await rig.start(() => undefined);
    for (let i = 0; i < 3; i++) await rig.enqueue();
    expect(rig.settled).toHaveLength(3);
  });

  it("takes nothing from a paused queue, and goes on when it is resumed", async () => {
    const rig = serverRig({ taskCheckInterval: "1h" });
    await rig.start(() => undefined);
    await rig.enqueue();
    await rig.engine.inspection.pauseQueue("default");
    const id = await rig.enqueue();
    expect(await rig.state(id)).toBe("pending");
    await rig.engine.inspection.unpauseQueue("default");
    // The enqueue may have woken the server for nothing.
    await rig.clock.advance(10);
    expect(await rig.state(id)).toBe("gone");
  });

  it("counts a handler that outlives its abort against the limit", async () => {
    const rig = serverRig({ concurrency: 2, abortGrace: 0 });
    const { opened, open } = gate();
    let running = 0;
    let most = 0;
    await rig.start(async () => {
      running += 1;
      most = Math.max(most, running);
      await opened;
      running -= 1;
    });
    for (let i = 0; i < 6; i++) await rig.enqueue({ timeout: "1s", maxRetry: 0 });
    await rig.clock.advance(60_000);
    expect(most).toBe(2);
    expect(rig.server.health().zombies).toBe(2);
    open();
    await settle();
    expect(rig.settled).toHaveLength(6);
  });
});
