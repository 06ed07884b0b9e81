import { expect, it } from "vitest";
import type { EnqueueEntry } from "../../src/broker/enqueue-entry.ts";
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
  settled,
  unique,
} from "./tasks.ts";

export function uniqueContract(open: OpenEngine): void {
  it("refuses an equal task, naming the holder, until the lock's time is up", async () => {
    const engine = await open();
    const queue = engine.queue();
    const first = unique(queue, "k", 60_000);
    await engine.broker.enqueue([first]);

    await engine.clock.advance(58_000);
    expect(await engine.broker.enqueue([unique(queue, "k")])).toEqual([
      { status: "duplicate", holder: first.message.id },
    ]);
    await engine.clock.advance(4_000);
    expect(await engine.broker.enqueue([unique(queue, "k")])).toEqual([
      { status: "enqueued", state: "pending" },
    ]);
  });

  it("tells who holds a lock, and until when", async () => {
    const engine = await open();
    const queue = engine.queue();
    const first = unique(queue, "k", 60_000);
    const { uniqueKey } = first.message;
    expect(await engine.inspection.uniqueLock(queue, uniqueKey)).toBeUndefined();
    await engine.broker.enqueue([first]);
    const until = engine.broker.now() + 60_000;

    await engine.clock.advance(20_000);
    const held = await engine.inspection.uniqueLock(queue, uniqueKey);
    expect(held?.holder).toBe(first.message.id);
    expect(Math.abs((held?.until ?? 0) - until)).toBeLessThanOrEqual(2_000);
    expect(await engine.inspection.uniqueLock(queue, `${uniqueKey}x`)).toBeUndefined();
    await engine.inspection.changeTasks(queue, "delete", [first.message.id]);
    expect(await engine.inspection.uniqueLock(queue, uniqueKey)).toBeUndefined();
  });

  it("locks for tasks that are scheduled or grouped as well", async () => {
    const engine = await open();
    const queue = engine.queue();
    const scheduled = { ...unique(queue, "a"), processAt: engine.broker.now() + 30_000 };
    const grouped = unique(queue, "b", 60_000, { groupKey: "g" });
    await engine.broker.enqueue([scheduled, grouped]);

    expect(await engine.broker.enqueue([unique(queue, "a"), unique(queue, "b")])).toEqual([
      { status: "duplicate", holder: scheduled.message.id },
      { status: "duplicate", holder: grouped.message.id },
    ]);
  });

  it("takes no lock for a task that it refuses", async () => {
    const engine = await open();
    const queue = engine.queue();
    const id = await enqueued(engine, queue);

    expect(await engine.broker.enqueue([unique(queue, "k", 60_000, { id })])).toEqual([
      { status: "conflict" },
    ]);
    expect(await engine.broker.enqueue([unique(queue, "k")])).toEqual([
      { status: "enqueued", state: "pending" },
    ]);
  });

  it("refuses an id that is taken, however its holder and the newcomer wait, with a lock and without", async () => {
    const engine = await open();
    const later = () => ({ processAt: engine.broker.now() + 60_000 });
    const ways: (() => [fields: Partial<TaskMessage>, entry: Omit<EnqueueEntry, "message">])[] = [
      () => [{}, {}],
      () => [{}, later()],
      () => [{ groupKey: "g" }, {}],
    ];
    for (const held of ways) {
      const queue = engine.queue();
      const [fields, entry] = held();
      const id = await enqueued(engine, queue, fields, entry);
      const before = await record(engine, queue, id);
      for (const newcomer of ways) {
        const [fields, entry] = newcomer();
        const again = { message: message(queue, { ...fields, id, payload: Buffer.from("again") }), ...entry };
        expect(await engine.broker.enqueue([again])).toEqual([{ status: "conflict" }]);
        const locked = { ...unique(queue, "k", 60_000, { ...fields, id }), ...entry };
        expect(await engine.broker.enqueue([locked])).toEqual([{ status: "conflict" }]);
      }
      expect(await record(engine, queue, id)).toEqual(before);
      expect(Object.values(await counts(engine, queue))).toEqual([1]);
      expect(await engine.broker.enqueue([unique(queue, "k")])).toMatchObject([{ status: "enqueued" }]);
    }
  });

  it("says duplicate before conflict where both hold", async () => {
    const engine = await open();
    const queue = engine.queue();
    const id = await enqueued(engine, queue);
    const holder = unique(queue, "k");
    await engine.broker.enqueue([holder]);

    expect(await engine.broker.enqueue([unique(queue, "k", 60_000, { id })])).toEqual([
      { status: "duplicate", holder: holder.message.id },
    ]);
  });

  it("says conflict, not duplicate, to a repeat of the very task that holds the lock", async () => {
    const engine = await open();
    const entry = unique(engine.queue(), "k");
    await engine.broker.enqueue([entry]);
    expect(await engine.broker.enqueue([entry])).toEqual([{ status: "conflict" }]);
  });

  it("frees the lock on success, kept or not", async () => {
    const engine = await open();
    const queue = engine.queue();
    for (const keep of [false, true]) {
      await engine.broker.enqueue([unique(queue, "k")]);
      const attempt = await leasedOne(engine, queue);
      await settled(engine, attempt, keep ? complete(attempt, engine.broker.now() + 60_000) : done);
    }
    expect(await engine.broker.enqueue([unique(queue, "k")])).toEqual([
      { status: "enqueued", state: "pending" },
    ]);
  });

  it("keeps the lock through retries and in the archive, for its time", async () => {
    const engine = await open();
    const queue = engine.queue();
    await engine.broker.enqueue([unique(queue, "retried"), unique(queue, "archived")]);
    const retried = await leasedOne(engine, queue);
    const archived = await leasedOne(engine, queue);
    await settled(engine, retried, retry(retried, engine.broker.now() + 3_600_000));
    await settled(engine, archived, archive(archived));
    const again = () => engine.broker.enqueue([unique(queue, "retried"), unique(queue, "archived")]);

    expect(await again()).toEqual([
      { status: "duplicate", holder: retried.message.id },
      { status: "duplicate", holder: archived.message.id },
    ]);
    await engine.clock.advance(62_000);
    expect(await again()).toEqual([
      { status: "enqueued", state: "pending" },
      { status: "enqueued", state: "pending" },
    ]);
  });

  it("frees only a lock that is still the task's own", async () => {
    const engine = await open();
    const queue = engine.queue();
    await engine.broker.enqueue([unique(queue, "k", 10_000)]);
    const slow = await leasedOne(engine, queue);
    await engine.clock.advance(12_000);
    const second = unique(queue, "k", 60_000);
    await engine.broker.enqueue([second]);

    expect(await settled(engine, slow, done)).toBe("settled");
    expect(await engine.broker.enqueue([unique(queue, "k")])).toEqual([
      { status: "duplicate", holder: second.message.id },
    ]);
  });

  it("frees the lock of a finished task that another one replaces", async () => {
    const engine = await open();
    const queue = engine.queue();
    const entry = unique(queue, "k");
    await engine.broker.enqueue([entry]);
    const attempt = await leasedOne(engine, queue);
    await settled(engine, attempt, archive(attempt));

    const { id } = entry.message;
    await engine.broker.enqueue([{ message: message(queue, { id }), replaceFinished: true }]);
    expect(await engine.broker.enqueue([unique(queue, "k")])).toEqual([
      { status: "enqueued", state: "pending" },
    ]);
  });

  it("lets a finished holder be replaced by its own like, which then holds the lock", async () => {
    const engine = await open();
    const queue = engine.queue();
    const entry = unique(queue, "k");
    await engine.broker.enqueue([entry]);
    const attempt = await leasedOne(engine, queue);
    await settled(engine, attempt, archive(attempt));

    expect(await engine.broker.enqueue([{ ...entry, replaceFinished: true }])).toEqual([
      { status: "enqueued", state: "pending" },
    ]);
    expect(await engine.broker.enqueue([unique(queue, "k")])).toEqual([
      { status: "duplicate", holder: entry.message.id },
    ]);
    expect(await counts(engine, queue)).toEqual({ pending: 1 });
  });

  it("frees the lock of an archived task that is trimmed", async () => {
    const engine = await open();
    const queue = engine.queue();
    const days = 86_400_000;
    await engine.broker.enqueue([unique(queue, "k", 200 * days)]);
    const attempt = await leasedOne(engine, queue);
    await settled(engine, attempt, archive(attempt));

    await engine.clock.advance(91 * days);
    expect(await engine.broker.trimArchive(queue, 10)).toBe(1);
    expect(await engine.broker.enqueue([unique(queue, "k")])).toEqual([
      { status: "enqueued", state: "pending" },
    ]);
  });
}
