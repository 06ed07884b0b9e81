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

const SEED = 7;
const TASKS = 600;
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

  const nemesis = new Nemesis({
    seed: SEED,
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
        strike: async () => {
          await victim().kill();
          workers.push(await worker());
        },
      },
    ],
  });
  for (let i = 0; i < TASKS || new Set(nemesis.struck).size < 4; i += 1) await enqueue(`task-${i}`, i);
  await nemesis.stop();

  await eventually(
    "everything has ended",
    async () => {
      const { pending, active, scheduled, retry } = await inspector.getQueueInfo(queue);
      return pending + active + scheduled + retry === 0;
    },
    20_000,
  );
  const report = judgeHistory(rig.history(), { stored: new Set(), explains: EXPLAINS });
  expect(report.violations).toEqual([]);
  expect(report.acknowledged).toBeGreaterThan(TASKS / 2);

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
