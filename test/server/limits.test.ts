import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask, limit, Task } from "../../src/index.ts";
import type { Handler } from "../../src/server/handler.ts";
import { settle } from "../support/fake-runtime.ts";
import { gate, serverRig } from "./server-rig.ts";

const sync = defineTask("account:sync", { payload: z.object({ account: z.string(), n: z.number() }) });
const perAccount = limit(sync, { concurrency: 1, key: ({ account }) => account });

interface Run {
  readonly account: string;
  readonly n: number;
  end(): Promise<void>;
}

/** A handler whose runs the test ends. */
function runs() {
  const running: Run[] = [];
  const begun: string[] = [];
  const handler: Handler = async (task) => {
    const { account, n } = task.payload as { account: string; n: number };
    const { opened, open } = gate();
    begun.push(`${account}${n}`);
    running.push({
      account,
      n,
      end: async () => {
        running.splice(
          running.findIndex((run) => run.account === account && run.n === n),
          1,
        );
        open();
        await settle();
      },
    });
    await opened;
  };
  const names = () => running.map(({ account, n }) => `${account}${n}`).sort();
  return { running, begun, handler, names };
}

describe("limits of a server", () => {
  it("run one task of each key at a time over three servers, in order", async () => {
    const rig = serverRig({ limits: [perAccount] });
    const { running, begun, handler, names } = runs();
    await rig.start(handler);
    const others = [rig.another(), rig.another()];
    for (const other of others) await other.start(handler);
    for (const n of [1, 2, 3, 4, 5]) {
      for (const account of ["a", "b"]) await rig.client.enqueue(sync({ account, n }));
      await settle();
    }
    expect(names()).toEqual(["a1", "b1"]);
    for (const n of [1, 2, 3, 4, 5]) {
      await rig.clock.advance(100);
      expect(names()).toEqual(n === 1 ? ["a1", "b1"] : [`a${n}`, `b${n}`]);
      for (const run of [...running]) await run.end();
    }
    expect(begun.filter((name) => name.startsWith("a"))).toEqual(["a1", "a2", "a3", "a4", "a5"]);
    await rig.clock.advance(1_000);
    expect(await rig.engine.inspection.queueInfo("default")).toMatchObject({
      scheduled: 0,
      pending: 0,
      active: 0,
    });
    for (const server of [rig.server, ...others]) await server.shutdown();
  });

  it("start ten a second, and not more", async () => {
    const rig = serverRig({ concurrency: 50, limits: [limit("t", { rate: { limit: 10, per: "1s" } })] });
    const begun: number[] = [];
    const from = rig.clock.now();
    await rig.start(async () => {
      begun.push(rig.clock.now() - from);
    });
    for (let i = 0; i < 35; i += 1) await rig.enqueue();
    for (let i = 0; i < 80; i += 1) await rig.clock.advance(50);
    expect(begun).toHaveLength(35);
    for (const [i, start] of begun.entries()) {
      const tenth = begun[i + 10];
      if (tenth !== undefined) expect(tenth - start).toBeGreaterThanOrEqual(1_000);
    }
    expect(begun.at(-1)).toBeLessThan(3_400);
    await rig.server.shutdown();
  });

  it("hold for servers that were not given them, if they know what to count", async () => {
    const rig = serverRig({ limits: [limit("t", { concurrency: 2 })] });
    const { handler, running } = runs();
    await rig.start(handler);
    const other = rig.another({ limits: [] });
    await other.start(handler);
    await settle();
    for (let n = 0; n < 6; n += 1) await rig.enqueue({}, { account: "x", n });
    await rig.clock.advance(1_000);
    expect(running).toHaveLength(2);
    while (running.length > 0) {
      await running[0]?.end();
      await rig.clock.advance(1_000);
      expect(running.length).toBeLessThanOrEqual(2);
    }
    expect(rig.settled.length).toBeGreaterThan(0);
    expect(await rig.engine.inspection.queueInfo("default")).toMatchObject({
      scheduled: 0,
      pending: 0,
      active: 0,
    });
    await rig.server.shutdown();
    await other.shutdown();
  });

  it("let go what waits when no server has them any more", async () => {
    const rig = serverRig({ limits: [limit("t", { concurrency: 1 })] });
    const first = runs();
    await rig.start(first.handler);
    for (let n = 0; n < 4; n += 1) await rig.enqueue({}, { account: "x", n });
    expect(first.names()).toEqual(["x0"]);
    const stopped = rig.server.shutdown();
    await first.running[0]?.end();
    await stopped;

    const second = runs();
    const next = rig.another({ limits: [] });
    await next.start(second.handler);
    await rig.clock.advance(90_000);
    expect(second.names()).toEqual(["x1", "x2", "x3"]);
    const over = next.shutdown();
    for (const run of [...second.running]) await run.end();
    await over;
  });

  it("give the turn back to a task that a shutdown handed back", async () => {
    const rig = serverRig({
      shutdownTimeout: "100ms",
      abortGrace: 0,
      limits: [limit("t", { concurrency: 1 })],
    });
    const first = runs();
    await rig.start(first.handler);
    for (let n = 0; n < 3; n += 1) await rig.enqueue({}, { account: "x", n });
    const stopped = rig.server.shutdown();
    await rig.clock.advance(1_000);
    await stopped;
    const second = runs();
    const next = rig.another();
    await next.start(second.handler);
    await rig.clock.advance(1_000);
    expect(second.names()).toEqual(["x0"]);
    await second.running[0]?.end();
    await rig.clock.advance(1_000);
    expect(second.names()).toEqual(["x1"]);
    await second.running[0]?.end();
    await rig.clock.advance(1_000);
    await second.running[0]?.end();
    await next.shutdown();
    expect(second.begun).toEqual(["x0", "x1", "x2"]);
  });

  it("hand tasks back when the store does not say whether they may start", async () => {
    const rig = serverRig({ limits: [limit("t", { concurrency: 1 })] });
    const { handler, running, begun } = runs();
    await rig.start(handler);
    let refusals = 0;
    rig.engine.refuse = (name) => {
      if (name !== "admit" || refusals === 3) return undefined;
      refusals += 1;
      return new Error("not now");
    };
    for (let n = 0; n < 3; n += 1) await rig.enqueue({}, { account: "x", n });
    await rig.clock.advance(5_000);
    expect(refusals).toBe(3);
    while (running.length > 0) {
      expect(running).toHaveLength(1);
      await running[0]?.end();
      await rig.clock.advance(16_000);
    }
    expect(begun.sort()).toEqual(["x0", "x1", "x2"]);
    await rig.server.shutdown();
  });

  it("survive an answer that is lost, in either direction", async () => {
    const rig = serverRig({ limits: [limit("t", { concurrency: 1 })] });
    const { handler, running, begun } = runs();
    await rig.start(handler);
    let lost = false;
    rig.engine.before = (name) => {
      if (name === "admit" && !lost) {
        lost = true;
        rig.engine.fault = "mute";
      }
      return undefined;
    };
    for (let n = 0; n < 3; n += 1) {
      await rig.enqueue({}, { account: "x", n }).catch(() => undefined);
      rig.engine.fault = "up";
    }
    await rig.clock.advance(60_000);
    expect(lost).toBe(true);
    while (running.length > 0) {
      expect(running).toHaveLength(1);
      await running[0]?.end();
      await rig.clock.advance(20_000);
    }
    expect(new Set(begun)).toEqual(new Set(["x0", "x1", "x2"]));
    expect(begun).toHaveLength(3);
    await rig.server.shutdown();
  });

  it("count tasks together whose key cannot be computed, and say so", async () => {
    const broken = limit("t", {
      concurrency: 1,
      key: () => {
        throw new Error("no key");
      },
    });
    const rig = serverRig({ limits: [broken] });
    const { handler, running } = runs();
    await rig.start(handler);
    for (let n = 0; n < 2; n += 1) await rig.enqueue({}, { account: "x", n });
    expect(running).toHaveLength(1);
    expect(rig.lines.filter(({ text }) => text.includes("cannot be computed")).length).toBeGreaterThan(0);
    await running[0]?.end();
    await rig.clock.advance(100);
    await running[0]?.end();
    await rig.server.shutdown();
  });

  it("exempt tasks without a key, and leave other types and queues alone", async () => {
    const rig = serverRig({
      queues: { default: 1, other: 1 },
      limits: [
        limit(sync, { concurrency: 1, key: ({ account }) => (account === "free" ? undefined : account) }),
        limit({ queue: "other" }, { concurrency: 1 }),
      ],
    });
    const { handler, names, running } = runs();
    await rig.start(handler);
    for (const n of [1, 2]) await rig.client.enqueue(sync({ account: "free", n }));
    for (const n of [1, 2]) await rig.client.enqueue(new Task("else", { account: "e", n }));
    for (const n of [1, 2])
      await rig.client.enqueue(new Task("else", { account: "o", n }), { queue: "other" });
    await settle();
    expect(names()).toEqual(["e1", "e2", "free1", "free2", "o1"]);
    for (const run of [...running]) await run.end();
    await rig.clock.advance(100);
    for (const run of [...running]) await run.end();
    await rig.server.shutdown();
  });

  it.each([
    ["nothing to count", () => limit("t", {}), "limit"],
    ["no number", () => limit("t", { concurrency: 0 }), "concurrency"],
    ["a rate without a length", () => limit("t", { rate: { limit: 1, per: 0 } }), "rate.per"],
    ["a rate of nothing", () => limit("t", { rate: { limit: 0, per: "1s" } }), "rate.limit"],
    ["a name that is not printable", () => limit("t", { concurrency: 1, name: "a\nb" }), "name"],
    ["a blank queue", () => limit({ queue: " " }, { concurrency: 1 }), "queue"],
    ["no subject", () => limit(7 as never, { concurrency: 1 }), "limit"],
    ["a key that is no function", () => limit("t", { concurrency: 1, key: "id" as never }), "key"],
    [
      "two of one name",
      () => serverRig({ limits: [limit("t", { concurrency: 1 }), limit("t", { concurrency: 2 })] }),
      "limits",
    ],
    ["what is no limit", () => serverRig({ limits: [{ concurrency: 1 } as never] }), "limits"],
  ])("refuse %s", (_what, make, option) => {
    expect(make).toThrow(expect.objectContaining({ code: "INVALID_OPTION", option }));
  });
});
