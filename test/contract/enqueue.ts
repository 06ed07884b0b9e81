import { expect, it } from "vitest";
import type { EnqueueAnswer } from "../../src/broker/enqueue-entry.ts";
import type { TaskMessage } from "../../src/protocol/task-message.ts";
import type { OpenEngine } from "./harness.ts";
import {
  archive,
  complete,
  counts,
  done,
  enqueued,
  leasedOne,
  message,
  record,
  retry,
  running,
  settled,
  stateOf,
  text,
  unique,
} from "./tasks.ts";

export function enqueueContract(open: OpenEngine): void {
  it("stores a task as pending and makes its queue known", async () => {
    const engine = await open();
    const queue = engine.queue();
    const task = message(queue);

    expect(await engine.broker.enqueue([{ message: task }])).toEqual([
      { status: "enqueued", state: "pending" },
    ]);
    expect(await engine.inspection.queues()).toEqual([queue]);
    expect(await counts(engine, queue)).toEqual({ pending: 1 });
    expect(await stateOf(engine, queue, task.id)).toBe("pending");
  });

  it("hands a message out exactly as it was enqueued", async () => {
    const engine = await open();
    const queue = engine.queue();
    const task = message(queue, {
      type: "bild:groß",
      payload: Uint8Array.from({ length: 256 }, (_, byte) => byte),
      retry: 3,
      retried: 2,
      errorMsg: "дважды",
      timeout: 12,
      deadline: 9_007_199_254_740_993n,
      lastFailedAt: 1_700_000_000,
      retention: 3_600,
      headers: new Map([
        ["trace", "abc"],
        ["", ""],
      ]),
      unknownFields: Uint8Array.of(0xfa, 0x3e, 2, 1, 2),
    });
    await engine.broker.enqueue([{ message: task }]);

    expect(comparable((await leasedOne(engine, queue)).message)).toEqual(comparable(task));
  });

  it("keeps apart what it stores and what callers hold", async () => {
    const engine = await open();
    const queue = engine.queue();
    const payload = Buffer.from("untouched");
    const id = await enqueued(engine, queue, { payload });
    payload.fill("x");

    const attempt = await leasedOne(engine, queue);
    expect(text(attempt.message.payload)).toBe("untouched");
    attempt.message.payload?.fill(0);
    const result = Buffer.from("result");
    await engine.broker.writeResult(attempt, result);
    result.fill("x");
    const stored = await record(engine, queue, id);
    expect([text(stored.message?.payload), text(stored.result)]).toEqual(["untouched", "result"]);
    stored.result?.fill(0);
    expect(text((await record(engine, queue, id)).result)).toBe("result");
  });

  it("answers every entry of a mixed batch in its place", async () => {
    const engine = await open();
    const queue = engine.queue();
    const other = engine.queue();
    const taken = await enqueued(engine, queue);
    const later = engine.broker.now() + 60_000;
    const holder = unique(queue, "k");

    const answers = await engine.broker.enqueue([
      { message: message(queue) },
      { message: message(queue), processAt: later },
      { message: message(queue, { id: taken }) },
      holder,
      unique(queue, "k"),
      { message: message(other, { groupKey: "g" }) },
      { message: message(other, { id: taken }) },
    ]);

    expect(answers).toEqual<EnqueueAnswer[]>([
      { status: "enqueued", state: "pending" },
      { status: "enqueued", state: "scheduled" },
      { status: "conflict" },
      { status: "enqueued", state: "pending" },
      { status: "duplicate", holder: holder.message.id },
      { status: "enqueued", state: "aggregating" },
      { status: "enqueued", state: "pending" },
    ]);
    expect(await counts(engine, queue)).toEqual({ pending: 3, scheduled: 1 });
    expect(await counts(engine, other)).toEqual({ pending: 1, aggregating: 1 });
    expect(new Set(await engine.inspection.queues())).toEqual(new Set([queue, other]));
  });

  it("answers an empty batch with nothing", async () => {
    const engine = await open();
    expect(await engine.broker.enqueue([])).toEqual([]);
    expect(await engine.inspection.queues()).toEqual([]);
  });

  it("runs a task at once whose instant has passed", async () => {
    const engine = await open();
    const queue = engine.queue();
    const past = engine.broker.now() - 1;
    expect(await engine.broker.enqueue([{ message: message(queue), processAt: past }])).toEqual([
      { status: "enqueued", state: "pending" },
    ]);
  });

  it("refuses an id that is taken and leaves its holder as it is", async () => {
    const engine = await open();
    const queue = engine.queue();
    const id = await enqueued(engine, queue, { type: "first" });

    const second = { message: message(queue, { id, type: "second" }) };
    expect(await engine.broker.enqueue([second, second])).toEqual([
      { status: "conflict" },
      { status: "conflict" },
    ]);
    expect((await record(engine, queue, id)).message?.type).toBe("first");
    expect(await counts(engine, queue)).toEqual({ pending: 1 });
  });

  it("accepts an id once, however many ask for it at the same time", async () => {
    const engine = await open();
    const queue = engine.queue();
    const other = await engine.another();
    const brokers = Array.from({ length: 50 }, (_, i) => (i % 2 === 0 ? engine.broker : other.broker));

    const answers = await Promise.all(
      brokers.map((broker) => broker.enqueue([{ message: message(queue, { id: "one" }) }])),
    );

    const statuses = answers.flat().map(({ status }) => status);
    expect(statuses.filter((status) => status === "enqueued")).toHaveLength(1);
    expect(statuses.filter((status) => status === "conflict")).toHaveLength(49);
  });

  it("keeps an id taken as long as its task is kept, and no longer", async () => {
    const engine = await open();
    const queue = engine.queue();
    const again = (id: string) => engine.broker.enqueue([{ message: message(queue, { id }) }]);

    const succeeds = await running(engine, queue);
    expect(await again(succeeds.message.id)).toEqual([{ status: "conflict" }]);
    await settled(engine, succeeds, done);

    const kept = await running(engine, queue);
    await settled(engine, kept, complete(kept, engine.broker.now() + 60_000));
    expect(await again(kept.message.id)).toEqual([{ status: "conflict" }]);

    const fails = await running(engine, queue);
    await settled(engine, fails, archive(fails));
    expect(await again(fails.message.id)).toEqual([{ status: "conflict" }]);

    expect(await again(succeeds.message.id)).toEqual([{ status: "enqueued", state: "pending" }]);
  });

  it("lets a new task take the place of a finished one where that is asked for", async () => {
    const engine = await open();
    const queue = engine.queue();
    const replacing = (id: string) =>
      engine.broker.enqueue([{ message: message(queue, { id, type: "new" }), replaceFinished: true }]);

    const kept = await running(engine, queue);
    await engine.broker.writeResult(kept, Buffer.from("old result"));
    await settled(engine, kept, complete(kept, engine.broker.now() + 60_000));
    const failed = await running(engine, queue);
    await settled(engine, failed, archive(failed));

    for (const { message } of [kept, failed]) {
      expect(await replacing(message.id)).toEqual([{ status: "enqueued", state: "pending" }]);
      const replaced = await record(engine, queue, message.id);
      expect(replaced).toMatchObject({ state: "pending", message: { type: "new" } });
      expect(replaced.result).toBeUndefined();
    }
    expect(await counts(engine, queue)).toEqual({ pending: 2 });
  });

  it("keeps a finished task whose replacement cannot be encoded", async () => {
    const engine = await open();
    const queue = engine.queue();
    const kept = await running(engine, queue);
    await settled(engine, kept, complete(kept, engine.broker.now() + 60_000));
    const tooLarge = message(queue, { id: kept.message.id, deadline: 2n ** 64n });

    // Whether the call or its one answer fails is not the point.
    const [told] = await Promise.allSettled([
      engine.broker.enqueue([{ message: tooLarge, replaceFinished: true }]),
    ]);
    expect(told.status === "rejected" || told.value[0]?.status === "failed").toBe(true);
    expect(await counts(engine, queue)).toEqual({ completed: 1 });
    expect(await stateOf(engine, queue, kept.message.id)).toBe("completed");
  });

  it("never replaces a task that is not finished", async () => {
    const engine = await open();
    const queue = engine.queue();
    const waits = await running(engine, queue);
    await settled(engine, waits, retry(waits, engine.broker.now() + 60_000));
    const runs = (await running(engine, queue)).message.id;
    const scheduled = await enqueued(engine, queue, {}, { processAt: engine.broker.now() + 60_000 });
    const pending = await enqueued(engine, queue);
    const grouped = await enqueued(engine, queue, { groupKey: "g" });

    for (const id of [waits.message.id, runs, scheduled, pending, grouped]) {
      const entry = { message: message(queue, { id }), replaceFinished: true };
      expect(await engine.broker.enqueue([entry])).toEqual([{ status: "conflict" }]);
    }
    expect(await counts(engine, queue)).toEqual({
      retry: 1,
      active: 1,
      scheduled: 1,
      pending: 1,
      aggregating: 1,
    });
  });

  it("stores nothing when it was told to give up before it began", async () => {
    const engine = await open();
    const queue = engine.queue();
    const entries = [{ message: message(queue) }, unique(queue, "k")];
    const answers = await engine.broker.enqueue(entries, { signal: AbortSignal.abort() });
    expect(answers).toMatchObject([
      { status: "failed", error: { code: "ENGINE_UNAVAILABLE" } },
      { status: "failed", error: { code: "ENGINE_UNAVAILABLE" } },
    ]);
    expect(await counts(engine, queue)).toEqual({});
  });
}

/** Bytes as hexadecimal text and headers as entries: equal whatever holds them. */
function comparable(task: TaskMessage): unknown {
  const { payload, unknownFields, headers, ...fields } = task;
  const hex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString("hex");
  return { ...fields, payload: hex(payload), unknownFields: hex(unknownFields), headers: [...headers] };
}
