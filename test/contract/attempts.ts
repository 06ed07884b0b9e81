import { expect, it } from "vitest";
import type { ExpiredLease, Leased, Settlement } from "../../src/broker/broker.ts";
import type { AttemptRecord } from "../../src/protocol/attempt-log.ts";
import type { EngineHarness, OpenEngine } from "./harness.ts";
import {
  archive,
  complete,
  done,
  enqueued,
  forwardAll,
  leased as leasedAll,
  leasedOne,
  message,
  record,
  requeue,
  retry,
  running,
  settled,
} from "./tasks.ts";

function attempt(more: Partial<AttemptRecord> = {}): AttemptRecord {
  return {
    at: 1_700_000_000_123,
    outcome: "retry",
    cause: "error",
    duration: 42,
    server: "host:1",
    error: 'no "route"\n\tto\u0000 ø',
    ...more,
  };
}

export function attemptContract(open: OpenEngine): void {
  it("keeps failed attempts with their task, oldest first", async () => {
    const engine = await open();
    const queue = engine.queue();
    const first = await running(engine, queue);
    const { id } = first.message;
    expect((await record(engine, queue, id)).attempts).toBeUndefined();

    await settled(engine, first, { ...retry(first, engine.broker.now()), attempt: attempt() });
    expect((await record(engine, queue, id)).attempts).toEqual([attempt()]);
    const last = attempt({ outcome: "archive", cause: "exhausted", duration: undefined, server: undefined });
    const second = await again(engine, queue);
    await settled(engine, second, { ...archive(second), attempt: last });
    expect((await record(engine, queue, id)).attempts).toEqual([attempt(), last]);

    // Not in lists, which would become long.
    const page = await engine.inspection.listTasks(queue, "archived", { page: 0, size: 10 });
    expect(page?.map(({ attempts }) => attempts)).toEqual([undefined]);
  });

  it("keeps the last ten, whatever their texts hold", async () => {
    const engine = await open();
    const queue = engine.queue();
    const { id } = (await running(engine, queue)).message;
    await engine.broker.exchange(queue, [], 0);
    let leased: Leased | undefined;
    await engine.clock.advance(62_000);
    const [expired] = await engine.broker.listExpired(queue, 10);
    if (expired === undefined) throw new Error("nothing has expired");
    const settlement = { ...retry(expired, engine.broker.now()), attempt: attempt({ error: "0\n,[" }) };
    expect(await engine.broker.recover(queue, [{ expired, settlement }])).toEqual(["settled"]);
    for (let n = 1; n <= 11; n += 1) {
      leased = await again(engine, queue);
      const failed = attempt({ at: n, error: `${n}\n,[]` });
      await settled(engine, leased, { ...retry(leased, engine.broker.now()), attempt: failed });
      const kept = (await record(engine, queue, id)).attempts ?? [];
      expect(kept.map(({ error }) => error)).toEqual(
        Array.from({ length: Math.min(n + 1, 10) }, (_, i) => Math.max(0, n - 9) + i).map((each) =>
          each === 0 ? "0\n,[" : `${each}\n,[]`,
        ),
      );
    }
  });

  it("keeps 512 bytes of an error, and cuts no character in two", async () => {
    const engine = await open();
    const queue = engine.queue();
    const leased = await running(engine, queue);
    const error = `x${"ø".repeat(400)}`;
    await settled(engine, leased, { ...archive(leased), attempt: attempt({ error }) });
    const [kept] = (await record(engine, queue, leased.message.id)).attempts ?? [];
    expect(kept?.error).toBe(`x${"ø".repeat(255)}`);
  });

  it("notes each of the attempts that end together, also those that a recovery ends", async () => {
    const engine = await open();
    const queue = engine.queue();
    const kinds = ["retry", "archive", "no failure", "retry", "archive"] as const;
    const settlementOf = (kind: (typeof kinds)[number], { message }: Pick<Leased, "message">) => {
      const cause = `of ${message.id}`;
      if (kind === "archive") return { ...archive({ message }), attempt: attempt({ outcome: kind, cause }) };
      const again = retry({ message }, engine.broker.now() + 60_000, kind === "retry");
      return { ...again, attempt: attempt({ cause }) };
    };
    const noted = async (tasks: readonly Pick<Leased, "message">[]) => {
      const records = await Promise.all(tasks.map(({ message }) => record(engine, queue, message.id)));
      return records.map(({ attempts }) => attempts?.map(({ outcome, cause }) => [outcome, cause]));
    };
    const expected = (tasks: readonly Pick<Leased, "message">[]) =>
      tasks.map(({ message }, i) =>
        kinds[i] === "no failure" ? undefined : [[kinds[i], `of ${message.id}`]],
      );

    await engine.broker.enqueue(kinds.map(() => ({ message: message(queue) })));
    const leased = await leasedAll(engine, queue, kinds.length);
    const outcomes = kinds.map((kind, i) => {
      const one = leased[i] as Leased;
      return { leased: one, settlement: settlementOf(kind, one) };
    });
    const { answers } = await engine.broker.exchange(queue, outcomes, 0);
    expect(new Set(answers)).toEqual(new Set(["settled"]));
    expect(await noted(leased)).toEqual(expected(leased));

    await engine.broker.enqueue(kinds.map(() => ({ message: message(queue) })));
    await leasedAll(engine, queue, kinds.length);
    await engine.clock.advance(62_000);
    const expired = await engine.broker.listExpired(queue, 10);
    const recoveries = kinds.map((kind, i) => {
      const one = expired[i] as ExpiredLease;
      return { expired: one, settlement: settlementOf(kind, one) };
    });
    expect(new Set(await engine.broker.recover(queue, recoveries))).toEqual(new Set(["settled"]));
    expect(await noted(expired)).toEqual(expected(expired));
  });

  it("notes nothing of a success, of what is no failure, and of an attempt that is not ours any more", async () => {
    const engine = await open();
    const queue = engine.queue();
    const settlements: [string, (leased: Leased) => Settlement][] = [
      ["completed", (leased) => complete(leased, engine.broker.now() + 60_000)],
      ["pending", () => requeue],
      ["retry", (leased) => ({ ...retry(leased, engine.broker.now() + 9_000, false), attempt: attempt() })],
    ];
    for (const [state, settlement] of settlements) {
      const leased = await running(engine, queue);
      await settled(engine, leased, settlement(leased));
      const kept = await record(engine, queue, leased.message.id);
      expect([kept.state, kept.attempts]).toEqual([state, undefined]);
      if (state === "pending") await settled(engine, await leasedOne(engine, queue), done);
    }
    const late = await running(engine, queue);
    await settled(engine, late, { ...archive(late), attempt: attempt() });
    expect(await settled(engine, late, { ...archive(late), attempt: attempt({ at: 2 }) })).toBe("gone");
    expect((await record(engine, queue, late.message.id)).attempts).toEqual([attempt()]);
  });

  it("forgets the attempts with the task: another one of that id has none", async () => {
    const engine = await open();
    const queue = engine.queue();
    const leased = await running(engine, queue);
    await settled(engine, leased, { ...archive(leased), attempt: attempt() });
    const { id } = leased.message;
    await enqueued(engine, queue, { id }, { replaceFinished: true });
    expect((await record(engine, queue, id)).attempts).toBeUndefined();
  });
}

async function again(engine: EngineHarness, queue: string): Promise<Leased> {
  await engine.clock.advance(2_000);
  await forwardAll(engine, queue);
  return leasedOne(engine, queue);
}
