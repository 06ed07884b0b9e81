import { describe, expect, it } from "vitest";
import type { Broker } from "../../src/broker/broker.ts";
import type { Engine } from "../../src/broker/engine.ts";
import type { EnqueueAnswer, EnqueueEntry } from "../../src/broker/enqueue-entry.ts";
import { Client } from "../../src/client/client.ts";
import { memoryEngine } from "../../src/engine/memory/memory-engine.ts";
import { EngineUnavailableError } from "../../src/errors.ts";
import { Task } from "../../src/task.ts";
import { type FakeClock, fakeRuntime, settle } from "../support/fake-runtime.ts";

/** A client on a real engine whose enqueue calls are counted and, on demand, held back. */
class Rig {
  readonly engine: Engine;
  readonly client: Client;
  readonly clock: FakeClock;
  readonly calls: (readonly EnqueueEntry[])[] = [];
  readonly #held: (() => void)[] = [];
  #holding = false;

  constructor() {
    const runtime = fakeRuntime();
    this.clock = runtime.clock;
    this.engine = memoryEngine({ runtime });
    const { broker } = this.engine;
    const enqueue = broker.enqueue.bind(broker);
    broker.enqueue = async (...call: Parameters<Broker["enqueue"]>): Promise<EnqueueAnswer[]> => {
      this.calls.push(call[0]);
      if (this.#holding) await new Promise<void>((resolve) => this.#held.push(resolve));
      return enqueue(...call);
    };
    this.client = new Client(this.engine, { runtime });
  }

  get sizes(): number[] {
    return this.calls.map((entries) => entries.length);
  }

  hold(): void {
    this.#holding = true;
  }

  /** Lets the oldest call that is held back go on. */
  async release(): Promise<void> {
    this.#held.shift()?.();
    await settle();
  }

  /** Enqueues `count` tasks in this very turn. */
  enqueue(count: number, payload?: Uint8Array): Promise<string[]> {
    return Promise.all(
      Array.from({ length: count }, async () => (await this.client.enqueue(new Task("a", payload))).id),
    );
  }
}

describe("concurrent enqueues", () => {
  it("travel together when they are made in one turn of the event loop, also from its promises", async () => {
    const rig = new Rig();
    const later = Promise.resolve().then(() => rig.enqueue(3));
    const ids = [...(await rig.enqueue(5)), ...(await later)];
    expect(rig.sizes).toEqual([8]);
    expect(new Set(ids).size).toBe(8);
    expect(await rig.engine.inspection.queueInfo("default")).toMatchObject({ pending: 8 });
  });

  it("leave one by one, and at once, when each is awaited", async () => {
    const rig = new Rig();
    for (let i = 0; i < 3; i++) await rig.client.enqueue(new Task("a"));
    expect(rig.sizes).toEqual([1, 1, 1]);
    expect(rig.clock.pendingTimers).toBe(0);
  });

  it("keep their order", async () => {
    const rig = new Rig();
    const ids = await rig.enqueue(450);
    expect(rig.calls.flatMap((entries) => entries.map(({ message }) => message.id))).toEqual(ids);
  });

  it("are cut at 200 tasks", async () => {
    const rig = new Rig();
    await rig.enqueue(450);
    expect(rig.sizes).toEqual([200, 200, 50]);
  });

  it("are cut at 256 KiB, and a larger task travels alone", async () => {
    const rig = new Rig();
    const sent = [
      rig.enqueue(3, new Uint8Array(100_000)),
      rig.enqueue(1, new Uint8Array(300_000)),
      rig.enqueue(1),
    ];
    await Promise.all(sent);
    expect(rig.sizes).toEqual([2, 1, 1, 1]);
  });

  it("gather while four batches are under way, and leave when one is answered", async () => {
    const rig = new Rig();
    rig.hold();
    const sent: Promise<string[]>[] = [];
    for (let turn = 0; turn < 6; turn++) {
      sent.push(rig.enqueue(2));
      await settle();
    }
    expect(rig.sizes).toEqual([2, 2, 2, 2]);
    await rig.release();
    expect(rig.sizes).toEqual([2, 2, 2, 2, 4]);
    for (let i = 0; i < 4; i++) await rig.release();
    expect((await Promise.all(sent)).flat()).toHaveLength(12);
  });

  it("do not wait behind an engine that answers nothing", async () => {
    const rig = new Rig();
    rig.hold();
    const sent = rig.enqueue(1_000);
    await settle();
    expect(rig.sizes).toEqual([200, 200, 200, 200]);
    await rig.clock.advance(99);
    expect(rig.sizes).toHaveLength(4);
    await rig.clock.advance(1);
    expect(rig.sizes).toEqual([200, 200, 200, 200, 200]);
    for (let i = 0; i < 5; i++) await rig.release();
    await sent;
  });

  it("wait behind an engine that is busy but answers", async () => {
    const rig = new Rig();
    rig.hold();
    const sent = rig.enqueue(1_200);
    await rig.clock.advance(99);
    await rig.release();
    expect(rig.sizes).toHaveLength(5);
    await rig.clock.advance(1);
    expect(rig.sizes).toHaveLength(5);
    for (let i = 0; i < 6; i++) await rig.release();
    await sent;
    await rig.clock.advance(100);
    expect(rig.clock.pendingTimers).toBe(0);
  });

  it("each get their own answer, or the error of the call they travelled with", async () => {
    const rig = new Rig();
    const outcomes = await Promise.allSettled([
      rig.client.enqueue(new Task("a"), { taskId: "x" }),
      rig.client.enqueue(new Task("a"), { taskId: "x" }),
      rig.client.enqueue(new Task("a"), { taskId: "y" }),
    ]);
    expect(rig.sizes).toEqual([3]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);

    rig.engine.broker.enqueue = () => Promise.reject(new EngineUnavailableError("gone"));
    const [first, second] = await rig.client.enqueueBatch([new Task("a"), new Task("a")]);
    expect(first).toMatchObject({ ok: false, error: { code: "ENGINE_UNAVAILABLE" } });
    expect(second).toMatchObject({ ok: false, error: { code: "ENGINE_UNAVAILABLE" } });
  });

  it("travel alone when they carry a signal", async () => {
    const rig = new Rig();
    const { signal } = new AbortController();
    await Promise.all([
      rig.client.enqueue(new Task("a"), {}, { signal }),
      rig.client.enqueue(new Task("a")),
      rig.client.enqueue(new Task("a")),
    ]);
    expect(rig.sizes).toEqual([1, 2]);
  });
});
