import { describe, expect, it } from "vitest";
import { defineTask } from "../../src/define-task.ts";
import {
  EngineUnavailableError,
  InvalidOptionError,
  RedisAuthError,
  RedisReadOnlyError,
} from "../../src/errors.ts";
import { ServeMux } from "../../src/server/serve-mux.ts";
import { Server } from "../../src/server/server.ts";
import { settle } from "../support/fake-runtime.ts";
import { gate, serverRig } from "./server-rig.ts";

describe("start()", () => {
  it("serves only once", async () => {
    const rig = serverRig();
    await rig.start(() => undefined);
    await expect(rig.server.start(() => undefined)).rejects.toMatchObject({ code: "SERVER_STATE" });
  });

  it("does not begin again once it was shut down", async () => {
    const rig = serverRig();
    await rig.start(() => undefined);
    await rig.server.shutdown();
    await expect(rig.server.start(() => undefined)).rejects.toMatchObject({ code: "SERVER_STATE" });
    const id = await rig.enqueue();
    await rig.clock.advance(60_000);
    expect(await rig.state(id)).toBe("pending");
  });

  it("refuses what is no handler, and may then be called again", async () => {
    const rig = serverRig();
    await expect(rig.server.start({} as never)).rejects.toMatchObject({ code: "INVALID_OPTION" });
    await expect(rig.server.start(undefined as never)).rejects.toMatchObject({ code: "INVALID_OPTION" });
    await rig.start(() => undefined);
    expect(rig.server.health().status).toBe("ready");
  });

  it("rejects what trying again would not mend", async () => {
    const rig = serverRig();
    rig.engine.before = (name) => {
      if (name === "open") throw new RedisAuthError("WRONGPASS");
      return undefined;
    };
    await expect(rig.server.start(() => undefined)).rejects.toThrow(RedisAuthError);
    expect(rig.server.health().status).toBe("stopped");
    expect(await rig.server.shutdown()).toEqual({ finished: 0, requeued: 0, left: 0, exitCode: 0 });
  });

  it("goes on trying to reach an engine that does not answer", async () => {
    const rig = serverRig();
    const id = await rig.enqueue();
    rig.engine.fault = "down";
    await rig.start(() => undefined);
    expect(rig.server.health()).toMatchObject({
      status: "starting",
      error: expect.any(EngineUnavailableError),
    });
    await rig.clock.advance(60_000);
    const tries = rig.engine.failed.filter((name) => name === "open").length;
    // Ever more slowly, but at least every two seconds.
    expect(tries).toBeGreaterThan(30);
    expect(tries).toBeLessThan(80);
    rig.engine.fault = "up";
    await rig.clock.advance(2_000);
    expect(rig.server.health()).toMatchObject({ status: "ready" });
    expect(rig.server.health().error).toBeUndefined();
    expect(await rig.state(id)).toBe("gone");
  });

  it("warns of definitions whose queue it does not serve, naming the line to add", async () => {
    const report = defineTask("report", { options: { queue: "slow" } });
    const mail = defineTask("mail");
    const nested = new ServeMux().handle(report, () => undefined);
    const mux = new ServeMux().handle(mail, () => undefined).handle("rep", nested);
    const rig = serverRig();
    await rig.start(mux);
    expect(rig.lines.filter(({ level }) => level === "warn")).toEqual([
      {
        level: "warn",
        fields: { queue: "slow", type: "report" },
        text: '"report" goes to queue "slow", which this server does not serve: add "slow" to queues',
      },
    ]);

    const strict = serverRig({ strictQueues: true });
    await expect(strict.server.start(mux)).rejects.toMatchObject({ code: "QUEUE_NOT_SERVED", queue: "slow" });
    expect(strict.engine.calls).toEqual([]);
  });

  it("needs an engine", () => {
    const before = process.env["TITANQUEUE_URL"];
    delete process.env["TITANQUEUE_URL"];
    try {
      expect(() => new Server()).toThrow(expect.objectContaining({ code: "ENGINE_URL_MISSING" }));
    } finally {
      if (before !== undefined) process.env["TITANQUEUE_URL"] = before;
    }
  });

  it("leaves a shared engine open for its other users", async () => {
    const rig = serverRig();
    await rig.start(() => undefined);
    const done = rig.server.shutdown();
    await settle();
    await done;
    await rig.client.ping();
  });
});

describe("health()", () => {
  it("tells what the server is doing, and since when", async () => {
    const rig = serverRig();
    const t0 = rig.clock.now();
    expect(rig.server.health()).toEqual({ status: "starting", since: new Date(t0), running: 0, zombies: 0 });
    const { opened, open } = gate();
    await rig.start(() => opened);
    await rig.enqueue();
    await rig.clock.advance(1_000);
    expect(rig.server.health()).toEqual({ status: "ready", since: new Date(t0), running: 1, zombies: 0 });

    rig.engine.fault = "down";
    await rig.clock.advance(10_000);
    const degraded = rig.server.health();
    expect(degraded).toMatchObject({ status: "degraded", error: { code: "ENGINE_UNAVAILABLE" } });
    expect(degraded.since.getTime()).toBeGreaterThan(t0 + 1_000);

    rig.engine.fault = "up";
    await rig.clock.advance(10_000);
    expect(rig.server.health().status).toBe("ready");
    expect(rig.server.health().since.getTime()).toBeGreaterThan(t0 + 11_000);

    rig.server.stop();
    expect(rig.server.health().status).toBe("stopping");
    open();
    await settle();
    await rig.server.shutdown();
    expect(rig.server.health()).toMatchObject({ status: "stopped", running: 0 });
  });

  it("tells a store that answers but refuses, until a call succeeds", async () => {
    const rig = serverRig();
    await rig.start(() => undefined);
    rig.engine.refuse = () => new RedisReadOnlyError("READONLY");
    await rig.clock.advance(10_000);
    expect(rig.server.health()).toMatchObject({ status: "degraded", error: { code: "REDIS_READ_ONLY" } });
    rig.engine.refuse = () => undefined;
    await rig.clock.advance(10_000);
    expect(rig.server.health()).toMatchObject({ status: "ready" });
    expect(rig.server.health().error).toBeUndefined();
  });

  it("tells that handlers which ignore their abort keep every slot", async () => {
    const rig = serverRig({ concurrency: 1 });
    const { opened, open } = gate();
    await rig.start(() => opened);
    await rig.enqueue({ timeout: "1s" });
    await rig.clock.advance(7_000);
    expect(rig.server.health()).toMatchObject({ status: "degraded", zombies: 1 });
    open();
    await settle();
    expect(rig.server.health().status).toBe("ready");
  });
});

describe("the signal", () => {
  it("shuts the server down when it aborts", async () => {
    const stop = new AbortController();
    const rig = serverRig({ signal: stop.signal });
    await rig.start(() => undefined);
    stop.abort();
    await settle();
    expect(rig.server.health().status).toBe("stopped");
  });

  it("that is aborted already lets no server start", async () => {
    const rig = serverRig({ signal: AbortSignal.abort() });
    await expect(rig.server.start(() => undefined)).rejects.toMatchObject({ code: "SERVER_STATE" });
    expect(rig.engine.calls).toEqual([]);
  });
});

describe("stop()", () => {
  it("is remembered by a server that is still starting", async () => {
    const rig = serverRig();
    const id = await rig.enqueue();
    const { opened, open } = gate();
    rig.engine.before = (name) => (name === "open" ? opened : undefined);
    const started = rig.server.start(() => undefined);
    rig.server.stop();
    open();
    await started;
    await rig.clock.advance(10_000);
    expect(await rig.state(id)).toBe("pending");
    expect(rig.server.health().status).toBe("stopping");
  });
});

describe("an outage", () => {
  it("is told once when it begins and once when it ends", async () => {
    const rig = serverRig();
    const told: string[] = [];
    rig.server.on("engine", ({ state }) => told.push(state));
    await rig.start(() => undefined);
    rig.engine.fault = "down";
    await rig.clock.advance(120_000);
    expect(told).toEqual(["unavailable"]);
    expect(rig.lines.filter(({ level }) => level === "error")).toHaveLength(1);
    rig.engine.fault = "up";
    await rig.clock.advance(5_000);
    expect(told).toEqual(["unavailable", "available"]);
    const id = await rig.enqueue();
    expect(await rig.state(id)).toBe("gone");
  });

  it("costs no attempt: what runs goes on, what waits is taken when it is over", async () => {
    const rig = serverRig();
    const { opened, open } = gate();
    let starts = 0;
    await rig.start(async () => {
      starts += 1;
      await opened;
    });
    const running = await rig.enqueue();
    rig.engine.fault = "frozen";
    await rig.clock.advance(30_000);
    rig.engine.fault = "up";
    await rig.clock.advance(6_000);
    open();
    await settle();
    await rig.clock.advance(1_000);
    expect(await rig.state(running)).toBe("gone");
    expect(starts).toBe(1);
  });
});

describe("events", () => {
  it("refuse names that they do not have, and what is no listener", () => {
    const { server } = serverRig();
    expect(() => server.on("tasksettled" as never, () => undefined)).toThrow(/did you mean "taskSettled"/);
    expect(() => server.on("taskSettled", undefined as never)).toThrow(InvalidOptionError);
  });

  it("tell the start and the end of each attempt", async () => {
    const rig = serverRig();
    const started: unknown[] = [];
    rig.server.on("taskStarted", (event) => started.push(event));
    const { opened, open } = gate();
    const taskId = await rig.enqueue();
    await rig.clock.advance(700);
    await rig.start(() => opened);
    const facts = { taskId, type: "t", queue: "default", attempt: 1 };
    expect(started).toEqual([facts]);
    expect(rig.settled).toEqual([]);
    await rig.clock.advance(1_500);
    open();
    await settle();
    const lengths = { durationMs: 1_500, waitMs: 700 };
    expect(rig.settled).toEqual([{ ...facts, outcome: "done", cause: "success", ...lengths }]);
  });

  it("end with the answer of on()", async () => {
    const rig = serverRig();
    const seen: string[] = [];
    const listener = ({ taskId }: { taskId: string }) => seen.push(taskId);
    const off = rig.server.on("taskStarted", listener);
    const offAgain = rig.server.on("taskStarted", listener);
    await rig.start(() => undefined);
    await rig.enqueue({ taskId: "a" });
    off();
    off();
    await rig.enqueue({ taskId: "b" });
    offAgain();
    await rig.enqueue({ taskId: "c" });
    expect(seen).toEqual(["a", "a", "b"]);
  });

  it("are safe from their listeners", async () => {
    const rig = serverRig();
    const seen: string[] = [];
    rig.server.on("taskStarted", () => {
      throw new Error("listener");
    });
    rig.server.on("taskStarted", async () => {
      throw new Error("listener");
    });
    rig.server.on("taskStarted", ({ taskId }) => seen.push(taskId));
    await rig.start(() => undefined);
    const id = await rig.enqueue();
    expect(seen).toEqual([id]);
    expect(await rig.state(id)).toBe("gone");
    expect(rig.lines.filter(({ text }) => text === 'listener of "taskStarted" failed')).toHaveLength(2);
  });
});

describe("several servers", () => {
  it("share the work of a queue without running a task twice", async () => {
    const rig = serverRig({ concurrency: 3 });
    const runs = new Map<string, number>();
    const handler = async (_task: unknown, { taskId }: { taskId: string }) => {
      await new Promise(setImmediate);
      runs.set(taskId, (runs.get(taskId) ?? 0) + 1);
    };
    await rig.start(handler);
    await rig.another().start(handler);
    for (let i = 0; i < 100; i++) await rig.enqueue();
    expect(runs.size).toBe(100);
    expect([...runs.values()].every((count) => count === 1)).toBe(true);
  });
});
