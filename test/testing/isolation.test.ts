import { describe, expect, it, vi } from "vitest";
import { Client } from "../../src/client/client.ts";
import { DuplicateTaskError, InvalidOptionError } from "../../src/errors.ts";
import { Task } from "../../src/task.ts";
import { testQueue } from "../../src/testing/test-queue.ts";
import { NEW_YEAR, quiet, recordingMux, tick, welcome } from "./subjects.ts";

describe("two test queues", () => {
  it("share nothing", async () => {
    const [one, other] = [testQueue(), testQueue()];
    await one.client.enqueue(tick());
    other.refuteEnqueued(tick);
    await one.advance("1h");
    expect(other.clock.now()).toBeLessThan(one.clock.now() - 3_000_000);
  });

  it("make ids of their own, and repeat their chance", async () => {
    const ids = [];
    const delays = [];
    for (let i = 0; i < 2; i += 1) {
      const q = testQueue({ mux: () => Promise.reject(new Error("no")), now: NEW_YEAR });
      ids.push((await q.client.enqueue(tick())).id);
      delays.push(await q.perform(tick).then((attempt) => attempt.outcome === "retry" && attempt.at));
    }
    expect(ids[0]).not.toBe(ids[1]);
    expect(delays[0]).toEqual(delays[1]);
    const [seeded, same] = [testQueue({ seed: 7 }), testQueue({ seed: 7 })];
    expect((await seeded.client.enqueue(tick())).id).toBe((await same.client.enqueue(tick())).id);
  });

  it("begin in the present, or when they are told", () => {
    const before = Date.now();
    expect(testQueue().clock.now()).toBeGreaterThanOrEqual(before);
    expect(testQueue().clock.now()).toBeLessThanOrEqual(Date.now());
    expect(testQueue({ now: new Date(NEW_YEAR) }).clock.now()).toBe(Date.parse(NEW_YEAR));
    expect(() => testQueue({ now: "yesterday" })).toThrow(InvalidOptionError);
  });
});

describe("reset", () => {
  it("leaves nothing behind but the time", async () => {
    const { mux, ran } = recordingMux();
    const q = testQueue({ mux });
    await q.client.enqueue(tick(), { unique: "1h", taskId: "one" });
    await expect(q.client.enqueue(tick(), { unique: "1h" })).rejects.toThrow(DuplicateTaskError);
    await q.client.enqueue(welcome({ userId: 1 }), { retention: "1h" });
    await q.client.enqueue(tick(), { processIn: "1h" });
    await q.client.enqueue(tick(), { group: "g" });
    await q.drain();
    await q.inspector.pauseQueue("default");
    const now = q.clock.now();

    q.reset();
    expect(q.enqueued()).toEqual([]);
    expect(q.performed).toEqual([]);
    expect(await q.inspector.queues()).toEqual([]);
    expect(q.clock.now()).toBe(now);
    ran.length = 0;
    await q.client.enqueue(tick(), { unique: "1h", taskId: "one" });
    expect(await q.inspector.getQueueInfo("default")).toMatchObject({
      size: 1,
      groups: 0,
      processedTotal: 0,
      paused: false,
    });
    await q.drain({ scheduled: true });
    expect(ran).toEqual(["tick"]);
  });

  it("lets an attempt under way end in nothing", async () => {
    const lines: string[] = [];
    const logger = { ...quiet, warn: (_: unknown, text: string) => lines.push(text) };
    const q = testQueue({ mux: () => q.reset(), server: { logger } });
    await q.client.enqueue(tick(), { retention: "1h" });
    await q.drain();
    expect(lines).toEqual(["outcome not recorded: the attempt is no longer ours"]);
    expect(await q.inspector.queues()).toEqual([]);
  });
});

describe("a named store", () => {
  it("is shared with clients that the code makes for itself", async () => {
    const { mux, ran } = recordingMux();
    const q = testQueue({ mux, engine: "memory:shared-with-code" });
    const its = new Client("memory:shared-with-code");
    await its.enqueue(welcome({ userId: 5 }), { processIn: "10m" });
    q.expectEnqueued(welcome, { userId: 5 }, { at: "10m", within: "5s" });
    q.refuteEnqueued(welcome, undefined, { within: "9m" });
    expect(await q.drain()).toMatchObject({ success: 0 });
    await q.advance("10m");
    expect(await q.drain()).toMatchObject({ success: 1 });
    expect(ran).toEqual([5]);
    q.reset();
    await its.close();
    await q.close();
  });

  it("has nothing to do with another", async () => {
    const q = testQueue({ engine: "memory:one" });
    await new Client("memory:other").enqueue(tick());
    q.refuteEnqueued(tick);
  });

  it("can only be in memory, and knows but one clock", () => {
    expect(() => testQueue({ engine: "redis://127.0.0.1" as never })).toThrow(/engine: expected "memory:"/);
    expect(() => testQueue({ engine: "memory:x", now: NEW_YEAR })).toThrow(/now: excludes engine/);
  });
});

describe("testQueue", () => {
  it("refuses what it does not know", () => {
    expect(() => testQueue({ muks: () => undefined } as never)).toThrow(/did you mean "mux"/);
    expect(() => testQueue({ inline: "yes" as never })).toThrow(/inline: expected true or false; got yes/);
    expect(() => testQueue({ seed: "7" as never })).toThrow(/seed: expected a whole number; got 7/);
    expect(() => testQueue({ mux: "x" as never })).toThrow(/mux: expected a function or a ServeMux/);
    expect(() => testQueue({ server: { concurency: 1 } as never })).toThrow(/did you mean "concurrency"/);
  });

  it("lets a call settle that the code does not wait for", async () => {
    const q = testQueue();
    const code = () => void q.client.enqueue(tick());
    code();
    await q.advance(0);
    q.expectEnqueued(tick);
  });

  it("closes with its scope", async () => {
    let client: Client | undefined;
    {
      await using q = testQueue();
      client = q.client;
      await client.enqueue(new Task("x"));
    }
    await expect(client.enqueue(new Task("x"))).rejects.toThrow(/closed/);
  });

  it.each([
    ["all timers", undefined],
    ["immediates", { toFake: ["setImmediate" as const] }],
    ["microtasks", { toFake: ["queueMicrotask" as const] }],
  ])("says what is wrong when %s are faked", async (_, config) => {
    const q = testQueue({ mux: () => undefined });
    vi.useFakeTimers(config);
    try {
      expect(() => testQueue()).toThrow(/fake timers are in place/);
      await expect(q.advance("1m")).rejects.toThrow(/fake timers are in place/);
      await expect(q.drain()).rejects.toThrow(/fake timers are in place/);
      await expect(q.perform(tick)).rejects.toThrow(/fake timers are in place/);
    } finally {
      vi.useRealTimers();
    }
  });

  it("begins at a faked date", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.parse(NEW_YEAR) });
    try {
      const q = testQueue({ mux: () => undefined });
      await q.client.enqueue(tick(), { processAt: new Date(Date.now() + 60_000) });
      q.expectEnqueued(tick, undefined, { at: "1m" });
      await q.advance("1m");
      expect(await q.drain()).toMatchObject({ success: 1 });
    } finally {
      vi.useRealTimers();
    }
  });
});
