import { expect, it } from "vitest";
import type { EngineHarness, OpenEngine } from "./harness.ts";
import { attempts, counts, enqueued, forwardAll, ids, message, record, running } from "./tasks.ts";

/** Says that more bytes follow than do. */
const DAMAGED = Uint8Array.of(0x0a, 0xff, 0x01, 0x41);

export function quarantineContract(open: OpenEngine): void {
  it("archives a pending task that it cannot read, bytes untouched, and goes on to the next", async () => {
    const engine = await open();
    const queue = engine.queue();
    await engine.inject(queue, "damaged", DAMAGED);
    const sound = await enqueued(engine, queue);

    const result = await leasedWith(engine, queue, 5);
    expect(result).toEqual({ leased: [sound], quarantined: ["damaged"] });
    await expectQuarantined(engine, queue);
    expect(await counts(engine, queue)).toEqual({ active: 1, archived: 1 });
    expect(await attempts(engine, queue)).toEqual({ processed: 1, failed: 1 });
  });

  it("lets any number of unreadable tasks hold up nothing behind them", async () => {
    const engine = await open();
    const queue = engine.queue();
    const damaged = Array.from({ length: 20 }, (_, i) => `damaged-${i}`);
    for (const id of damaged) await engine.inject(queue, id, DAMAGED);
    const sound = await enqueued(engine, queue);

    const result = await leasedWith(engine, queue, 1);
    expect(result.leased).toEqual([sound]);
    expect(result.quarantined.sort()).toEqual(damaged.sort());
    expect(await counts(engine, queue)).toEqual({ active: 1, archived: 20 });
  });

  it("archives an unreadable task whose server is gone, and recovers its neighbours", async () => {
    const engine = await open();
    const queue = engine.queue();
    await engine.inject(queue, "damaged", DAMAGED, "active");
    const sound = await running(engine, queue);
    await engine.clock.advance(62_000);

    const expired = [
      ...(await engine.broker.listExpired(queue, 10)),
      ...(await engine.broker.listExpired(queue, 10)),
    ];
    expect(new Set(ids(expired))).toEqual(new Set([sound.message.id]));
    await expectQuarantined(engine, queue);
    expect(await counts(engine, queue)).toEqual({ active: 1, archived: 1 });
  });

  it("shows an unreadable task with its bytes, in a list beside the others", async () => {
    const engine = await open();
    const queue = engine.queue();
    for (const state of ["pending", "scheduled", "retry", "archived", "active"] as const) {
      await engine.inject(queue, state, DAMAGED, state);
    }
    const sound = await enqueued(engine, queue);

    const pending = await engine.inspection.listTasks(queue, "pending", { page: 0, size: 10 });
    expect(pending?.map(({ id, message }) => [id, message?.id])).toEqual([
      ["pending", undefined],
      [sound, sound],
    ]);
    for (const state of ["pending", "scheduled", "retry", "archived", "active"] as const) {
      const alone = await record(engine, queue, state);
      expect(alone).toMatchObject({ id: state, queue, state });
      expect(alone.message).toBeUndefined();
      expect(Buffer.from(alone.undecodable ?? []).equals(DAMAGED)).toBe(true);
      const listed = await engine.inspection.listTasks(queue, state, { page: 0, size: 10 });
      expect(listed?.[0]).toMatchObject({ id: state, state });
    }
  });

  it("forwards a due task whether or not it can be read", async () => {
    const engine = await open();
    const queue = engine.queue();
    await engine.inject(queue, "scheduled", DAMAGED, "scheduled");
    await engine.inject(queue, "retry", DAMAGED, "retry");
    const sound = await enqueued(engine, queue, {}, { processAt: engine.broker.now() + 500 });
    await engine.clock.advance(2_000);

    expect((await forwardAll(engine, queue)).moved).toBe(3);
    const result = await leasedWith(engine, queue, 5);
    expect(result.leased).toEqual([sound]);
    expect(result.quarantined.sort()).toEqual(["retry", "scheduled"]);
  });

  it("trims an unreadable archived task like any other", async () => {
    const engine = await open();
    const queue = engine.queue();
    await engine.inject(queue, "damaged", DAMAGED, "archived");
    await engine.clock.advance(91 * 86_400_000);
    expect(await engine.broker.trimArchive(queue, 10)).toBe(1);
    expect(await engine.inspection.taskInfo(queue, "damaged")).toBeUndefined();
  });

  it("keeps an unreadable task's id taken, and lets a new task replace it in the archive", async () => {
    const engine = await open();
    const queue = engine.queue();
    await engine.inject(queue, "damaged", DAMAGED, "archived");
    const entry = { message: message(queue, { id: "damaged" }) };
    expect(await engine.broker.enqueue([entry])).toEqual([{ status: "conflict" }]);
    expect(await engine.broker.enqueue([{ ...entry, replaceFinished: true }])).toEqual([
      { status: "enqueued", state: "pending" },
    ]);
    expect((await record(engine, queue, "damaged")).message).toMatchObject({ id: "damaged" });
  });
}

async function expectQuarantined(engine: EngineHarness, queue: string): Promise<void> {
  const quarantined = await record(engine, queue, "damaged");
  expect(quarantined.state).toBe("archived");
  expect(quarantined.message).toBeUndefined();
  expect(Buffer.from(quarantined.undecodable ?? []).equals(DAMAGED)).toBe(true);
}

/** Leases up to `limit` a call until the queue is empty; ids of all calls together. */
async function leasedWith(engine: EngineHarness, queue: string, limit: number) {
  const leased: (string | undefined)[] = [];
  const quarantined: string[] = [];
  for (let more = true; more; ) {
    const result = await engine.broker.exchange(queue, [], limit);
    leased.push(...ids(result.leased));
    quarantined.push(...result.quarantined);
    more = result.more || (await counts(engine, queue)).pending !== undefined;
  }
  return { leased, quarantined };
}
