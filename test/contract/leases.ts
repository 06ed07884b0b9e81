import { expect, it } from "vitest";
import type { OpenEngine } from "./harness.ts";
import {
  archive,
  complete,
  counts,
  done,
  ids,
  leasedOne,
  record,
  requeue,
  retry,
  running,
  settled,
  text,
} from "./tasks.ts";

export function leaseContract(open: OpenEngine): void {
  it("keeps a task from recovery as long as its lease is renewed", async () => {
    const engine = await open();
    const queue = engine.queue();
    const attempt = await running(engine, queue);

    for (let beat = 0; beat < 10; beat += 1) {
      await engine.clock.advance(20_000);
      expect(await engine.broker.extendLeases(queue, [attempt])).toEqual(["extended"]);
      expect(await engine.broker.listExpired(queue, 10)).toEqual([]);
    }
    expect(await settled(engine, attempt, done)).toBe("settled");
  });

  it("renews to 30 seconds from now", async () => {
    const engine = await open();
    const queue = engine.queue();
    const attempt = await running(engine, queue);
    await engine.clock.advance(25_000);
    await engine.broker.extendLeases(queue, [attempt]);

    await engine.clock.advance(58_000);
    expect(await engine.broker.listExpired(queue, 10)).toEqual([]);
    await engine.clock.advance(4_000);
    expect(ids(await engine.broker.listExpired(queue, 10))).toEqual([attempt.message.id]);
  });

  it("renews a lease that has run out, as long as nobody has recovered the task", async () => {
    const engine = await open();
    const queue = engine.queue();
    const attempt = await running(engine, queue);
    await engine.clock.advance(300_000);

    expect(await engine.broker.extendLeases(queue, [attempt])).toEqual(["extended"]);
    expect(await engine.broker.listExpired(queue, 10)).toEqual([]);
    expect(await settled(engine, attempt, done)).toBe("settled");
  });

  it("says for each lease whether it is still ours", async () => {
    const engine = await open();
    const queue = engine.queue();
    const finished = await running(engine, queue);
    await settled(engine, finished, done);
    const handedBack = await running(engine, queue);
    await settled(engine, handedBack, requeue);
    const again = await leasedOne(engine, queue);
    const waiting = await running(engine, queue);
    await settled(engine, waiting, retry(waiting, engine.broker.now() + 60_000));

    expect(await engine.broker.extendLeases(queue, [again, finished, handedBack, waiting, again])).toEqual([
      "extended",
      "lost",
      "lost",
      "lost",
      "extended",
    ]);
    expect(await engine.broker.extendLeases(queue, [])).toEqual([]);
  });

  it("lets a lost lease shorten or lengthen nobody else's", async () => {
    const engine = await open();
    const queue = engine.queue();
    const early = await running(engine, queue);
    await settled(engine, early, requeue);
    const late = await leasedOne(engine, queue);
    await engine.clock.advance(40_000);

    expect(await engine.broker.extendLeases(queue, [early])).toEqual(["lost"]);
    await engine.clock.advance(22_000);
    expect(ids(await engine.broker.listExpired(queue, 10))).toEqual([late.message.id]);
  });

  it("settles an attempt whose lease has run out, as long as nobody has recovered the task", async () => {
    const engine = await open();
    const queue = engine.queue();
    const attempt = await running(engine, queue);
    await engine.clock.advance(300_000);
    expect(await settled(engine, attempt, done)).toBe("settled");
  });

  it("shows a running task's result, the last one written", async () => {
    const engine = await open();
    const queue = engine.queue();
    const attempt = await running(engine, queue);
    for (const progress of ["10 %", "20 %"]) {
      expect(await engine.broker.writeResult(attempt, Buffer.from(progress))).toBe("settled");
      expect(text((await record(engine, queue, attempt.message.id)).result)).toBe(progress);
    }
  });

  it("writes no result for an attempt that is over", async () => {
    const engine = await open();
    const queue = engine.queue();
    const early = await running(engine, queue);
    await settled(engine, early, requeue);
    expect(await engine.broker.writeResult(early, Buffer.from("late"))).toBe("gone");
    const late = await leasedOne(engine, queue);
    expect(await engine.broker.writeResult(early, Buffer.from("late"))).toBe("fenced");
    expect((await record(engine, queue, early.message.id)).result).toBeUndefined();

    await settled(engine, late, complete(late, engine.broker.now() + 60_000, Buffer.from("kept")));
    expect(await engine.broker.writeResult(late, Buffer.from("late"))).toBe("gone");
    expect(text((await record(engine, queue, late.message.id)).result)).toBe("kept");
  });

  it("brings no deleted task back by a late result", async () => {
    const engine = await open();
    const queue = engine.queue();
    const attempt = await running(engine, queue);
    await settled(engine, attempt, done);
    expect(await engine.broker.writeResult(attempt, Buffer.from("late"))).toBe("gone");
    expect(await engine.inspection.taskInfo(queue, attempt.message.id)).toBeUndefined();
    expect(await counts(engine, queue)).toEqual({});
  });

  it("keeps the result of an attempt that failed later", async () => {
    const engine = await open();
    const queue = engine.queue();
    const attempt = await running(engine, queue);
    await engine.broker.writeResult(attempt, Buffer.from("half"));
    await settled(engine, attempt, archive(attempt));
    expect(text((await record(engine, queue, attempt.message.id)).result)).toBe("half");
  });
}
