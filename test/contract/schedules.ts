import { expect, it } from "vitest";
import type { Tick, TickAnswer } from "../../src/broker/schedule-store.ts";
import type { SchedulerEntry } from "../../src/protocol/scheduler-entry.ts";
import { NEVER, timestampOf } from "../../src/protocol/timestamp.ts";
import type { EngineHarness, OpenEngine } from "./harness.ts";
import { counts, done, enqueued, leasedOne, message, settled, unique } from "./tasks.ts";

const MINUTE = 60_000;

/** The last whole minute. */
function minute({ clock }: EngineHarness): number {
  return Math.floor(clock.now() / MINUTE) * MINUTE;
}

/** A tick of the entry `e`, remembered for an hour. */
export function tickOf(queue: string, at: number, fields: Partial<Tick> = {}): Tick {
  return {
    entryId: "e",
    at,
    task: { message: message(queue) },
    memory: 60 * MINUTE,
    startedAt: at,
    digest: "a1",
    claimUntil: at + 2 * MINUTE,
    ...fields,
  };
}

const USED: TickAnswer = { status: "used", enqueued: { status: "enqueued", state: "pending" } };

export function scheduleContract(open: OpenEngine): void {
  it("enqueues the task of a tick once, whoever asks, and says which task that was", async () => {
    const engine = await open();
    const queue = engine.queue();
    const other = await engine.another();
    const stores = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? engine.engine : other).schedules);
    const asked = stores.map(() => tickOf(queue, minute(engine)));

    const answers = await Promise.all(stores.map((store, i) => store.enqueueTick(asked[i] as Tick)));

    const winner = answers.findIndex(({ status }) => status === "used");
    const taskId = asked[winner]?.task.message.id;
    expect(answers).toEqual(answers.map((_, i) => (i === winner ? USED : { status: "taken", taskId })));
    expect(await counts(engine, queue)).toEqual({ pending: 1 });
    expect((await leasedOne(engine, queue)).message.id).toBe(taskId);
  });

  it("does not enqueue a tick again whose task has ended and is gone", async () => {
    const engine = await open();
    const queue = engine.queue();
    const at = minute(engine);
    const { schedules } = engine.engine;
    expect(await schedules.enqueueTick(tickOf(queue, at))).toEqual(USED);
    await settled(engine, await leasedOne(engine, queue), done);
    expect(await schedules.enqueueTick(tickOf(queue, at))).toMatchObject({ status: "taken" });
    expect(await schedules.enqueueTick(tickOf(queue, at - MINUTE))).toMatchObject({ status: "taken" });
    expect(await counts(engine, queue)).toEqual({});
  });

  it("tells entries, queues and later ticks apart", async () => {
    const engine = await open();
    const [queue, otherQueue] = [engine.queue(), engine.queue()];
    const at = minute(engine);
    const { schedules } = engine.engine;
    expect(await schedules.enqueueTick(tickOf(queue, at - MINUTE))).toEqual(USED);
    expect(await schedules.enqueueTick(tickOf(queue, at))).toEqual(USED);
    expect(await schedules.enqueueTick(tickOf(queue, at, { entryId: "f" }))).toEqual(USED);
    expect(await schedules.enqueueTick(tickOf(otherQueue, at))).toEqual(USED);
    expect(await schedules.lastTick(queue, "e")).toBe(at);
    expect(await schedules.lastTick(queue, "g")).toBeUndefined();
    expect(await engine.inspection.queues()).toHaveLength(2);
  });

  it("refuses a tick before its time, and one that is too old to know whether it was enqueued", async () => {
    const engine = await open();
    const queue = engine.queue();
    const now = Math.floor(engine.clock.now() / 1_000) * 1_000;
    const { schedules } = engine.engine;
    expect(await schedules.enqueueTick(tickOf(queue, now + 4_000))).toEqual({ status: "early" });
    expect(await schedules.enqueueTick(tickOf(queue, now - 31 * MINUTE))).toEqual({ status: "late" });
    expect(await schedules.lastTick(queue, "e")).toBeUndefined();
    expect(await schedules.enqueueTick(tickOf(queue, now - 29 * MINUTE))).toEqual(USED);
    expect(await schedules.enqueueTick(tickOf(queue, now + 1_000))).toEqual(USED);
  });

  it("forgets a tick after its time", async () => {
    const engine = await open();
    const queue = engine.queue();
    const { schedules } = engine.engine;
    await schedules.enqueueTick(tickOf(queue, minute(engine)));
    await engine.clock.advance(61 * MINUTE);
    expect(await schedules.lastTick(queue, "e")).toBeUndefined();
  });

  it("uses up a tick whose task is a duplicate, or whose id is taken", async () => {
    const engine = await open();
    const queue = engine.queue();
    const at = minute(engine);
    const { schedules } = engine.engine;
    const holder = unique(queue, "k");
    await engine.broker.enqueue([holder]);
    const duplicate = tickOf(queue, at, { task: unique(queue, "k") });
    expect(await schedules.enqueueTick(duplicate)).toEqual({
      status: "used",
      enqueued: { status: "duplicate", holder: holder.message.id },
    });
    expect(await schedules.enqueueTick(duplicate)).toMatchObject({ status: "taken" });

    const id = await enqueued(engine, queue);
    const conflict = tickOf(queue, at, { entryId: "f", task: { message: message(queue, { id }) } });
    expect(await schedules.enqueueTick(conflict)).toEqual({
      status: "used",
      enqueued: { status: "conflict" },
    });
    expect(await schedules.enqueueTick(conflict)).toEqual({ status: "taken", taskId: id });
    expect(await counts(engine, queue)).toEqual({ pending: 2 });
  });

  it("leaves the tick of a task that cannot be stored", async () => {
    const engine = await open();
    const queue = engine.queue();
    const at = minute(engine);
    const { schedules } = engine.engine;
    const tooLarge = tickOf(queue, at, { task: { message: message(queue, { deadline: 2n ** 64n }) } });
    await expect(schedules.enqueueTick(tooLarge)).rejects.toThrow();
    expect(await schedules.lastTick(queue, "e")).toBeUndefined();
    expect(await schedules.enqueueTick(tickOf(queue, at))).toEqual(USED);
  });

  it("enqueues whatever kind of task an entry has", async () => {
    const engine = await open();
    const queue = engine.queue();
    const at = minute(engine);
    const { schedules } = engine.engine;
    const tasks = {
      later: { message: message(queue), processAt: engine.clock.now() + 90_500 },
      soon: { message: message(queue), processAt: engine.clock.now() + 10_250 },
      grouped: { message: message(queue, { groupKey: "g" }) },
      locked: unique(queue, "k"),
    };
    for (const [entryId, task] of Object.entries(tasks)) {
      expect(await schedules.enqueueTick(tickOf(queue, at, { entryId, task }))).toMatchObject({
        status: "used",
        enqueued: { status: "enqueued" },
      });
    }
    expect(await counts(engine, queue)).toEqual({ scheduled: 2, aggregating: 1, pending: 1 });
  });

  it("heeds the newer of two schedulers that mean different things by one id, from its first tick on", async () => {
    const engine = await open();
    const queue = engine.queue();
    const at = minute(engine);
    const { schedules } = engine.engine;
    const older = (tick: number) =>
      schedules.enqueueTick(tickOf(queue, tick, { startedAt: 1_000, digest: "0" }));
    const newer = (tick: number) =>
      schedules.enqueueTick(
        tickOf(queue, tick, { startedAt: 2_000, digest: "b", claimUntil: at + 10 * MINUTE }),
      );

    expect(await older(at - MINUTE)).toEqual(USED);
    expect(await newer(at)).toEqual(USED);
    await engine.clock.advance(MINUTE);
    expect(await older(at + MINUTE)).toEqual({ status: "superseded" });
    await engine.clock.advance(10 * MINUTE);
    // It did not come again: whoever is left goes on.
    expect(await older(at + 11 * MINUTE)).toEqual(USED);
    expect(await newer(at + 11 * MINUTE)).toMatchObject({ status: "taken" });
  });

  it("lets any of several schedulers that mean the same enqueue", async () => {
    const engine = await open();
    const queue = engine.queue();
    const at = minute(engine);
    const { schedules } = engine.engine;
    const claimUntil = at + 10 * MINUTE;
    expect(await schedules.enqueueTick(tickOf(queue, at - MINUTE, { startedAt: 2_000, claimUntil }))).toEqual(
      USED,
    );
    expect(await schedules.enqueueTick(tickOf(queue, at, { startedAt: 1_000, claimUntil }))).toEqual(USED);
    // The newer one has not lost its right by that.
    await engine.clock.advance(MINUTE);
    const between = tickOf(queue, at + MINUTE, { startedAt: 1_500, digest: "c" });
    expect(await schedules.enqueueTick(between)).toEqual({ status: "superseded" });
  });

  it("shows what schedulers have to do while they are alive, in their order", async () => {
    const engine = await open();
    const { schedules } = engine.engine;
    await schedules.writeEntries("host:1:one", [entry("a"), entry("b")], 20_000);
    await schedules.writeEntries("host:2:two", [entry("c")], 20_000);
    expect(await entryIds(engine)).toEqual(["a", "b", "c"]);
    expect((await schedules.listEntries())[0]).toEqual(entry("a"));

    await engine.clock.advance(15_000);
    await schedules.writeEntries("host:1:one", [entry("b")], 20_000);
    await engine.clock.advance(10_000);
    expect(await entryIds(engine)).toEqual(["b"]);
    await schedules.writeEntries("host:1:one", [], 20_000);
    expect(await entryIds(engine)).toEqual([]);
    await schedules.writeEntries("host:1:one", [entry("b")], 20_000);
    await schedules.clearEntries("host:1:one");
    await schedules.clearEntries("host:1:one");
    expect(await entryIds(engine)).toEqual([]);
  });

  it("keeps the last 1,000 events of an entry, the newest first, and none for ever", async () => {
    const engine = await open();
    const { schedules } = engine.engine;
    const start = engine.clock.now();
    const event = (i: number) => ({
      taskId: `task-${i}`,
      enqueueTime: timestampOf(start - 2_000_000 + i * 1_000),
    });
    for (let i = 0; i < 1_005; i += 1) await schedules.recordEvent("e", event(i));
    await schedules.recordEvent("other", event(0));

    expect(await schedules.listEvents("e", { page: 0, size: 2 })).toEqual([event(1_004), event(1_003)]);
    expect(await schedules.listEvents("e", { page: 1, size: 2 })).toEqual([event(1_002), event(1_001)]);
    expect(await schedules.listEvents("e", { page: 0, size: 2_000 })).toHaveLength(1_000);
    expect(await schedules.listEvents("e", { page: 9, size: 200 })).toEqual([]);
    expect(await schedules.listEvents("nobody", { page: 0, size: 2 })).toEqual([]);

    await engine.clock.advance(91 * 86_400_000);
    const later = { taskId: "later", enqueueTime: timestampOf(engine.clock.now()) };
    await schedules.recordEvent("later", later);
    expect(await schedules.listEvents("later", { page: 0, size: 2 })).toEqual([later]);
    expect(await schedules.listEvents("e", { page: 0, size: 2 })).toEqual([]);
  });

  it("stores entries for all who use it, and tells whether anything has changed", async () => {
    const engine = await open();
    const { schedules } = engine.engine;
    const other = (await engine.another()).schedules;
    const before = await schedules.storedSchedules();
    expect(before).toMatchObject({ entries: [], paused: new Set() });
    expect(await other.storedSchedules(before?.version)).toBeUndefined();

    await schedules.putEntry({ id: "a", definition: "first" });
    await schedules.putEntry({ id: "b", definition: "ü" });
    await schedules.putEntry({ id: "a", definition: "second" });
    const stored = await other.storedSchedules(before?.version);
    expect(stored?.entries.toSorted((a, b) => (a.id < b.id ? -1 : 1))).toEqual([
      { id: "a", definition: "second" },
      { id: "b", definition: "ü" },
    ]);
    expect(await other.storedSchedules(stored?.version)).toBeUndefined();

    expect(await other.removeEntry("a")).toBe(true);
    expect(await other.removeEntry("a")).toBe(false);
    expect((await schedules.storedSchedules(stored?.version))?.entries).toEqual([
      { id: "b", definition: "ü" },
    ]);
  });

  it("remembers which entries are paused, stored or not", async () => {
    const engine = await open();
    const { schedules } = engine.engine;
    const paused = async () => (await schedules.storedSchedules())?.paused;
    await schedules.putEntry({ id: "stored", definition: "x" });
    expect(await schedules.setPaused("stored", true)).toBe(true);
    expect(await schedules.setPaused("stored", true)).toBe(false);
    expect(await schedules.setPaused("elsewhere", true)).toBe(true);
    const version = (await schedules.storedSchedules())?.version;
    expect(await paused()).toEqual(new Set(["stored", "elsewhere"]));
    expect((await schedules.storedSchedules())?.entries).toHaveLength(1);

    expect(await schedules.setPaused("elsewhere", false)).toBe(true);
    expect(await schedules.setPaused("elsewhere", false)).toBe(false);
    expect(await schedules.storedSchedules(version)).toBeDefined();
    await schedules.removeEntry("stored");
    expect(await paused()).toEqual(new Set());
  });
}

function entry(id: string): SchedulerEntry {
  return {
    id,
    spec: "@every 1m",
    taskType: "email:welcome",
    taskPayload: Buffer.from("{}"),
    enqueueOptions: ['Queue("low")'],
    nextEnqueueTime: timestampOf(1_700_000_000_000),
    prevEnqueueTime: NEVER,
  };
}

async function entryIds({ engine }: EngineHarness): Promise<string[]> {
  return (await engine.schedules.listEntries()).map(({ id }) => id).sort();
}
