import { expect, it } from "vitest";
import type { Leased } from "../../src/broker/broker.ts";
import type { AdmitAnswer, LimitScope, LimitSpec } from "../../src/broker/limits.ts";
import type { EngineHarness, OpenEngine } from "./harness.ts";
import {
  counts,
  done,
  enqueued,
  ids,
  leased,
  requeue,
  retry,
  running,
  settled,
  stateOf,
  unique,
} from "./tasks.ts";

const ONE: LimitSpec = { name: "type:a", keyed: true, concurrency: 1 };
const TWO: LimitSpec = { name: "type:a", keyed: true, concurrency: 2 };
const TEN_A_SECOND: LimitSpec = { name: "type:r", keyed: false, rate: { limit: 10, per: 1_000 } };

export function limitContract(open: OpenEngine): void {
  it("lets as many tasks of a key run at once as it may, and parks the others, scheduled far away", async () => {
    const harness = await open();
    const queue = harness.queue();
    const [a, b, c, other] = await started(harness, queue, 4);
    expect(await admit(harness, queue, TWO, [a, b, c])).toEqual(["admitted", "admitted", "parked"]);
    expect(await admit(harness, queue, TWO, [other], "another key")).toEqual(["admitted"]);
    expect(await counts(harness, queue)).toEqual({ active: 3, scheduled: 1 });

    await harness.clock.advance(86_400_000);
    await harness.broker.forward(queue, 100);
    expect(await stateOf(harness, queue, c.message.id)).toBe("scheduled");
    expect(await settled(harness, c, done)).toBe("gone");
  });

  it("gives a slot that was released to whoever waits for longest, before all that come later", async () => {
    const harness = await open();
    const [queue, other] = [harness.queue(), await harness.another()];
    const [a, b, c] = await started(harness, queue, 3);
    await admit(harness, queue, ONE, [a, b, c]);
    const late = await enqueued(harness, queue);
    expect(await settled(harness, a, done)).toBe("settled");
    await other.limits.release(queue, [{ taskId: a.message.id, scopes: [scope(ONE)] }]);

    const [next, latecomer] = await leased(other, queue, 2);
    expect(ids([next as Leased, latecomer as Leased])).toEqual([b.message.id, late]);
    // Another server may come first with the latecomer.
    expect(await admit(harness, queue, ONE, [latecomer as Leased])).toEqual(["parked"]);
    expect(await admit(harness, queue, ONE, [next as Leased])).toEqual(["admitted"]);
    expect(await finishedInOrder(harness, queue, ONE, next as Leased)).toEqual([c.message.id, late]);
    expect(await counts(harness, queue)).toEqual({});
  });

  it("frees a slot by whatever ends the attempt: a retry, an archive, a recovery", async () => {
    const harness = await open();
    const queue = harness.queue();
    const [a, b, c] = await started(harness, queue, 3);
    await admit(harness, queue, ONE, [a, b, c]);
    await settled(harness, a, retry(a, harness.clock.now() + 60_000));
    await harness.engine.limits.release(queue, [{ taskId: a.message.id, scopes: [scope(ONE)] }]);
    const [next] = await leased(harness, queue, 1);
    expect(await admit(harness, queue, ONE, [next as Leased])).toEqual(["admitted"]);

    // Its server dies: nobody says that it has ended.
    await harness.clock.advance(29_000);
    expect(await harness.engine.limits.review(queue, [ONE])).toMatchObject({ released: 0 });
    await harness.clock.advance(32_000);
    expect(await harness.engine.limits.review(queue, [ONE])).toMatchObject({ released: 0 });
    const [expired] = await harness.broker.listExpired(queue, 10);
    if (expired === undefined) throw new Error("nothing has expired");
    const settlement = retry(expired, harness.clock.now() + 60_000);
    expect(await harness.broker.recover(queue, [{ expired, settlement }])).toEqual(["settled"]);
    await harness.clock.advance(15_000);
    expect(await harness.engine.limits.review(queue, [ONE])).toMatchObject({ released: 1 });
    expect(ids(await leased(harness, queue, 1))).toEqual([c.message.id]);
  });

  it("keeps the turn of a task that was handed back", async () => {
    const harness = await open();
    const queue = harness.queue();
    const [a, b] = await started(harness, queue, 2);
    await admit(harness, queue, ONE, [a, b]);
    expect(await settled(harness, a, requeue)).toBe("settled");
    await harness.engine.limits.release(queue, [
      { taskId: a.message.id, scopes: [scope(ONE)], handedBack: true },
    ]);
    const [again] = await leased(harness, queue, 1);
    expect(again?.message.id).toBe(a.message.id);
    expect(await admit(harness, queue, ONE, [again as Leased])).toEqual(["admitted"]);
    expect(await counts(harness, queue)).toEqual({ active: 1, scheduled: 1 });
    expect(await finishedInOrder(harness, queue, ONE, again as Leased)).toEqual([b.message.id]);
  });

  it("keeps the slot of an attempt whatever is said of an earlier one", async () => {
    const harness = await open();
    const queue = harness.queue();
    const [a, b] = await started(harness, queue, 2);
    await admit(harness, queue, ONE, [a, b]);
    await harness.engine.limits.release(queue, [{ taskId: a.message.id, scopes: [scope(ONE)] }]);
    expect(await counts(harness, queue)).toEqual({ active: 1, scheduled: 1 });
  });

  it("starts no more in any time than a rate allows, and the next as soon as it does", async () => {
    const harness = await open();
    const queue = harness.queue();
    const starts: number[] = [];
    const from = harness.clock.now();
    for (let i = 0; i < 35; i += 1) await enqueued(harness, queue);
    for (let reviews = 0; starts.length < 35 && reviews < 200; reviews += 1) {
      const { leased: found } = await harness.broker.exchange(queue, [], 7);
      const answers = await admit(harness, queue, TEN_A_SECOND, found, "");
      for (const [i, attempt] of found.entries()) {
        if (answers[i] !== "admitted") continue;
        starts.push(harness.clock.now() - from);
        await settled(harness, attempt, done);
      }
      if (found.length > 0) continue;
      const { released, nextAt } = await harness.engine.limits.review(queue, [TEN_A_SECOND]);
      if (released === 0 && nextAt !== undefined)
        await harness.clock.advance(Math.max(1, nextAt - harness.clock.now()));
    }
    expect(starts).toHaveLength(35);
    for (const [i, start] of starts.entries()) {
      const tenth = starts[i + 10];
      if (tenth !== undefined) expect(tenth - start).toBeGreaterThanOrEqual(1_000);
    }
    expect(starts.at(-1)).toBeLessThan(3_500);
    expect(await counts(harness, queue)).toEqual({});
  });

  it("counts starts by a rate when they happen, not when their turn was promised", async () => {
    const harness = await open();
    const queue = harness.queue();
    const spec: LimitSpec = { name: "r", keyed: false, rate: { limit: 1, per: 1_000 } };
    const [a, b, c] = await started(harness, queue, 3);
    expect(await admit(harness, queue, spec, [a, b, c], "")).toEqual(["admitted", "parked", "parked"]);
    await harness.clock.advance(1_000);
    expect(await harness.engine.limits.review(queue, [spec])).toMatchObject({ released: 1 });
    await harness.inspection.pauseQueue(queue);
    await harness.clock.advance(20_000);
    expect(await harness.engine.limits.review(queue, [spec])).toMatchObject({ released: 0 });
    await harness.inspection.unpauseQueue(queue);
    const [second] = await leased(harness, queue, 1);
    expect(await admit(harness, queue, spec, [second as Leased], "")).toEqual(["admitted"]);
    expect(await counts(harness, queue)).toEqual({ active: 2, scheduled: 1 });
  });

  it("lets all go whose limit no live server has", async () => {
    const harness = await open();
    const queue = harness.queue();
    const [a, b, c] = await started(harness, queue, 3);
    await admit(harness, queue, ONE, [a, b, c]);
    await harness.clock.advance(15_000);
    expect(await harness.engine.limits.review(queue, [])).toEqual({ released: 2, nextAt: undefined });
    expect(ids(await leased(harness, queue, 2))).toEqual([b.message.id, c.message.id]);
    expect(await counts(harness, queue)).toEqual({ active: 3 });
  });

  it("makes room by itself when a limit is raised", async () => {
    const harness = await open();
    const queue = harness.queue();
    const [a, b, c] = await started(harness, queue, 3);
    await admit(harness, queue, ONE, [a, b, c]);
    await harness.clock.advance(15_000);
    expect(await harness.engine.limits.review(queue, [TWO])).toMatchObject({ released: 1 });
    expect(ids(await leased(harness, queue, 1))).toEqual([b.message.id]);
  });

  it("goes on with the next when the one whose turn it is is deleted with its lease, or its queue", async () => {
    const harness = await open();
    const queue = harness.queue();
    const [a, b] = await started(harness, queue, 2);
    await admit(harness, queue, ONE, [a, b]);
    await settled(harness, a, done);
    await harness.engine.limits.release(queue, [{ taskId: a.message.id, scopes: [scope(ONE)] }]);
    // A server without limits, or Go's, takes it and ends it, and says nothing.
    const [taken] = await leased(harness, queue, 1);
    await settled(harness, taken as Leased, done);
    const c = await running(harness, queue);
    expect(await admit(harness, queue, ONE, [c])).toEqual(["parked"]);
    await harness.clock.advance(15_000);
    expect(await harness.engine.limits.review(queue, [ONE])).toMatchObject({ released: 1 });
    const [next] = await leased(harness, queue, 1);
    expect(await admit(harness, queue, ONE, [next as Leased])).toEqual(["admitted"]);
  });

  it("takes slots of all limits of a task or of none", async () => {
    const harness = await open();
    const queue = harness.queue();
    const both = (attempt: Leased) => ({
      leased: attempt,
      scopes: [scope(TWO), scope({ ...ONE, name: "queue" })],
    });
    const [a, b, c] = await started(harness, queue, 3);
    const { answers } = await harness.engine.limits.admit(queue, [both(a), both(b)]);
    expect(answers).toEqual(["admitted", "parked"]);
    expect(await admit(harness, queue, TWO, [c])).toEqual(["admitted"]);
  });

  it.each(["run", "archive", "delete"] as const)(
    "shows what it parked as such, and lets an operator %s it without a trace in the line",
    async (change) => {
      const harness = await open();
      const queue = harness.queue();
      const [a, b, c] = await started(harness, queue, 3);
      await admit(harness, queue, ONE, [a, b, c]);
      const shown = await harness.inspection.taskInfo(queue, b.message.id);
      expect(shown).toMatchObject({ state: "scheduled", parked: true });
      expect(shown?.nextProcessAt).toBeUndefined();
      await harness.inspection.changeTasks(queue, change, [b.message.id]);
      if (change === "run") {
        const [again] = await leased(harness, queue, 1);
        expect(again?.message.id).toBe(b.message.id);
        expect(await admit(harness, queue, ONE, [again as Leased])).toEqual(["parked"]);
      }
      const order = await finishedInOrder(harness, queue, ONE, a);
      expect(order).toEqual(change === "run" ? [c.message.id, b.message.id] : [c.message.id]);
      expect(await counts(harness, queue)).toEqual(change === "archive" ? { archived: 1 } : {});
      await harness.clock.advance(15_000);
      expect(await harness.engine.limits.review(queue, [ONE])).toEqual({ released: 0, nextAt: undefined });
    },
  );

  it("parks a unique task with its lock, and a task that is no longer the caller's not at all", async () => {
    const harness = await open();
    const queue = harness.queue();
    const first = await running(harness, queue);
    expect(await admit(harness, queue, ONE, [first])).toEqual(["admitted"]);
    const entry = unique(queue, "k", 600_000);
    await harness.broker.enqueue([entry]);
    const [locked] = await leased(harness, queue, 1);
    expect(await admit(harness, queue, ONE, [locked as Leased])).toEqual(["parked"]);
    expect(await admit(harness, queue, ONE, [locked as Leased])).toEqual(["lost"]);
    expect(await harness.broker.enqueue([unique(queue, "k", 600_000)])).toMatchObject([
      { status: "duplicate" },
    ]);
    await settled(harness, first, done);
    expect(await admit(harness, queue, ONE, [first])).toEqual(["lost"]);
    await harness.engine.limits.release(queue, [{ taskId: first.message.id, scopes: [scope(ONE)] }]);
    const [next] = await leased(harness, queue, 1);
    await settled(harness, next as Leased, done);
    expect(await harness.broker.enqueue([unique(queue, "k", 600_000)])).toMatchObject([
      { status: "enqueued" },
    ]);
  });

  it("answers the strictest limits of the servers that live", async () => {
    const harness = await open();
    const [queue, { limits }] = [harness.queue(), harness.engine];
    const other = (await harness.another()).limits;
    const slow: LimitSpec = { name: "r", keyed: false, rate: { limit: 5, per: 1_000 } };
    const fast: LimitSpec = { name: "r", keyed: false, rate: { limit: 100, per: 10_000 }, concurrency: 3 };
    expect(await limits.isUsed(queue)).toBe(false);
    expect(await limits.share(queue, "s1", [TWO, slow], 60_000)).toMatchObject([TWO, slow]);
    expect(await limits.isUsed(queue)).toBe(true);
    expect(await limits.isUsed(harness.queue())).toBe(false);
    const both = [{ ...ONE }, { name: "r", keyed: false, rate: slow.rate, concurrency: 3 }];
    expect(await other.share(queue, "s2", [ONE, fast], 30_000)).toMatchObject(both);
    expect(await limits.share(queue, "s1", [TWO, slow], 60_000)).toMatchObject(both);
    expect(await other.share(harness.queue(), "s2", [], 30_000)).toEqual([]);
    await harness.clock.advance(31_000);
    expect(await limits.share(queue, "s1", [TWO, slow], 60_000)).toMatchObject([TWO, slow]);
    expect(await limits.share(queue, "s1", [], 60_000)).toEqual([]);
  });
}

function scope(spec: LimitSpec, key = "k"): LimitScope {
  return { spec, key };
}

async function admit(
  { engine }: EngineHarness,
  queue: string,
  spec: LimitSpec,
  attempts: readonly Leased[],
  key?: string,
): Promise<AdmitAnswer[]> {
  const { answers } = await engine.limits.admit(
    queue,
    attempts.map((attempt) => ({ leased: attempt, scopes: [scope(spec, key)] })),
  );
  return answers;
}

/** Enqueues and leases tasks. */
async function started(
  harness: EngineHarness,
  queue: string,
  count: number,
): Promise<[Leased, Leased, Leased, Leased]> {
  for (let i = 0; i < count; i += 1) await enqueued(harness, queue);
  return (await leased(harness, queue, count)) as [Leased, Leased, Leased, Leased];
}

/** Ends the one that runs, and then each that has its turn; answers those in order. */
async function finishedInOrder(
  harness: EngineHarness,
  queue: string,
  spec: LimitSpec,
  first: Leased,
): Promise<string[]> {
  const order: string[] = [];
  for (let attempt: Leased | undefined = first; attempt !== undefined; ) {
    await settled(harness, attempt, done);
    await harness.engine.limits.release(queue, [{ taskId: attempt.message.id, scopes: [scope(spec)] }]);
    const { leased: next } = await harness.broker.exchange(queue, [], 1);
    [attempt] = next;
    if (attempt === undefined) break;
    expect(await admit(harness, queue, spec, [attempt])).toEqual(["admitted"]);
    order.push(attempt.message.id);
  }
  return order;
}
