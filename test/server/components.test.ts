import { describe, expect, it } from "vitest";
import type { Broker } from "../../src/broker/broker.ts";
import { EngineUnavailableError, LeaseLostError } from "../../src/errors.ts";
import { EngineState } from "../../src/server/engine-state.ts";
import { ServerEvents } from "../../src/server/events.ts";
import { forwarder } from "../../src/server/forwarder.ts";
import { healthchecker } from "../../src/server/healthchecker.ts";
import { janitor } from "../../src/server/janitor.ts";
import { subscriber } from "../../src/server/subscriber.ts";
import { fakeRuntime } from "../support/fake-runtime.ts";
import { recordingLogger, serverRig } from "./server-rig.ts";

/** What every part gets. */
function common(queues: readonly string[] = ["default"]) {
  const runtime = fakeRuntime();
  const logger = recordingLogger();
  const engineState = new EngineState(new ServerEvents(logger), logger, runtime.clock);
  return { runtime, clock: runtime.clock, logger, lines: logger.lines, engineState, queues };
}

describe("the forwarder", () => {
  function rig(queues: readonly string[], forward: Broker["forward"]) {
    const parts = common(queues);
    const calls: string[] = [];
    const watched: string[] = [];
    const component = forwarder({
      ...parts,
      interval: () => 1_000,
      watch: (queue) => watched.push(queue),
      broker: {
        now: () => parts.clock.now(),
        forward: (queue, limit) => {
          calls.push(queue);
          return forward(queue, limit);
        },
      },
    });
    return { ...parts, calls, watched, component };
  }
  const nothing = { moved: 0, nextDueAt: undefined };

  it("looks at every queue once in an interval while nothing is due", async () => {
    const { component, clock, calls } = rig(["a", "b"], async () => nothing);
    await component.start();
    await clock.advance(2_500);
    expect(calls).toEqual(["a", "b", "a", "b", "a", "b"]);
    await component.stop();
  });

  it("sleeps until the next task is due", async () => {
    let due = 0;
    const { component, clock, calls } = rig(["a"], async () => ({ moved: 0, nextDueAt: due }));
    due = clock.now() + 300;
    await component.start();
    await clock.advance(299);
    expect(calls).toHaveLength(1);
    due += 10_000;
    await clock.advance(1);
    expect(calls).toHaveLength(2);
    await clock.advance(999);
    expect(calls).toHaveLength(2);
    await component.stop();
  });

  it("takes turns between queues with much that is due, one batch each", async () => {
    const left: Record<string, number> = { a: 1_200, b: 700, c: 0 };
    const { component, clock, calls } = rig(["a", "b", "c"], async (queue, limit) => {
      const moved = Math.min(limit, left[queue] ?? 0);
      left[queue] = (left[queue] ?? 0) - moved;
      return { moved, nextDueAt: undefined };
    });
    await component.start();
    await clock.advance(0);
    expect(calls).toEqual(["a", "b", "c", "a", "b", "a"]);
    await component.stop();
  });

  it("serves the other queues while one does not answer", async () => {
    let answer: () => void = () => undefined;
    const { component, clock, calls } = rig(["mute", "fine"], async (queue) => {
      if (queue === "mute") await new Promise<void>((resolve) => (answer = resolve));
      return nothing;
    });
    await component.start();
    await clock.advance(0);
    expect(calls).toEqual(["mute", "fine"]);
    answer();
    await component.stop();
  });

  it("looks at once when it is woken, and asks for news at most every 250 ms", async () => {
    const { component, clock, calls, watched } = rig(["a"], async () => nothing);
    await component.start();
    await clock.advance(0);
    expect(watched).toEqual(["a"]);
    component.wake();
    await clock.advance(0);
    component.wake();
    await clock.advance(0);
    expect(calls).toHaveLength(3);
    expect(watched).toHaveLength(1);
    // Nobody would tell now, so it looks itself.
    await clock.advance(250);
    expect(calls).toHaveLength(4);
    expect(watched).toHaveLength(2);
    await component.stop();
  });

  it("brings to the handler what is due, scheduled or to be retried, of every queue that is served", async () => {
    const rig = serverRig({ queues: { default: 1, low: 1 }, retryDelay: () => "1m" });
    const seen: unknown[] = [];
    await rig.start((task, { queue, attempt }) => {
      seen.push(`${queue} ${task.payload} ${attempt}`);
      if (attempt === 1) throw new Error("once");
    });
    for (const queue of ["default", "low", "unserved"]) {
      await rig.enqueue({ queue, taskId: queue, processIn: "30s" }, "soon");
      await rig.enqueue({ queue, processIn: "1h" }, "later");
    }
    await rig.clock.advance(29_000);
    expect(seen).toEqual([]);
    await rig.clock.advance(2_000);
    expect(seen.splice(0).sort()).toEqual(["default soon 1", "low soon 1"]);
    expect(await rig.state("low", "low")).toBe("retry");
    await rig.clock.advance(62_000);
    expect(seen.sort()).toEqual(["default soon 2", "low soon 2"]);
    expect(await rig.state("low", "low")).toBe("gone");
    expect(await rig.state("unserved", "unserved")).toBe("scheduled");
  });

  it("serves the other queues when one fails", async () => {
    const { component, clock, calls, lines } = rig(["broken", "fine"], async (queue) => {
      if (queue === "broken") throw new Error("WRONGTYPE");
      return nothing;
    });
    await component.start();
    await clock.advance(0);
    expect(calls).toEqual(["broken", "fine"]);
    expect(lines).toMatchObject([{ level: "error", fields: { queue: "broken" } }]);
    await component.stop();
  });
});

describe("the janitor", () => {
  it("cleans each queue in batches until it is clean", async () => {
    const parts = common(["a", "b"]);
    const left: Record<string, number> = { a: 250, b: 100 };
    const calls: string[] = [];
    const component = janitor({
      ...parts,
      interval: 8_000,
      batch: 100,
      broker: {
        deleteExpired: async (queue, limit) => {
          calls.push(`expired ${queue}`);
          const deleted = Math.min(limit, left[queue] ?? 0);
          left[queue] = (left[queue] ?? 0) - deleted;
          return deleted;
        },
        trimArchive: async (queue) => {
          calls.push(`archive ${queue}`);
          return 0;
        },
      },
    });
    await component.start();
    await parts.clock.advance(7_999);
    expect(calls).toEqual([]);
    await parts.clock.advance(1);
    expect(calls).toEqual([
      ...Array(3).fill("expired a"),
      "archive a",
      ...Array(2).fill("expired b"),
      "archive b",
    ]);
    await component.stop();
  });

  it("looks at the archives once a minute", async () => {
    const parts = common(["a"]);
    let trims = 0;
    const component = janitor({
      ...parts,
      interval: 8_000,
      batch: 100,
      broker: {
        deleteExpired: async () => 0,
        trimArchive: async () => {
          trims += 1;
          return 0;
        },
      },
    });
    await component.start();
    await parts.clock.advance(60_000);
    expect(trims).toBe(1);
    await parts.clock.advance(16_000);
    expect(trims).toBe(2);
    await component.stop();
  });

  it("deletes completed tasks when their retention is over", async () => {
    const rig = serverRig();
    await rig.start(() => undefined);
    const id = await rig.enqueue({ retention: "10s" });
    expect(await rig.state(id)).toBe("completed");
    await rig.clock.advance(10_000 + 8_000);
    expect(await rig.state(id)).toBe("gone");
  });
});

describe("the subscriber", () => {
  it("tries until it can listen, and unsubscribes once", async () => {
    const parts = common();
    let attempts = 0;
    let ended = 0;
    const canceled: string[] = [];
    let publish: (taskId: string) => void = () => undefined;
    const component = subscriber({
      ...parts,
      timings: { subscribe: 5_000 },
      runner: {
        cancel: (taskId) => {
          canceled.push(taskId);
          return true;
        },
      },
      broker: {
        subscribeCancelations: async (onCancel) => {
          attempts += 1;
          if (attempts < 3) throw new EngineUnavailableError("down");
          publish = onCancel;
          return async () => {
            ended += 1;
          };
        },
      },
    });
    await component.start();
    await parts.clock.advance(30_000);
    expect(attempts).toBe(3);
    publish("id-1");
    expect(canceled).toEqual(["id-1"]);
    await component.stop();
    await component.stop();
    expect(ended).toBe(1);
  });
});

describe("the healthchecker", () => {
  it("tells how the ping went, and survives what it tells", async () => {
    const parts = common();
    let error: Error | undefined;
    const told: unknown[] = [];
    const component = healthchecker({
      ...parts,
      interval: 15_000,
      engine: {
        ping: async () => {
          if (error) throw error;
        },
      },
      healthCheck: (problem) => {
        told.push(problem);
        throw new Error("user code");
      },
    });
    await component.start();
    await parts.clock.advance(15_000);
    error = new EngineUnavailableError("down");
    await parts.clock.advance(15_000);
    expect(told).toEqual([undefined, error]);
    expect(parts.lines.map(({ text }) => text)).toEqual(["healthCheck failed", "healthCheck failed"]);
    await component.stop();
  });
});

describe("the recoverer", () => {
  it("takes over tasks of a server that died, and tells the error handler and listeners", async () => {
    const told: unknown[] = [];
    const rig = serverRig({
      errorHandler: (error, task, ctx, verdict) => told.push([error, task.type, ctx, verdict]),
      retryDelay: () => "1m",
    });
    const tried = await rig.enqueue({ taskId: "a" });
    const exhausted = await rig.enqueue({ taskId: "b", maxRetry: 0 });
    // A server that takes tasks and is never heard of again.
    await rig.elsewhere.exchange("default", [], 2);
    await rig.start(() => undefined);
    await rig.clock.advance(59_000);
    expect(told).toEqual([]);
    await rig.clock.advance(16_000);
    expect(await rig.state(tried)).toBe("retry");
    expect(await rig.state(exhausted)).toBe("archived");
    expect(await rig.message(tried)).toMatchObject({ errorMsg: "asynq: task lease expired", retried: 1 });
    expect(told).toEqual([
      [expect.any(LeaseLostError), "t", undefined, { outcome: "retry", at: expect.any(Date) }],
      [expect.any(LeaseLostError), "t", undefined, { outcome: "archive", reason: "exhausted" }],
    ]);
    expect(rig.settled).toMatchObject([
      { taskId: tried, outcome: "retry", cause: "lease-expired", durationMs: undefined },
      { taskId: exhausted, outcome: "archive", cause: "exhausted" },
    ]);
    await rig.clock.advance(62_000);
    expect(await rig.state(tried)).toBe("gone");
  });

  it("counts a lost lease as the policy of the task's handler says", async () => {
    const rig = serverRig({ isFailure: (error) => !(error instanceof LeaseLostError) });
    const id = await rig.enqueue();
    await rig.elsewhere.exchange("default", [], 1);
    await rig.start(() => undefined);
    await rig.clock.advance(75_000);
    expect(await rig.message(id)).toMatchObject({ errorMsg: "asynq: task lease expired", retried: 0 });
  });

  it("leaves tasks alone that run, however long", async () => {
    const rig = serverRig();
    let starts = 0;
    await rig.start(() => {
      starts += 1;
      return new Promise(() => undefined);
    });
    const id = await rig.enqueue();
    const other = rig.another();
    await other.start(() => {
      starts += 1;
    });
    await rig.clock.advance(5 * 60_000);
    expect(starts).toBe(1);
    expect(await rig.state(id)).toBe("active");
  });

  it("waits two heartbeats after an outage, in which nobody could renew leases", async () => {
    const rig = serverRig();
    await rig.start(() => undefined);
    rig.engine.fault = "down";
    await rig.clock.advance(20_000);
    rig.engine.calls.length = 0;
    rig.engine.fault = "up";
    await rig.clock.advance(9_000);
    expect(rig.engine.calls).not.toContain("listExpired");
    await rig.clock.advance(30_000);
    expect(rig.engine.calls).toContain("listExpired");
  });
});
