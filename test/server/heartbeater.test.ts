import { describe, expect, it } from "vitest";
import type { ExtendAnswer, Leased, LeaseToken } from "../../src/broker/broker.ts";
import { EngineUnavailableError, LeaseLostError, RedisWrongTypeError } from "../../src/errors.ts";
import type { ServerInfo, ServerStatus } from "../../src/protocol/server-info.ts";
import { timestampOf } from "../../src/protocol/timestamp.ts";
import type { WorkerInfo } from "../../src/protocol/worker-info.ts";
import { EngineState } from "../../src/server/engine-state.ts";
import { ServerEvents } from "../../src/server/events.ts";
import { heartbeater } from "../../src/server/heartbeater.ts";
import { type AbortReason, Worker } from "../../src/server/worker.ts";
import { Workers } from "../../src/server/workers.ts";
import { message } from "../contract/tasks.ts";
import { fakeRuntime, settle } from "../support/fake-runtime.ts";
import { recordingLogger, serverRig } from "./server-rig.ts";

function heartRig() {
  const runtime = fakeRuntime();
  const { clock } = runtime;
  const logger = recordingLogger();
  const workers = new Workers();
  const extended: { queue: string; ids: string[] }[] = [];
  const shown: { info: ServerInfo; workers: readonly WorkerInfo[]; ttl: number }[] = [];
  const aborted: [id: string, reason: AbortReason][] = [];
  let cleared = 0;
  const measures: string[] = [];
  const state: {
    lost: Set<string>;
    fail: Error | undefined;
    status: ServerStatus;
    answer: (queue: string) => Promise<void> | undefined;
  } = {
    answer: () => undefined,
    lost: new Set(),
    fail: undefined,
    status: "active",
  };
  const component = heartbeater({
    workers,
    runner: { abort: (worker, reason) => aborted.push([worker.message.id, reason]) },
    identity: {
      host: "h",
      pid: 7,
      serverId: "s",
      concurrency: 10,
      queues: new Map([["default", 1]]),
      strictPriority: false,
      startTime: timestampOf(clock.now()),
      peer: "titanqueue/x",
    },
    status: () => state.status,
    eventLoopLag: { read: () => ({ p99: 1, max: 12.4 }), stop: () => void measures.push("stopped") },
    rollups: { beat: () => undefined, finish: async () => undefined },
    engineState: new EngineState(new ServerEvents(logger), logger, clock),
    timings: { heartbeat: 5_000, recordTtl: 10_000, leaseLimit: 50_000 },
    runtime,
    logger,
    broker: {
      extendLeases: async (queue, leased): Promise<ExtendAnswer[]> => {
        const ids = leased.map(({ message }) => message.id);
        extended.push({ queue, ids });
        if (state.fail) throw state.fail;
        await state.answer(queue);
        return ids.map((id) => (state.lost.has(id) ? "lost" : "extended"));
      },
      writeServerState: async (info, all, ttl) => {
        shown.push({ info, workers: all, ttl });
      },
      clearServerState: async () => {
        cleared += 1;
      },
    },
  });
  function add(id: string, queue = "default", payload = new Uint8Array(0)): Worker {
    const leased: Leased = { message: message(queue, { type: "t", id, payload }), token: {} as LeaseToken };
    const times = {
      startedAt: clock.now(),
      deadline: clock.now() + 60_000,
      begunAt: 0,
      deadlineAt: 60_000,
      leaseEndsAt: 50_000,
    };
    const worker = new Worker(leased, queue, times, { broker: { writeResult: async () => "gone" }, logger });
    workers.add(worker);
    return worker;
  }
  return {
    component,
    clock,
    workers,
    extended,
    shown,
    aborted,
    state,
    add,
    measures,
    lines: logger.lines,
    cleared: () => cleared,
  };
}

describe("the heartbeater", () => {
  it("renews the leases of every queue while one of them fails or does not answer", async () => {
    const rig = heartRig();
    rig.add("a", "broken");
    rig.add("b", "stuck");
    const fine = rig.add("c", "fine");
    rig.state.answer = (queue) => {
      if (queue === "broken") throw new RedisWrongTypeError("WRONGTYPE");
      return queue === "stuck" ? new Promise(() => undefined) : undefined;
    };
    await rig.component.start();
    await settle();
    expect(rig.extended.map(({ queue }) => queue)).toEqual(["broken", "stuck", "fine"]);
    expect(fine.leaseEndsAt).toBe(50_000);
    expect(rig.lines).toMatchObject([{ level: "error", fields: { queue: "broken" } }]);
  });

  it("renews every lease at once and every 5 s, in calls of at most 1,000", async () => {
    const rig = heartRig();
    for (let i = 0; i < 2_100; i++) rig.add(`a${i}`, "a");
    const worker = rig.add("b0", "b");
    await rig.component.start();
    await rig.clock.advance(4_999);
    expect(rig.extended.map(({ queue, ids }) => [queue, ids.length])).toEqual([
      ["a", 1_000],
      ["a", 1_000],
      ["a", 100],
      ["b", 1],
    ]);
    await rig.clock.advance(1);
    expect(rig.extended).toHaveLength(8);
    expect(worker.leaseEndsAt).toBe(55_000);
    await rig.component.stop();
  });

  it("aborts what is no longer ours", async () => {
    const rig = heartRig();
    rig.add("mine");
    const lost = rig.add("lost");
    rig.state.lost.add("lost");
    await rig.component.start();
    await rig.clock.advance(0);
    expect(rig.aborted).toEqual([["lost", expect.any(LeaseLostError)]]);
    expect(lost.leaseEndsAt).toBe(50_000);
    await rig.component.stop();
  });

  it("shows the server and what it runs, with payloads cut short", async () => {
    const rig = heartRig();
    rig.add("big", "default", new Uint8Array(5_000).fill(65));
    await rig.component.start();
    await rig.clock.advance(0);
    expect(rig.shown).toEqual([
      {
        ttl: 10_000,
        info: expect.objectContaining({
          status: "active",
          activeWorkerCount: 1,
          peer: "titanqueue/x",
          lag: 12,
        }),
        workers: [
          {
            host: "h",
            pid: 7,
            serverId: "s",
            queue: "default",
            taskId: "big",
            taskType: "t",
            taskPayload: new Uint8Array(1_024).fill(65),
            startTime: timestampOf(rig.clock.now()),
            deadline: timestampOf(rig.clock.now() + 60_000),
          },
        ],
      },
    ]);
    await rig.component.stop();
    expect(rig.measures).toEqual(["stopped"]);
  });

  it("shows the server even when leases cannot be renewed, and keeps on trying", async () => {
    const rig = heartRig();
    const worker = rig.add("a");
    rig.state.fail = new EngineUnavailableError("down");
    await rig.component.start();
    await rig.clock.advance(10_000);
    expect(rig.shown).toHaveLength(3);
    expect(rig.extended).toHaveLength(3);
    expect(worker.leaseEndsAt).toBe(50_000);
    rig.state.fail = undefined;
    await rig.clock.advance(5_000);
    expect(worker.leaseEndsAt).toBe(65_000);
    await rig.component.stop();
  });

  it("removes the server's record when it stops", async () => {
    const rig = heartRig();
    await rig.component.start();
    await rig.clock.advance(0);
    await rig.component.stop();
    expect(rig.cleared()).toBe(1);
  });
});

describe("a lease", () => {
  it("that cannot be renewed is given up 50 s after its last renewal was sent", async () => {
    const rig = serverRig();
    const lost: unknown[] = [];
    rig.server.on("leaseLost", (event) => lost.push(event));
    let reason: unknown;
    let lostAt = 0;
    await rig.start(
      (_task, { signal }) =>
        new Promise(() =>
          signal.addEventListener("abort", () => {
            reason = signal.reason;
            lostAt = rig.clock.monotonic();
          }),
        ),
    );
    const id = await rig.enqueue({ maxRetry: 3 });
    await rig.clock.advance(20_000);
    rig.engine.fault = "down";
    await rig.clock.advance(60_000);
    expect(reason).toMatchObject({ code: "LEASE_LOST" });
    expect(lostAt).toBe(70_000);
    expect(lost).toEqual([{ taskId: id, type: "t", queue: "default", attempt: 1 }]);
    expect(rig.settled).toEqual([]);
    expect(rig.server.health()).toMatchObject({ running: 0, zombies: 1 });
  });

  it("is renewed at once when the engine is back", async () => {
    const rig = serverRig();
    await rig.start(() => new Promise(() => undefined));
    const id = await rig.enqueue();
    rig.engine.fault = "down";
    await rig.clock.advance(44_000);
    rig.engine.fault = "up";
    await rig.clock.advance(1_100);
    const other = rig.another();
    await other.start(() => undefined);
    await rig.clock.advance(40_000);
    expect(await rig.state(id)).toBe("active");
    expect((await rig.message(id)).retried).toBe(0);
  });

  it("that another server took ends the attempt: nothing that it does is recorded", async () => {
    const rig = serverRig();
    let end: () => void = () => undefined;
    await rig.start(
      () =>
        new Promise<void>((resolve) => {
          end = resolve;
        }),
    );
    const id = await rig.enqueue();
    expect(await takenOver(rig, id)).toEqual(["settled"]);
    await rig.clock.advance(5_000);
    end();
    await settle();
    expect(await rig.state(id)).toBe("retry");
    expect(rig.settled).toEqual([]);
  });
});

/** Another server's recoverer, whose clock is a minute ahead, takes the task. */
async function takenOver(rig: ReturnType<typeof serverRig>, id: string): Promise<string[]> {
  const broker = rig.elsewhere;
  const wall = rig.clock.now();
  rig.clock.setWall(wall + 70_000);
  const expired = await broker.listExpired("default", 10);
  rig.clock.setWall(wall);
  const answers: string[] = [];
  for (const each of expired.filter(({ message }) => message.id === id)) {
    const settlement = {
      kind: "retry",
      message: each.message,
      retryAt: wall + 3_600_000,
      isFailure: true,
    } as const;
    answers.push(...(await broker.recover("default", [{ expired: each, settlement }])));
  }
  return answers;
}
