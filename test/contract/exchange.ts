import { expect, it } from "vitest";
import type { Leased, Outcome } from "../../src/broker/broker.ts";
import { InvalidOptionError } from "../../src/errors.ts";
import type { OpenEngine } from "./harness.ts";
import {
  archive,
  attempts,
  complete,
  counts,
  done,
  enqueued,
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
  stateOf,
  text,
} from "./tasks.ts";

export function exchangeContract(open: OpenEngine): void {
  it("leases the longest waiting first, and never more than asked for", async () => {
    const engine = await open();
    const queue = engine.queue();
    const order = [];
    for (let i = 0; i < 5; i += 1) order.push(await enqueued(engine, queue));

    const first = await engine.broker.exchange(queue, [], 2);
    expect(ids(first.leased)).toEqual(order.slice(0, 2));
    expect(first.more).toBe(true);
    const rest = await engine.broker.exchange(queue, [], 10);
    expect(ids(rest.leased)).toEqual(order.slice(2));
    expect(rest.more).toBe(false);
    expect(await counts(engine, queue)).toEqual({ active: 5 });
    expect(await stateOf(engine, queue, order[0] as string)).toBe("active");
  });

  it("keeps the order of a batch", async () => {
    const engine = await open();
    const queue = engine.queue();
    const entries = Array.from({ length: 300 }, () => ({ message: message(queue) }));
    await engine.broker.enqueue(entries);

    const taken: Leased[] = [];
    while (taken.length < entries.length) taken.push(...(await engine.broker.exchange(queue, [], 64)).leased);
    expect(ids(taken)).toEqual(ids(entries));
  });

  it("tells since when a task has been pending", async () => {
    const engine = await open();
    const queue = engine.queue();
    const enqueuedAt = engine.broker.now();
    await enqueued(engine, queue);
    await engine.clock.advance(1_500);
    const attempt = await leasedOne(engine, queue);
    expect(attempt.pendingSince).toBeCloseTo(enqueuedAt, 0);
    const requeuedAt = engine.broker.now();
    await settled(engine, attempt, requeue);
    await engine.clock.advance(700);
    expect((await leasedOne(engine, queue)).pendingSince).toBeCloseTo(requeuedAt, 0);
  });

  it("answers for a queue that nobody knows as for an empty one", async () => {
    const engine = await open();
    const queue = engine.queue();
    expect(await engine.broker.exchange(queue, [], 5)).toEqual({
      answers: [],
      leased: [],
      more: false,
      quarantined: [],
      dropped: [],
    });
    expect(await engine.inspection.queues()).toEqual([]);
  });

  it("settles outcomes and leases new tasks in one call", async () => {
    const engine = await open();
    const queue = engine.queue();
    const finished = await running(engine, queue);
    const next = await enqueued(engine, queue);

    const result = await engine.broker.exchange(queue, [{ leased: finished, settlement: done }], 1);
    expect(result.answers).toEqual(["settled"]);
    expect(ids(result.leased)).toEqual([next]);
    expect(await counts(engine, queue)).toEqual({ active: 1 });
  });

  it("only settles where it is asked for no task", async () => {
    const engine = await open();
    const queue = engine.queue();
    const finished = await running(engine, queue);
    await enqueued(engine, queue);

    const result = await engine.broker.exchange(queue, [{ leased: finished, settlement: done }], 0);
    expect(result.answers).toEqual(["settled"]);
    expect(result.leased).toEqual([]);
    expect(await counts(engine, queue)).toEqual({ pending: 1 });
  });

  it("never gives one task to two servers", async () => {
    const engine = await open();
    const queue = engine.queue();
    const other = await engine.another();
    await engine.broker.enqueue(Array.from({ length: 100 }, () => ({ message: message(queue) })));

    const calls = Array.from({ length: 40 }, (_, i) =>
      (i % 2 === 0 ? engine : other).broker.exchange(queue, [], 5),
    );
    const taken = (await Promise.all(calls)).flatMap((result) => ids(result.leased));
    expect(taken).toHaveLength(100);
    expect(new Set(taken).size).toBe(100);
  });

  it("deletes a task that is done, and counts a success", async () => {
    const engine = await open();
    const queue = engine.queue();
    const attempt = await running(engine, queue);

    expect(await settled(engine, attempt, done)).toBe("settled");
    expect(await engine.inspection.taskInfo(queue, attempt.message.id)).toBeUndefined();
    expect(await counts(engine, queue)).toEqual({});
    expect(await attempts(engine, queue)).toEqual({ processed: 1, failed: 0 });
  });

  it("keeps a completed task with its message and result, and counts a success", async () => {
    const engine = await open();
    const queue = engine.queue();
    const attempt = await running(engine, queue, { retention: 60 });
    const completed = complete(attempt, engine.broker.now() + 60_000, Buffer.from("42"));

    expect(await settled(engine, attempt, completed)).toBe("settled");
    const kept = await record(engine, queue, attempt.message.id);
    expect(kept.state).toBe("completed");
    expect(kept.message?.completedAt).toBeGreaterThan(0);
    expect(text(kept.result)).toBe("42");
    expect(await attempts(engine, queue)).toEqual({ processed: 1, failed: 0 });
  });

  it("keeps the result written last: the one of the completion, else the one written before", async () => {
    const engine = await open();
    const queue = engine.queue();
    const results = [];
    for (const last of [undefined, Buffer.from("last")]) {
      const attempt = await running(engine, queue);
      await engine.broker.writeResult(attempt, Buffer.from("first"));
      await engine.broker.writeResult(attempt, Buffer.from("second"));
      await settled(engine, attempt, complete(attempt, engine.broker.now() + 60_000, last));
      results.push(text((await record(engine, queue, attempt.message.id)).result));
    }
    expect(results).toEqual(["second", "last"]);
  });

  it("stores the message of a retry, and runs it again when it is due", async () => {
    const engine = await open();
    const queue = engine.queue();
    const attempt = await running(engine, queue);
    const retryAt = engine.broker.now() + 20_000;

    expect(await settled(engine, attempt, retry(attempt, retryAt))).toBe("settled");
    const waiting = await record(engine, queue, attempt.message.id);
    expect(waiting).toMatchObject({ state: "retry", message: { retried: 1, errorMsg: "it broke" } });
    expect(waiting.nextProcessAt).toBeGreaterThanOrEqual(retryAt);
    expect(waiting.nextProcessAt).toBeLessThan(retryAt + 1_000);
    expect(await attempts(engine, queue)).toEqual({ processed: 1, failed: 1 });

    await engine.clock.advance(21_000);
    await forwardAll(engine, queue);
    expect((await leasedOne(engine, queue)).message).toMatchObject({ id: attempt.message.id, retried: 1 });
  });

  it("counts nothing for a retry that is no failure", async () => {
    const engine = await open();
    const queue = engine.queue();
    const attempt = await running(engine, queue);

    expect(await settled(engine, attempt, retry(attempt, engine.broker.now() + 20_000, false))).toBe(
      "settled",
    );
    expect(await counts(engine, queue)).toEqual({ retry: 1 });
    expect(await attempts(engine, queue)).toEqual({ processed: 0, failed: 0 });
  });

  it("stores the message of a task that it archives, and counts a failure", async () => {
    const engine = await open();
    const queue = engine.queue();
    const attempt = await running(engine, queue);

    expect(await settled(engine, attempt, archive(attempt))).toBe("settled");
    expect(await record(engine, queue, attempt.message.id)).toMatchObject({
      state: "archived",
      message: { retried: 0, errorMsg: "it broke" },
    });
    expect(await attempts(engine, queue)).toEqual({ processed: 1, failed: 1 });
  });

  it("puts a requeued task at the head of the queue, untouched and uncounted", async () => {
    const engine = await open();
    const queue = engine.queue();
    const attempt = await running(engine, queue, { retried: 2, errorMsg: "before" });
    const waiting = await enqueued(engine, queue);

    expect(await settled(engine, attempt, requeue)).toBe("settled");
    expect(await attempts(engine, queue)).toEqual({ processed: 0, failed: 0 });
    const [again, next] = await leased(engine, queue, 2);
    expect(again?.message).toMatchObject({ id: attempt.message.id, retried: 2, errorMsg: "before" });
    expect(next?.message.id).toBe(waiting);
  });

  it("keeps the order of tasks that are handed back together", async () => {
    const engine = await open();
    const queue = engine.queue();
    await engine.broker.enqueue(Array.from({ length: 6 }, () => ({ message: message(queue) })));
    const attempts = await leased(engine, queue, 5);

    const outcomes = attempts.map((attempt) => ({ leased: attempt, settlement: requeue }));
    await engine.broker.exchange(queue, outcomes, 0);
    expect(ids(await leased(engine, queue, 5))).toEqual(ids(attempts));
  });

  it("never leases a task in the call that hands it back", async () => {
    const engine = await open();
    const queue = engine.queue();
    const attempt = await running(engine, queue);

    const result = await engine.broker.exchange(queue, [{ leased: attempt, settlement: requeue }], 5);
    expect(result.answers).toEqual(["settled"]);
    expect(result.leased).toEqual([]);
    expect(ids((await engine.broker.exchange(queue, [], 5)).leased)).toEqual([attempt.message.id]);
  });

  it("judges what is handed back by how things stood before it leased", async () => {
    const engine = await open();
    const queue = engine.queue();
    const early = await running(engine, queue);
    await settled(engine, early, requeue);

    const result = await engine.broker.exchange(queue, [{ leased: early, settlement: requeue }], 1);
    expect(result.answers).toEqual(["gone"]);
    expect(ids(result.leased)).toEqual([early.message.id]);
  });

  it("answers every outcome in its place", async () => {
    const engine = await open();
    const queue = engine.queue();
    await engine.broker.enqueue(Array.from({ length: 5 }, () => ({ message: message(queue) })));
    const [a, b, c, d, e] = (await leased(engine, queue, 5)) as [Leased, Leased, Leased, Leased, Leased];
    await settled(engine, b, done);

    const { answers } = await engine.broker.exchange(
      queue,
      [
        { leased: a, settlement: requeue },
        { leased: b, settlement: requeue },
        { leased: c, settlement: done },
        { leased: b, settlement: archive(b) },
        { leased: d, settlement: archive(d) },
        { leased: e, settlement: retry(e, engine.broker.now() + 60_000) },
      ],
      0,
    );
    expect(answers).toEqual(["settled", "gone", "settled", "gone", "settled", "settled"]);
    expect(await counts(engine, queue)).toEqual({ pending: 1, archived: 1, retry: 1 });
  });

  it("settles an attempt once: of two outcomes the first counts, and any beats handing it back", async () => {
    const engine = await open();
    const queue = engine.queue();
    await engine.broker.enqueue([{ message: message(queue) }, { message: message(queue) }]);
    const [twice, both] = (await leased(engine, queue, 2)) as [Leased, Leased];

    const { answers } = await engine.broker.exchange(
      queue,
      [
        { leased: both, settlement: requeue },
        { leased: twice, settlement: done },
        { leased: both, settlement: done },
        { leased: twice, settlement: archive(twice) },
      ],
      0,
    );
    expect(answers).toEqual(["gone", "settled", "settled", "gone"]);
    expect(await counts(engine, queue)).toEqual({});
    expect(await attempts(engine, queue)).toEqual({ processed: 2, failed: 0 });
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    "settles nothing of a call in which an instant is %s, and says which instant",
    async (none) => {
      const engine = await open();
      const queue = engine.queue();
      const [first, second] = [await running(engine, queue), await running(engine, queue)];
      for (const [option, settlement] of [
        ["retryAt", retry(second, none)],
        ["expireAt", { kind: "complete", message: second.message, expireAt: none }],
      ] as const) {
        const outcomes: Outcome[] = [
          { leased: first, settlement: done },
          { leased: second, settlement },
        ];
        const error = await engine.broker.exchange(queue, outcomes, 1).catch((error: unknown) => error);
        expect(error).toBeInstanceOf(InvalidOptionError);
        expect(error).toMatchObject({ option });
        expect(await counts(engine, queue)).toEqual({ active: 2 });
      }
      expect(await settled(engine, first, done)).toBe("settled");
      expect(await settled(engine, second, done)).toBe("settled");
    },
  );

  it("records a repeated outcome if it was not recorded before", async () => {
    const engine = await open();
    const queue = engine.queue();
    const attempt = await running(engine, queue);
    const outcome: Outcome = { leased: attempt, settlement: done, repeated: true };
    expect((await engine.broker.exchange(queue, [outcome], 0)).answers).toEqual(["settled"]);
    expect(await counts(engine, queue)).toEqual({});
  });

  it("records no outcome twice, however often it is repeated", async () => {
    const engine = await open();
    const queue = engine.queue();
    await engine.broker.enqueue(Array.from({ length: 5 }, () => ({ message: message(queue) })));
    const [a, b, c, d, e] = (await leased(engine, queue, 5)) as [Leased, Leased, Leased, Leased, Leased];
    const later = engine.broker.now() + 60_000;
    const outcomes: Outcome[] = [
      { leased: a, settlement: done },
      { leased: b, settlement: complete(b, later) },
      { leased: c, settlement: retry(c, later) },
      { leased: d, settlement: archive(d) },
      { leased: e, settlement: requeue },
    ];
    await engine.broker.exchange(queue, outcomes, 0);
    const before = await counts(engine, queue);

    const repeated = outcomes.map((outcome) => ({ ...outcome, repeated: true }));
    for (let round = 0; round < 2; round += 1) {
      const { answers } = await engine.broker.exchange(queue, repeated, 0);
      expect(answers).toEqual(["gone", "gone", "gone", "gone", "gone"]);
    }
    expect(await counts(engine, queue)).toEqual(before);
    expect(await attempts(engine, queue)).toEqual({ processed: 4, failed: 2 });
  });

  it("lets no outcome of an earlier attempt touch a later one", async () => {
    const engine = await open();
    const queue = engine.queue();
    const early = await running(engine, queue);
    await settled(engine, early, requeue);
    const late = await leasedOne(engine, queue);
    const settlements = [
      done,
      requeue,
      archive(early),
      retry(early, 0),
      complete(early, engine.broker.now() + 9_000),
    ];

    for (const settlement of settlements) {
      for (const repeated of [false, true]) {
        const { answers } = await engine.broker.exchange(queue, [{ leased: early, settlement, repeated }], 0);
        expect(answers).toEqual(["fenced"]);
      }
    }
    expect(await attempts(engine, queue)).toEqual({ processed: 0, failed: 0 });
    expect(await settled(engine, late, done)).toBe("settled");
  });

  it("lets no late outcome touch a new task of the same id", async () => {
    const engine = await open();
    const queue = engine.queue();
    const early = await running(engine, queue, { id: "again" });
    await settled(engine, early, done);
    await enqueued(engine, queue, { id: "again" });

    expect(await settled(engine, early, done)).toBe("gone");
    expect(await counts(engine, queue)).toEqual({ pending: 1 });
    await leasedOne(engine, queue);
    expect(await settled(engine, early, done)).toBe("fenced");
    expect(await counts(engine, queue)).toEqual({ active: 1 });
  });

  it("settles for any engine on the store, whichever leased", async () => {
    const engine = await open();
    const queue = engine.queue();
    await enqueued(engine, queue);
    const attempt = await leasedOne(await engine.another(), queue);
    expect(await settled(engine, attempt, done)).toBe("settled");
  });
}
