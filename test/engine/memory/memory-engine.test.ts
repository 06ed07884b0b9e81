import { describe, expect, it } from "vitest";
import { memoryEngine, namedMemoryEngine } from "../../../src/engine/memory/memory-engine.ts";
import type { StoredTask } from "../../../src/engine/memory/stored-queue.ts";
import { encodeTaskMessage } from "../../../src/protocol/codec.ts";
import {
  archive,
  complete,
  counts,
  done,
  enqueued,
  ids,
  leasedOne,
  message,
  record,
  running,
  settled,
  text,
} from "../../contract/tasks.ts";
import { fakeRuntime } from "../../support/fake-runtime.ts";
import { openMemory } from "./memory-harness.ts";

describe("what is handed to the memory engine", () => {
  it("is stored as a whole call or not at all, where a message cannot be encoded", async () => {
    const engine = await openMemory();
    const bad = message("q", { payload: 1 as never });
    const answers = await engine.broker.enqueue([{ message: message("q") }, { message: bad }]);
    expect(answers.map(({ status }) => status)).toEqual(["failed", "failed"]);
    expect(await counts(engine, "q")).toEqual({});
    await engine.close();
  });

  it("is a copy, of a completed task's result too", async () => {
    const engine = await openMemory();
    const attempt = await running(engine, "q");
    const result = Buffer.from("fine");
    await settled(engine, attempt, complete(attempt, engine.clock.now() + 60_000, result));
    result.fill(0);
    expect(text((await record(engine, "q", attempt.message.id)).result)).toBe("fine");
    await engine.close();
  });
});

describe("memory engines of one name", () => {
  it("share one store, and those of other names do not", async () => {
    await enqueued(namedMemoryEngine("shared"), "q");
    expect(await counts(namedMemoryEngine("shared"), "q")).toEqual({ pending: 1 });
    expect(await counts(namedMemoryEngine("other"), "q")).toEqual({});
    expect(await counts(namedMemoryEngine(""), "q")).toEqual({});
  });

  it("keep their tasks when all of them are closed", async () => {
    const engine = namedMemoryEngine("kept");
    await enqueued(engine, "q");
    await engine.close();
    expect(await counts(namedMemoryEngine("kept"), "q")).toEqual({ pending: 1 });
  });

  it("meet in a place that every copy of the package finds", () => {
    namedMemoryEngine("found");
    const stores = Reflect.get(globalThis, Symbol.for("titanqueue.memory")) as Map<string, unknown>;
    expect([...stores.keys()]).toContain("found");
  });
});

describe("a memory engine without a name", () => {
  it("has a store of its own", async () => {
    await enqueued(memoryEngine(), "q");
    expect(await counts(memoryEngine(), "q")).toEqual({});
  });

  it("goes by the clock that it is given", async () => {
    const runtime = fakeRuntime({ now: 1_234 });
    expect(memoryEngine({ runtime }).broker.now()).toBe(1_234);
    expect(Math.abs(memoryEngine().broker.now() - Date.now())).toBeLessThan(5_000);
  });
});

describe("the memory engine, when the clock is set back", () => {
  it("does not leave a task to a lease that ends in the old time", async () => {
    const engine = await openMemory();
    const attempt = await running(engine, "q");
    engine.setWall(engine.clock.now() - 3_600_000);

    expect(await engine.broker.listExpired("q", 10)).toEqual([]);
    await engine.clock.advance(62_000);
    expect(ids(await engine.broker.listExpired("q", 10))).toEqual([attempt.message.id]);
    await engine.close();
  });

  it("renews a lease that ends in the old time to the new one", async () => {
    const engine = await openMemory();
    const attempt = await running(engine, "q");
    engine.setWall(engine.clock.now() - 3_600_000);

    expect(await engine.broker.extendLeases("q", [attempt])).toEqual(["extended"]);
    await engine.clock.advance(62_000);
    expect(ids(await engine.broker.listExpired("q", 10))).toEqual([attempt.message.id]);
    await engine.close();
  });

  it("shortens no lease for a small step", async () => {
    const engine = await openMemory();
    const attempt = await running(engine, "q");
    engine.setWall(engine.clock.now() - 20_000);
    await engine.broker.extendLeases("q", [attempt]);
    await engine.clock.advance(79_000);
    expect(await engine.broker.listExpired("q", 10)).toEqual([]);
    await engine.close();
  });
});

describe("the memory engine, given a message that belongs to another task", () => {
  it("archives it, since its outcome would be written to that other one", async () => {
    const engine = await openMemory();
    await engine.inject("q", "wrong-id", encodeTaskMessage(message("q", { id: "other" })));
    await engine.inject("q", "wrong-queue", encodeTaskMessage(message("elsewhere", { id: "wrong-queue" })));
    const { leased, quarantined } = await engine.broker.exchange("q", [], 5);
    expect(leased).toEqual([]);
    expect(quarantined).toEqual(["wrong-id", "wrong-queue"]);
    expect(await counts(engine, "q")).toEqual({ archived: 2 });
    await engine.close();
  });
});

describe("the memory engine at a hundred thousand tasks", () => {
  it("takes them in, runs them and lets them go", async () => {
    const engine = await openMemory();
    const entries = Array.from({ length: 100_000 }, (_, i) => ({
      message: message("q"),
      ...(i % 2 === 0 && { processAt: engine.clock.now() + 1 + ((i * 7_919) % 50_000) }),
    }));
    await engine.broker.enqueue(entries);
    expect(await counts(engine, "q")).toEqual({ pending: 50_000, scheduled: 50_000 });
    await engine.clock.advance(50_000);
    expect((await engine.broker.forward("q", 60_000)).moved).toBe(50_000);

    let { leased } = await engine.broker.exchange("q", [], 1_000);
    while (leased.length > 0) {
      const outcomes = leased.map((attempt, i) => ({
        leased: attempt,
        settlement: i === 0 ? archive(attempt) : done,
      }));
      ({ leased } = await engine.broker.exchange("q", outcomes, 1_000));
    }
    expect(await counts(engine, "q")).toEqual({ archived: 100 });
    await engine.close();
  });
});

describe("the memory engine's store", () => {
  it("forgets a group with its last task", async () => {
    const engine = await openMemory();
    const queue = engine.store.queue("q");
    const [first, second] = [
      await enqueued(engine, "q", { groupKey: "g" }),
      await enqueued(engine, "q", { groupKey: "g" }),
    ];
    for (const [id, groups] of [
      [first, 1],
      [second, 0],
    ] as const) {
      queue.remove(queue.tasks.get(id) as StoredTask);
      expect(queue.groups.size).toBe(groups);
    }
    await engine.close();
  });

  it("forgets what a watch was armed for when it closes", async () => {
    const engine = await openMemory();
    const queue = engine.store.queue("q");
    const watch = engine.broker.watch(() => undefined);
    watch.arm("q", "pending");
    watch.arm("q", "delayed");
    await watch.close();
    expect([queue.armed.pending.size, queue.armed.delayed.size]).toEqual([0, 0]);
    await engine.close();
  });
});

describe("listening to the memory engine", () => {
  it("wakes before the call that gave the reason is answered", async () => {
    const engine = await openMemory();
    const woken: string[] = [];
    const watch = engine.broker.watch((queue, kind) => woken.push(`${kind}:${queue}`));
    watch.arm("q", "pending");
    await enqueued(engine, "q");
    expect(woken).toEqual(["pending:q"]);
    expect(watch.live).toBe(true);
    await settled(engine, await leasedOne(engine, "q"), done);
    await engine.close();
  });

  it("ends with the engine", async () => {
    const engine = await openMemory();
    const other = await engine.another();
    const seen: string[] = [];
    const watch = other.broker.watch((queue) => seen.push(queue));
    watch.arm("q", "pending");
    await other.broker.subscribeCancelations((taskId) => seen.push(taskId));
    await other.close();
    await enqueued(engine, "q");
    await engine.broker.publishCancelation("id");
    await new Promise(setImmediate);
    expect(seen).toEqual([]);
    await engine.close();
  });
});
