import { expect, it } from "vitest";
import type { ExpiredLease, Leased } from "../../src/broker/broker.ts";
import { InvalidOptionError } from "../../src/errors.ts";
import type { EngineHarness, OpenEngine } from "./harness.ts";
import {
  archive,
  attempts,
  counts,
  done,
  forwardAll,
  ids,
  leased,
  leasedOne,
  message,
  record,
  requeue,
  retry,
  running,
  settled,
} from "./tasks.ts";

/** Well past lease and grace. */
const LONG_GONE = 62_000;

export function recoveryContract(open: OpenEngine): void {
  it("gives a task up for recovery when its lease has been out for the grace, and not before", async () => {
    const engine = await open();
    const queue = engine.queue();
    const attempt = await running(engine, queue);

    await engine.clock.advance(59_000);
    expect(await engine.broker.listExpired(queue, 10)).toEqual([]);
    await engine.clock.advance(3_000);
    const [expired] = await engine.broker.listExpired(queue, 10);
    expect(expired?.message).toMatchObject({ id: attempt.message.id, type: attempt.message.type });
  });

  it("lists no more than asked for, and nothing of other queues", async () => {
    const engine = await open();
    const queue = engine.queue();
    await engine.broker.enqueue(Array.from({ length: 5 }, () => ({ message: message(queue) })));
    await leased(engine, queue, 5);
    await running(engine, engine.queue());
    await engine.clock.advance(LONG_GONE);

    expect(await engine.broker.listExpired(queue, 3)).toHaveLength(3);
    expect(await engine.broker.listExpired(queue, 10)).toHaveLength(5);
    expect(await engine.broker.listExpired(engine.queue(), 10)).toEqual([]);
  });

  it("retries a task whose server is gone, and counts a failure", async () => {
    const engine = await open();
    const queue = engine.queue();
    const { id } = (await running(engine, queue)).message;
    const expired = await oneExpired(engine, queue);

    const settlement = retry(expired, engine.broker.now() + 20_000);
    expect(await engine.broker.recover(queue, [{ expired, settlement }])).toEqual(["settled"]);
    expect(await record(engine, queue, id)).toMatchObject({
      state: "retry",
      message: { retried: 1, errorMsg: "it broke" },
    });
    expect(await attempts(engine, queue)).toEqual({ processed: 1, failed: 1 });
    expect(await engine.broker.listExpired(queue, 10)).toEqual([]);

    await engine.clock.advance(21_000);
    await forwardAll(engine, queue);
    expect((await leasedOne(engine, queue)).message.id).toBe(id);
  });

  it("archives a task whose retries are used up", async () => {
    const engine = await open();
    const queue = engine.queue();
    const { id } = (await running(engine, queue, { retry: 0 })).message;
    const expired = await oneExpired(engine, queue);

    expect(await engine.broker.recover(queue, [{ expired, settlement: archive(expired) }])).toEqual([
      "settled",
    ]);
    expect(await record(engine, queue, id)).toMatchObject({
      state: "archived",
      message: { errorMsg: "it broke" },
    });
    expect(await attempts(engine, queue)).toEqual({ processed: 1, failed: 1 });
  });

  it("counts nothing for a recovery that is no failure", async () => {
    const engine = await open();
    const queue = engine.queue();
    await running(engine, queue);
    const expired = await oneExpired(engine, queue);
    const settlement = retry(expired, engine.broker.now() + 20_000, false);
    expect(await engine.broker.recover(queue, [{ expired, settlement }])).toEqual(["settled"]);
    expect(await attempts(engine, queue)).toEqual({ processed: 0, failed: 0 });
  });

  it("recovers an attempt once, whoever else has listed it", async () => {
    const engine = await open();
    const queue = engine.queue();
    const other = await engine.another();
    await running(engine, queue);
    const mine = await oneExpired(engine, queue);
    const [theirs] = (await other.broker.listExpired(queue, 10)) as [ExpiredLease];
    const settlement = retry(mine, engine.broker.now() + 20_000);

    expect(await engine.broker.recover(queue, [{ expired: mine, settlement }])).toEqual(["settled"]);
    expect(await other.broker.recover(queue, [{ expired: theirs, settlement }])).toEqual(["gone"]);
    expect(await engine.broker.recover(queue, [{ expired: mine, settlement }])).toEqual(["gone"]);
    expect(await attempts(engine, queue)).toEqual({ processed: 1, failed: 1 });
  });

  it("leaves an attempt alone whose lease was renewed after it was listed", async () => {
    const engine = await open();
    const queue = engine.queue();
    const attempt = await running(engine, queue);
    const expired = await oneExpired(engine, queue);
    await engine.broker.extendLeases(queue, [attempt]);

    expect(await engine.broker.recover(queue, [{ expired, settlement: archive(expired) }])).toEqual([
      "fenced",
    ]);
    expect(await counts(engine, queue)).toEqual({ active: 1 });
    expect(await settled(engine, attempt, done)).toBe("settled");
  });

  it("leaves a later attempt alone", async () => {
    const engine = await open();
    const queue = engine.queue();
    const attempt = await running(engine, queue);
    const expired = await oneExpired(engine, queue);
    await settled(engine, attempt, requeue);
    const later = await leasedOne(engine, queue);

    expect(await engine.broker.recover(queue, [{ expired, settlement: archive(expired) }])).toEqual([
      "fenced",
    ]);
    expect(await settled(engine, later, done)).toBe("settled");
  });

  it("recovers nothing in a call in which an instant is none", async () => {
    const engine = await open();
    const queue = engine.queue();
    await engine.broker.enqueue(Array.from({ length: 2 }, () => ({ message: message(queue) })));
    await leased(engine, queue, 2);
    await engine.clock.advance(LONG_GONE);
    const [a, b] = (await engine.broker.listExpired(queue, 10)) as [ExpiredLease, ExpiredLease];
    for (const none of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const recoveries = [
        { expired: a, settlement: archive(a) },
        { expired: b, settlement: retry(b, none) },
      ];
      await expect(engine.broker.recover(queue, recoveries)).rejects.toBeInstanceOf(InvalidOptionError);
      expect(await counts(engine, queue)).toEqual({ active: 2 });
    }
  });

  it("answers every recovery in its place", async () => {
    const engine = await open();
    const queue = engine.queue();
    await engine.broker.enqueue(Array.from({ length: 3 }, () => ({ message: message(queue) })));
    const running = await leased(engine, queue, 3);
    await engine.clock.advance(LONG_GONE);
    const expired = await engine.broker.listExpired(queue, 10);
    const byId = new Map(expired.map((each) => [each.message.id, each]));
    const [a, b, c] = running.map(({ message }) => byId.get(message.id) as ExpiredLease) as [
      ExpiredLease,
      ExpiredLease,
      ExpiredLease,
    ];
    await settled(engine, running[1] as Leased, done);

    const retryAt = engine.broker.now() + 60_000;
    expect(
      await engine.broker.recover(queue, [
        { expired: a, settlement: retry(a, retryAt) },
        { expired: b, settlement: retry(b, retryAt) },
        { expired: c, settlement: archive(c) },
      ]),
    ).toEqual(["settled", "gone", "settled"]);
    expect(await counts(engine, queue)).toEqual({ retry: 1, archived: 1 });
  });

  it("lets a server that was only slow change nothing after its task was recovered", async () => {
    const engine = await open();
    const queue = engine.queue();
    const slow = await running(engine, queue);
    const expired = await oneExpired(engine, queue);
    await engine.broker.recover(queue, [
      { expired, settlement: retry(expired, engine.broker.now() + 1_000) },
    ]);

    expect(await settled(engine, slow, done)).toBe("gone");
    expect(await engine.broker.extendLeases(queue, [slow])).toEqual(["lost"]);
    await engine.clock.advance(2_000);
    await forwardAll(engine, queue);
    expect(await settled(engine, slow, archive(slow))).toBe("gone");

    const second = await leasedOne(engine, queue);
    expect(await settled(engine, slow, done)).toBe("fenced");
    expect(await engine.broker.writeResult(slow, Buffer.from("late"))).toBe("fenced");
    expect(await engine.broker.extendLeases(queue, [slow, second])).toEqual(["lost", "extended"]);
    expect(await settled(engine, second, done)).toBe("settled");
    expect(await attempts(engine, queue)).toEqual({ processed: 2, failed: 1 });
  });

  it("shows which active tasks have outlived their lease", async () => {
    const engine = await open();
    const queue = engine.queue();
    const orphan = await running(engine, queue);
    await engine.clock.advance(32_000);
    const alive = await running(engine, queue);

    const listed = await engine.inspection.listTasks(queue, "active", { page: 0, size: 10 });
    expect(ids(listed ?? []).sort()).toEqual([alive.message.id, orphan.message.id].sort());
    expect(ids((listed ?? []).filter(({ orphaned }) => orphaned))).toEqual([orphan.message.id]);
  });

  it("finds nothing to repair where every active task has its lease", async () => {
    const engine = await open();
    const queue = engine.queue();
    const attempt = await running(engine, queue);

    expect(await engine.broker.sweep(queue, 10)).toEqual({ leased: [], dropped: [], more: false });
    await engine.clock.advance(LONG_GONE);
    expect(await engine.broker.sweep(queue, 10)).toEqual({ leased: [], dropped: [], more: false });
    expect(await settled(engine, attempt, done)).toBe("settled");
  });
}

async function oneExpired(engine: EngineHarness, queue: string): Promise<ExpiredLease> {
  await engine.clock.advance(LONG_GONE);
  const expired = await engine.broker.listExpired(queue, 10);
  expect(expired).toHaveLength(1);
  return expired[0] as ExpiredLease;
}
