import { describe, expect, it } from "vitest";
import { DuplicateTaskError } from "../../src/errors.ts";
import { RetryLater } from "../../src/retry-later.ts";
import { ServeMux } from "../../src/server/serve-mux.ts";
import { Task } from "../../src/task.ts";
import { testQueue } from "../../src/testing/test-queue.ts";
import { NEW_YEAR, quiet, recordingMux, tick, welcome } from "./subjects.ts";

function rig() {
  const recording = recordingMux();
  const q = testQueue({ mux: recording.mux, inline: true, server: { logger: quiet }, now: NEW_YEAR });
  return { ...recording, q };
}

describe("inline", () => {
  it("has run a task when its enqueue answers", async () => {
    const { q, ran } = rig();
    const info = await q.client.enqueue(welcome({ userId: 1 }));
    expect(ran).toEqual([1]);
    expect(info).toMatchObject({ type: "email:welcome", state: "pending" });
    expect(q.performed).toMatchObject([{ taskId: info.id, outcome: "success", result: "sent to 1" }]);
    expect(q.enqueued()).toEqual([]);
  });

  it("answers as production does when the handler fails, and keeps the failure", async () => {
    const { q, failing, ran } = rig();
    failing.times = 1;
    await q.client.enqueue(welcome({ userId: 1 }));
    expect(q.performed).toMatchObject([{ outcome: "retry", error: new Error("no mail today") }]);
    expect(q.expectEnqueued(welcome).state).toBe("retry");
    await q.advance("1m");
    expect(ran).toEqual([1]);
    expect(q.performed.map(({ outcome }) => outcome)).toEqual(["retry", "success"]);
  });

  it("runs what is scheduled when the clock gets there, each at its instant", async () => {
    const { mux, q } = rig();
    const at: number[] = [];
    mux.handle("at", async (task) => {
      at.push((q.clock.now() - Date.parse(NEW_YEAR)) / 60_000);
      if (task.payload) await q.client.enqueue(new Task("at"), { processIn: "5m" });
    });
    await q.client.enqueue(new Task("at"), { processIn: "20m" });
    await q.client.enqueue(new Task("at", true), { processIn: "10m" });
    await q.advance("9m");
    expect(at).toEqual([]);
    await q.advance("1h");
    expect(at).toEqual([10, 15, 20]);
    expect(q.clock.now()).toBe(Date.parse(NEW_YEAR) + 69 * 60_000);
  });

  it("runs what handlers enqueue within them, however deep", async () => {
    const { mux, q } = rig();
    const ended: unknown[] = [];
    mux.handle("deep", async (task) => {
      const depth = task.payload as number;
      if (depth > 0) await q.client.enqueue(new Task("deep", depth - 1));
      ended.push(depth);
    });
    await q.client.enqueue(new Task("deep", 30));
    expect(ended).toEqual(Array.from({ length: 31 }, (_, depth) => depth));
  });

  it("waits for each of a batch, and for its own when calls overlap", async () => {
    const { q, ran } = rig();
    const both = [q.client.enqueue(welcome({ userId: 1 })), q.client.enqueue(welcome({ userId: 2 }))];
    await both[1];
    expect(ran).toContain(2);
    await both[0];
    const results = await q.client.enqueueBatch([welcome({ userId: 3 }), welcome({ userId: 4 }), tick()]);
    expect(results.map(({ ok }) => ok)).toEqual([true, true, true]);
    expect(ran.toSorted()).toEqual([1, 2, 3, 4, "tick"]);
  });

  it("does not let a task that asks for its own duplicate wait for itself", async () => {
    const { mux, q } = rig();
    const once = { unique: { for: "1h", key: "k" } } as const;
    mux.handle("self", async () => {
      const held = await q.client.enqueue(new Task("self"), { ...once, ifDuplicate: "return" });
      return held.duplicate;
    });
    await q.client.enqueue(new Task("self"), once);
    expect(q.performed).toMatchObject([{ outcome: "success", result: true }]);
  });

  it("rejects what the client refuses", async () => {
    const { q } = rig();
    await q.client.enqueue(tick(), { unique: "1h", processIn: "1h" });
    await expect(q.client.enqueue(tick(), { unique: "1h" })).rejects.toThrow(DuplicateTaskError);
    await expect(q.client.enqueue(welcome({ userId: "1" as never }))).rejects.toThrow(/userId/);
    expect(q.performed).toEqual([]);
  });

  it("leaves a paused queue alone until it goes on", async () => {
    const { q, ran } = rig();
    await q.client.enqueue(tick());
    await q.inspector.pauseQueue("default");
    await q.client.enqueue(tick());
    expect(ran).toEqual(["tick"]);
    await q.inspector.unpauseQueue("default");
    await q.advance(0);
    expect(ran).toEqual(["tick", "tick"]);
  });

  it("gives up on a task that enqueues itself for ever, and says so", async () => {
    const mux = new ServeMux();
    const errors: unknown[] = [];
    const server = { logger: quiet, errorHandler: (error: unknown) => errors.push(error) };
    const q = testQueue({ mux, inline: true, server });
    mux.handle("again", async () => {
      await q.client.enqueue(new Task("again"));
    });
    await q.client.enqueue(new Task("again"));
    expect(errors).toMatchObject([{ message: /10000 attempts have run, and tasks are still pending/ }]);
  });

  it("gives up on a task that is due again at once for ever, when time is to pass", async () => {
    const mux = () => {
      throw new RetryLater(0);
    };
    const q = testQueue({ mux, inline: true, server: { logger: quiet } });
    await q.client.enqueue(new Task("again"));
    await expect(q.advance("1m")).rejects.toThrow("10000 attempts have run, and tasks are still pending");
  });

  it("runs any number of tasks, as long as they end", async () => {
    let ran = 0;
    const count = () => {
      ran += 1;
    };
    const q = testQueue({ mux: count, inline: true });
    const half = Array.from({ length: 6_000 }, () => tick());
    await q.client.enqueueBatch(half);
    await q.client.enqueueBatch(half);
    expect(ran).toBe(12_000);
  });

  it("needs a mux", () => {
    expect(() => testQueue({ inline: true })).toThrow(/mux: nothing can be performed without one/);
  });
});
