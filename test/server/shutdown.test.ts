import { describe, expect, it } from "vitest";
import { InvalidOptionError } from "../../src/errors.ts";
import type { ShutdownResult } from "../../src/server/shutdown-clock.ts";
import { settle } from "../support/fake-runtime.ts";
import { gate, serverRig } from "./server-rig.ts";

type Rig = ReturnType<typeof serverRig>;

/** Lets the clock run until `promise` settles, and answers its value and how long that took. */
async function timed<T>(rig: Rig, promise: Promise<T>): Promise<{ value: T; ms: number }> {
  const start = rig.clock.monotonic();
  let done = false;
  void promise.finally(() => {
    done = true;
  });
  await settle();
  while (!done && rig.clock.monotonic() - start < 60_000) await rig.clock.advance(100);
  expect(done).toBe(true);
  return { value: await promise, ms: rig.clock.monotonic() - start };
}

const CLEAN: ShutdownResult = { finished: 0, requeued: 0, left: 0, exitCode: 0 };

/** A handler that ends when it is told to, by throwing the reason. */
const obedient = (_task: unknown, { signal }: { signal: AbortSignal }) =>
  new Promise<void>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
/** A handler that never ends. */
const deaf = () => new Promise<void>(() => undefined);

describe("a shutdown", () => {
  it("of an idle server is quick and leaves nothing behind", async () => {
    const rig = serverRig();
    await rig.start(() => undefined);
    await rig.clock.advance(1_000);
    expect(rig.engine.calls).toContain("writeServerState");
    const { value, ms } = await timed(rig, rig.server.shutdown());
    expect(value).toEqual(CLEAN);
    expect(ms).toBeLessThan(1_000);
    expect(rig.engine.calls).toContain("clearServerState");
    expect(rig.server.health().status).toBe("stopped");
    const { length } = rig.engine.calls;
    await rig.clock.advance(60_000);
    expect(rig.engine.calls).toHaveLength(length);
    expect(rig.clock.pendingTimers).toBe(0);
  });

  it("waits for handlers that end in time, and records what they did", async () => {
    const rig = serverRig();
    const { opened, open } = gate();
    let starts = 0;
    await rig.start(() => {
      starts += 1;
      return opened;
    });
    const ids = [await rig.enqueue(), await rig.enqueue()];
    const done = rig.server.shutdown();
    await rig.clock.advance(4_000);
    expect(rig.server.health()).toMatchObject({ status: "stopping", running: 2 });
    // Nothing new is started meanwhile.
    const late = await rig.enqueue();
    open();
    const { value, ms } = await timed(rig, done);
    expect(value).toEqual({ ...CLEAN, finished: 2 });
    expect(ms).toBeLessThan(1_000);
    expect(await Promise.all(ids.map((id) => rig.state(id)))).toEqual(["gone", "gone"]);
    expect(await rig.state(late)).toBe("pending");
    expect(starts).toBe(2);
  });

  it("tells handlers at its beginning, and aborts them at its timeout", async () => {
    const rig = serverRig({ shutdownTimeout: "3s" });
    const told: [what: string, at: number][] = [];
    let begun = 0;
    await rig.start((_task, { signal, stopping }) => {
      stopping.addEventListener("abort", () => told.push(["stopping", rig.clock.monotonic() - begun]));
      signal.addEventListener("abort", () => told.push([signal.reason.code, rig.clock.monotonic() - begun]));
      return obedient(_task, { signal });
    });
    await rig.enqueue();
    begun = rig.clock.monotonic();
    await timed(rig, rig.server.shutdown());
    expect(told).toEqual([
      ["stopping", 0],
      ["SHUTTING_DOWN", 3_000],
    ]);
  });

  it.each([
    ["end when they are aborted", obedient],
    ["ignore their signal", deaf],
  ])("puts tasks back at the head of their queue whose handlers %s", async (_, handler) => {
    const rig = serverRig({ concurrency: 2 });
    await rig.start(handler);
    await rig.enqueue({ taskId: "a", maxRetry: 0 });
    await rig.enqueue({ taskId: "b", maxRetry: 0 });
    await rig.enqueue({ taskId: "c" });
    const { value, ms } = await timed(rig, rig.server.shutdown({ timeout: "2s" }));
    expect(value).toEqual({ ...CLEAN, requeued: 2 });
    expect(ms).toBeLessThanOrEqual(7_000);
    expect(rig.lines).toContainEqual({
      level: "info",
      fields: { ...CLEAN, requeued: 2, taskIds: ["a", "b"] },
      text: "shut down",
    });
    const order: string[] = [];
    const next = rig.another({ concurrency: 1 });
    await next.start((_task, ctx) => void order.push(ctx.taskId));
    await settle();
    expect(order).toEqual(["a", "b", "c"]);
  });

  it("lets the verdict of a handler count that ends after its abort", async () => {
    const rig = serverRig({ concurrency: 3 });
    await rig.start(
      (task, { signal }) =>
        new Promise<void>((resolve, reject) =>
          signal.addEventListener("abort", () => {
            if (task.payload === "finishes") resolve();
            else reject(new Error("lost its connection"));
          }),
        ),
    );
    const finished = await rig.enqueue({}, "finishes");
    const failed = await rig.enqueue({}, "fails");
    const { value } = await timed(rig, rig.server.shutdown({ timeout: 0 }));
    expect(value).toEqual({ ...CLEAN, finished: 2 });
    expect(await rig.state(finished)).toBe("gone");
    expect(await rig.state(failed)).toBe("retry");
  });

  it("renews leases until the last handler has ended", async () => {
    const rig = serverRig({ shutdownTimeout: "10m" });
    const { opened, open } = gate();
    await rig.start(() => opened);
    const id = await rig.enqueue();
    const other = rig.another();
    let taken = 0;
    await other.start(() => {
      taken += 1;
    });
    const done = rig.server.shutdown();
    await rig.clock.advance(5 * 60_000);
    expect(await rig.state(id)).toBe("active");
    open();
    expect((await timed(rig, done)).value).toEqual({ ...CLEAN, finished: 1 });
    expect(taken).toBe(0);
  });

  it("hands back a task that was leased and not yet started", async () => {
    const rig = serverRig();
    const { opened, open } = gate();
    let starts = 0;
    rig.engine.before = (name) => (name === "exchange" ? opened : undefined);
    const id = await rig.enqueue();
    await rig.start(() => {
      starts += 1;
    });
    const done = rig.server.shutdown();
    await settle();
    open();
    expect((await timed(rig, done)).value).toEqual({ ...CLEAN, requeued: 1 });
    expect(starts).toBe(0);
    expect(await rig.state(id)).toBe("pending");
    expect((await rig.message(id)).retried).toBe(0);
  });
});

describe("a shutdown in trouble", () => {
  it.each(["down", "frozen"] as const)("ends in time, with code 3, while the engine is %s", async (fault) => {
    for (const handler of [deaf, obedient]) {
      const rig = serverRig();
      await rig.start(handler);
      await rig.enqueue();
      rig.engine.fault = fault;
      const { value, ms } = await timed(rig, rig.server.shutdown());
      expect(rig.engine.failed.length).toBeGreaterThan(0);
      expect(value).toMatchObject({ requeued: 0, left: 1, exitCode: 3 });
      expect(ms).toBeLessThanOrEqual(13_000);
    }
  });

  it.each(["down", "frozen"] as const)(
    "of an idle server ends in time, with code 3, while the engine is %s",
    async (fault) => {
      const rig = serverRig();
      await rig.start(() => undefined);
      await rig.clock.advance(2_000);
      rig.engine.fault = fault;
      const { value, ms } = await timed(rig, rig.server.shutdown());
      expect(value).toEqual({ ...CLEAN, exitCode: 3 });
      expect(ms).toBeLessThanOrEqual(13_000);
    },
  );

  it("ends at once, with code 3, when the engine was never reached", async () => {
    const rig = serverRig();
    rig.engine.fault = "down";
    await rig.start(() => undefined);
    expect(rig.server.health()).toMatchObject({ status: "starting", error: { code: "ENGINE_UNAVAILABLE" } });
    await rig.clock.advance(10_000);
    const { value, ms } = await timed(rig, rig.server.shutdown());
    expect(value).toEqual({ ...CLEAN, exitCode: 3 });
    expect(ms).toBeLessThan(1_000);
  });

  it("delivers in its last try what the engine had not accepted before", async () => {
    const rig = serverRig();
    const { opened, open } = gate();
    await rig.start(() => opened);
    const id = await rig.enqueue();
    rig.engine.fault = "down";
    open();
    await settle();
    rig.engine.fault = "up";
    const { value } = await timed(rig, rig.server.shutdown());
    expect(value).toEqual({ ...CLEAN, finished: 1 });
    expect(await rig.state(id)).toBe("gone");
  });

  it("calls the engine for the queue once more where an answer was lost", async () => {
    const rig = serverRig();
    await rig.start(() => undefined);
    rig.engine.fault = "mute";
    // The safety poll asks for tasks within 7.5 s.
    await rig.clock.advance(8_000);
    expect(rig.engine.failed).toContain("exchange");
    rig.engine.fault = "up";
    rig.engine.calls.length = 0;
    await timed(rig, rig.server.shutdown());
    // With it, an engine gives back what the lost answer had granted.
    expect(rig.engine.calls).toContain("exchange");
  });
});

describe("shutdown()", () => {
  it("answers the same promise again, and may only be shortened", async () => {
    const rig = serverRig();
    await rig.start(obedient);
    await rig.enqueue();
    const first = rig.server.shutdown({ timeout: "1m" });
    const second = rig.server.shutdown({ timeout: "1s" });
    void rig.server.shutdown({ timeout: "2m" });
    expect(second).toBe(first);
    const { value, ms } = await timed(rig, first);
    expect(value).toEqual({ ...CLEAN, requeued: 1 });
    expect(ms).toBeLessThanOrEqual(1_500);
  });

  it("hurries when its signal aborts", async () => {
    const rig = serverRig();
    await rig.start(deaf);
    const id = await rig.enqueue();
    const hurry = new AbortController();
    const done = rig.server.shutdown({ timeout: "1m", signal: hurry.signal });
    await rig.clock.advance(5_000);
    hurry.abort();
    const { value, ms } = await timed(rig, done);
    expect(value).toEqual({ ...CLEAN, requeued: 1, exitCode: 3 });
    expect(ms).toBeLessThan(2_000);
    expect(await rig.state(id)).toBe("pending");
  });

  it("may be called by a handler, whose task is then recorded first", async () => {
    const rig = serverRig();
    let done: Promise<ShutdownResult> | undefined;
    await rig.start(() => {
      done = rig.server.shutdown();
    });
    const id = await rig.enqueue();
    expect((await timed(rig, done!)).value).toEqual({ ...CLEAN, finished: 1 });
    expect(await rig.state(id)).toBe("gone");
  });

  it("is no deadlock even in a handler that waits for it", async () => {
    const rig = serverRig();
    await rig.start(async () => {
      await rig.server.shutdown();
    });
    const id = await rig.enqueue();
    const { value, ms } = await timed(rig, rig.server.shutdown());
    expect(value).toEqual({ ...CLEAN, requeued: 1 });
    expect(ms).toBeLessThanOrEqual(13_000);
    expect(await rig.state(id)).toBe("pending");
  });

  it("may come before the start, or while the engine is being reached", async () => {
    const fresh = serverRig();
    expect(await fresh.server.shutdown()).toEqual(CLEAN);
    await expect(fresh.server.start(() => undefined)).rejects.toMatchObject({ code: "SERVER_STATE" });

    const rig = serverRig();
    const { opened, open } = gate();
    rig.engine.before = (name) => (name === "open" ? opened : undefined);
    const started = rig.server.start(() => undefined);
    const refused = expect(started).rejects.toMatchObject({ code: "SERVER_STATE" });
    const { value, ms } = await timed(rig, rig.server.shutdown());
    expect(value).toEqual(CLEAN);
    expect(ms).toBeLessThan(1_000);
    open();
    await refused;
    await rig.clock.advance(10_000);
    expect(rig.engine.calls).toEqual(["open"]);
  });

  it("refuses bad options and goes on serving", async () => {
    const rig = serverRig();
    await rig.start(() => undefined);
    await expect(rig.server.shutdown({ timeout: -1 })).rejects.toThrow(InvalidOptionError);
    await expect(rig.server.shutdown({ timeout: 30 })).rejects.toThrow(/write "30s"/);
    await expect(rig.server.shutdown({ timout: "1s" } as never)).rejects.toThrow(/did you mean "timeout"/);
    const id = await rig.enqueue();
    expect(await rig.state(id)).toBe("gone");
  });

  it("tells listeners how it went", async () => {
    const rig = serverRig();
    const told: unknown[] = [];
    rig.server.on("shutdown", (result) => told.push(result));
    await rig.start(() => undefined);
    await timed(rig, rig.server.shutdown());
    expect(told).toEqual([CLEAN]);
  });
});

describe("run()", () => {
  function running(rig: Rig, handler: Parameters<Rig["server"]["run"]>[0]) {
    const before = process.exitCode;
    const run = rig.server.run(handler).finally(() => {
      exitCode.value = process.exitCode;
      process.exitCode = before;
    });
    const exitCode: { value: typeof process.exitCode } = { value: undefined };
    return { run, exitCode };
  }

  it.each(["SIGTERM", "SIGINT"])("serves until %s, and sets the exit code", async (signal) => {
    const rig = serverRig();
    const { run, exitCode } = running(rig, () => undefined);
    await settle();
    const id = await rig.enqueue();
    expect(await rig.state(id)).toBe("gone");
    rig.signals.emit(signal);
    const { value, ms } = await timed(rig, run);
    expect(value).toBe(0);
    expect(exitCode.value).toBe(0);
    expect(ms).toBeLessThan(1_000);
    expect(rig.signals.listenerCount(signal)).toBe(0);
  });

  it("hurries at a second signal", async () => {
    const rig = serverRig({ shutdownTimeout: "1m" });
    const { run, exitCode } = running(rig, deaf);
    await settle();
    const id = await rig.enqueue();
    rig.signals.emit("SIGTERM");
    await rig.clock.advance(1_000);
    rig.signals.emit("SIGINT");
    const { value, ms } = await timed(rig, run);
    expect([value, exitCode.value]).toEqual([3, 3]);
    expect(ms).toBeLessThan(2_000);
    expect(await rig.state(id)).toBe("pending");
  });

  it.each(["down", "frozen"] as const)(
    "hurries within two seconds even while the engine is %s",
    async (fault) => {
      const rig = serverRig({ shutdownTimeout: "1m" });
      const { run } = running(rig, deaf);
      await settle();
      await rig.enqueue();
      rig.engine.fault = fault;
      rig.signals.emit("SIGTERM");
      await rig.clock.advance(1_000);
      rig.signals.emit("SIGTERM");
      const { value, ms } = await timed(rig, run);
      expect(value).toBe(3);
      expect(ms).toBeLessThanOrEqual(2_000);
    },
  );

  it("takes no more work after SIGTSTP, but finishes what runs", async () => {
    const rig = serverRig();
    const { opened, open } = gate();
    const { run } = running(rig, () => opened);
    await settle();
    const first = await rig.enqueue();
    rig.signals.emit("SIGTSTP");
    const second = await rig.enqueue();
    await rig.clock.advance(60_000);
    expect(await rig.state(first)).toBe("active");
    expect(await rig.state(second)).toBe("pending");
    expect(rig.server.health().status).toBe("stopping");
    open();
    await settle();
    expect(await rig.state(first)).toBe("gone");
    rig.signals.emit("SIGTERM");
    expect((await timed(rig, run)).value).toBe(0);
  });

  it("ends in time when the signal comes while the engine is being reached, or never is", async () => {
    for (const fault of ["down", "frozen"] as const) {
      const rig = serverRig();
      rig.engine.fault = fault;
      const { run, exitCode } = running(rig, () => undefined);
      await rig.clock.advance(6_000);
      rig.signals.emit("SIGTERM");
      const { value, ms } = await timed(rig, run);
      expect([value, exitCode.value]).toEqual([3, 3]);
      expect(ms).toBeLessThan(1_000);
    }
  });

  it("ends when somebody calls shutdown()", async () => {
    const rig = serverRig();
    const { run } = running(rig, () => undefined);
    await settle();
    void rig.server.shutdown();
    expect((await timed(rig, run)).value).toBe(0);
  });

  it("rejects, and lets go of the signals, when the server cannot start", async () => {
    const rig = serverRig({ strictQueues: true });
    await rig.server.shutdown();
    const { run } = running(rig, () => undefined);
    await expect(run).rejects.toMatchObject({ code: "SERVER_STATE" });
    expect(rig.signals.eventNames()).toEqual([]);
  });
});
