import { setTimeout as wait } from "node:timers/promises";
import { expect, it } from "vitest";
import { AmbiguousEnqueueError, EngineUnavailableError } from "../../src/errors.ts";
import { Task } from "../../src/task.ts";
import { benchForFile, freshQueue } from "../faults/bench.ts";
import { eventually } from "../faults/eventually.ts";
import { judgeHistory } from "../support/history-checker.ts";
import { Nemesis } from "../support/nemesis.ts";
import { redisForFile } from "../support/redis-rig.ts";
import type { WorkerProcess } from "../support/worker-rig.ts";

const redis = await redisForFile({ mode: "aof-always" });
const bench = benchForFile();

const SEEDS = [7, 11];
/** In each storm, and in the calm after it. */
const TASKS = 300;
const CALM_TASKS = 100;
/** However many faults a task meets in its life, which is short: more would be a loop. */
const MOST_STARTS = 4;
/** How long a fault explains that a task runs again: lease, rounded up, grace, recoverer, outage, reconnects. */
const EXPLAINS = 10_000;

it("loses nothing and repeats nothing without a reason, whatever happens to workers, links and Redis", async () => {
  const queue = freshQueue();
  const rig = await bench.workers();
  const proxy = await bench.proxy(redis.port);
  const client = bench.client(proxy.url);
  const inspector = bench.inspector(redis.url);
  const worker = () => rig.start({ url: proxy.url, queue, concurrency: 5 });
  const workers = await Promise.all([worker(), worker()]);
  const victim = (): WorkerProcess => workers.shift() as WorkerProcess;

  const storm = (seed: number) =>
    new Nemesis({
      seed,
      every: [300, 700],
      ledger: rig.ledger,
      faults: [
        { name: "reset all connections", strike: () => proxy.cut() },
        {
          name: "freeze Redis",
          strike: async () => {
            redis.pause();
            await wait(300);
            redis.resume();
          },
        },
        { name: "restart Redis", strike: () => redis.restart() },
        {
          name: "replace a worker",
          target: () => (workers[0] as WorkerProcess).name,
          strike: async () => {
            await victim().kill();
            workers.push(await worker());
          },
        },
      ],
    });
  for (const seed of SEEDS) {
    const nemesis = storm(seed);
    for (let i = 0; i < TASKS || new Set(nemesis.struck).size < 4; i += 1)
      await enqueue(`storm-${seed}-${i}`, i);
    await nemesis.stop();
    await everythingHasEnded();
    // A storm excuses almost any repetition. What is begun after it has no excuse.
    for (let i = 0; i < CALM_TASKS; i += 1) await enqueue(`calm-${seed}-${i}`, i);
    await everythingHasEnded();
  }

  const history = rig.history();
  const report = judgeHistory(history, { stored: new Set(), explains: EXPLAINS });
  expect(report.violations).toEqual([]);
  expect(report.acknowledged).toBeGreaterThan((SEEDS.length * TASKS) / 2);
  const starts = new Map<string, number>();
  for (const event of history) {
    if (event.type === "start") starts.set(event.id, (starts.get(event.id) ?? 0) + 1);
  }
  expect([...starts].filter(([, count]) => count > MOST_STARTS)).toEqual([]);
  const calm = [...starts].filter(([id]) => id.startsWith("calm-"));
  expect(calm).toHaveLength(SEEDS.length * CALM_TASKS);
  expect(calm.filter(([, count]) => count !== 1)).toEqual([]);

  async function everythingHasEnded(): Promise<void> {
    await eventually(
      "everything has ended",
      async () => {
        try {
          const { pending, active, scheduled, retry } = await inspector.getQueueInfo(queue);
          return pending + active + scheduled + retry === 0;
        } catch (error) {
          // Of the last fault: Redis was restarted, and this connection has not found it again.
          if (error instanceof EngineUnavailableError) return false;
          throw error;
        }
      },
      20_000,
    );
  }

  /** Every tenth task waits a little before it is due. */
  async function enqueue(id: string, i: number): Promise<void> {
    const delay = i % 10 === 0 ? 300 : 0;
    rig.ledger.write({ type: "invoke", id, ...(delay > 0 && { processAt: Date.now() + delay }) });
    try {
      await client.enqueue(new Task("work", { ms: 5 }), {
        queue,
        taskId: id,
        retention: "1h",
        ...(delay > 0 && { processIn: delay }),
      });
      rig.ledger.write({ type: "ok", id });
    } catch (error) {
      if (error instanceof AmbiguousEnqueueError) rig.ledger.write({ type: "info", id });
      else if (error instanceof EngineUnavailableError) rig.ledger.write({ type: "fail", id });
      else throw error;
    }
  }
}, 90_000);
