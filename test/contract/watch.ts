import { expect, it } from "vitest";
import type { QueueWatch, WatchKind } from "../../src/broker/broker.ts";
import type { Engine } from "../../src/broker/engine.ts";
import type { HarnessClock, OpenEngine } from "./harness.ts";
import { enqueued, forwardAll, leasedOne, requeue, retry, running, settled } from "./tasks.ts";

export function watchContract(open: OpenEngine): void {
  it("wakes at once for a queue that has work already", async () => {
    const engine = await open();
    const queue = engine.queue();
    await enqueued(engine, queue);
    const watch = watching(engine.engine);
    watch.arm(queue, "pending");
    await watch.woken(queue, "pending");
  });

  it("wakes when a task is enqueued, by whichever engine on the store", async () => {
    const engine = await open();
    const queue = engine.queue();
    const watch = watching(engine.engine);
    for (const { broker } of [engine, await engine.another()]) {
      watch.arm(queue, "pending");
      await enqueued({ broker }, queue);
      await watch.woken(queue, "pending");
      await leasedOne(engine, queue);
    }
  });

  it("wakes when a task is handed back", async () => {
    const engine = await open();
    const queue = engine.queue();
    const watch = watching(engine.engine);
    const attempt = await running(engine, queue);
    watch.arm(queue, "pending");
    await settled(engine, attempt, requeue);
    await watch.woken(queue, "pending");
  });

  it("wakes when a due task is forwarded", async () => {
    const engine = await open();
    const queue = engine.queue();
    const watch = watching(engine.engine);
    await enqueued(engine, queue, {}, { processAt: engine.broker.now() + 1_000 });
    watch.arm(queue, "pending");
    await engine.clock.advance(2_000);
    await forwardAll(engine, queue);
    await watch.woken(queue, "pending");
  });

  it("wakes when a paused queue goes on", async () => {
    const engine = await open();
    const queue = engine.queue();
    await enqueued(engine, queue);
    await engine.inspection.pauseQueue(queue);
    const watch = watching(engine.engine);
    watch.arm(queue, "pending");
    await (await engine.another()).inspection.unpauseQueue(queue);
    await watch.woken(queue, "pending");
  });

  it("wakes when a task is scheduled or to be retried before all others", async () => {
    const engine = await open();
    const queue = engine.queue();
    const other = await engine.another();
    const watch = watching(engine.engine);
    const attempt = await running(engine, queue);
    const now = engine.broker.now();

    const causes = [
      () => enqueued(other, queue, {}, { processAt: now + 50_000 }),
      () => settled(other, attempt, retry(attempt, now + 40_000)),
      () => enqueued(engine, queue, {}, { processAt: now + 30_250 }),
    ];
    for (const cause of causes) {
      watch.arm(queue, "delayed");
      await cause();
      await turning(engine.clock, watch.woken(queue, "delayed"));
    }
  });

  it("wakes once for each time it was armed, however often that was", async () => {
    const engine = await open();
    const [queue, marker] = [engine.queue(), engine.queue()];
    const watch = watching(engine.engine);
    watch.arm(queue, "pending");
    watch.arm(queue, "pending");
    await enqueued(engine, queue);
    await watch.woken(queue, "pending");

    await enqueued(engine, queue);
    watch.arm(marker, "pending");
    await enqueued(engine, marker);
    await watch.woken(marker, "pending");
    expect(watch.wakes(queue)).toBe(1);
  });

  it("wakes for the armed queue and kind", async () => {
    const engine = await open();
    const queues = [engine.queue(), engine.queue(), engine.queue()] as const;
    const watch = watching(engine.engine);
    for (const queue of queues) {
      watch.arm(queue, "pending");
      watch.arm(queue, "delayed");
    }
    for (const queue of [queues[2], queues[0], queues[1]]) {
      await enqueued(engine, queue, {}, { processAt: engine.broker.now() + 50_000 });
      await turning(engine.clock, watch.woken(queue, "delayed"));
      await enqueued(engine, queue);
      await watch.woken(queue, "pending");
    }
  });

  it("serves several watches, each for itself", async () => {
    const engine = await open();
    const queue = engine.queue();
    const watches = [watching(engine.engine), watching(engine.engine), watching(await engine.another())];
    for (const watch of watches) watch.arm(queue, "pending");
    await enqueued(engine, queue);
    await Promise.all(watches.map((watch) => watch.woken(queue, "pending")));
  });

  it("never wakes once closed", async () => {
    const engine = await open();
    const queue = engine.queue();
    const [closed, stays] = [watching(engine.engine), watching(engine.engine)];
    closed.arm(queue, "pending");
    stays.arm(queue, "pending");
    await closed.close();
    await closed.close();
    closed.arm(queue, "delayed");
    await enqueued(engine, queue);
    await stays.woken(queue, "pending");
    expect(closed.wakes(queue)).toBe(0);
  });
}

/** Turns the clock until `wake` comes: an engine may space out the wake-ups for delayed tasks. */
async function turning(clock: HarnessClock, wake: Promise<void>): Promise<void> {
  let woken = false;
  const seen = wake.then(() => {
    woken = true;
  });
  while (!woken) await clock.advance(50);
  await seen;
}

interface TestWatch extends QueueWatch {
  /** Resolves when that wake has come; each wake counts for one call. */
  woken(queue: string, kind: WatchKind): Promise<void>;
  /** How often the queue has woken, for whatever. */
  wakes(queue: string): number;
}

function watching(engine: Engine): TestWatch {
  const seen: string[] = [];
  const unread: string[] = [];
  let changed: () => void = () => undefined;
  const watch = engine.broker.watch((queue, kind) => {
    seen.push(queue);
    unread.push(`${kind}:${queue}`);
    changed();
  });
  return {
    arm: (queue, kind) => watch.arm(queue, kind),
    close: () => watch.close(),
    get live() {
      return watch.live;
    },
    wakes: (queue) => seen.filter((name) => name === queue).length,
    woken: async (queue, kind) => {
      for (;;) {
        const at = unread.indexOf(`${kind}:${queue}`);
        if (at >= 0) {
          unread.splice(at, 1);
          return;
        }
        await new Promise<void>((resolve) => {
          const before = changed;
          changed = () => {
            before();
            resolve();
          };
        });
      }
    },
  };
}
