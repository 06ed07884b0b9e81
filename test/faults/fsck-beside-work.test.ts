import { expect, it } from "vitest";
import { Client } from "../../src/client/client.ts";
import { createRedisEngine, type RedisEngineInternals } from "../../src/engine/redis/redis-engine.ts";
import type { FsckReport } from "../../src/inspector/fsck.ts";
import { Inspector } from "../../src/inspector/inspector.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { ServeMux } from "../../src/server/serve-mux.ts";
import { Server } from "../../src/server/server.ts";
import { Task } from "../../src/task.ts";
import { redisForFile } from "../support/redis-rig.ts";

const rig = await redisForFile();

const ROUNDS = 12;
const BATCH = 500;
const TASKS = ROUNDS * BATCH;

/** Tasks of all kinds, produced and run while `fsck` looks again and again. Answers what it said, and who ran. */
async function besideWork(
  repair: boolean,
  internals: RedisEngineInternals = {},
): Promise<{ reports: FsckReport[]; runs: Map<number, number> }> {
  const runs = new Map<number, number>();
  let finish: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const ran = (n: number): number => {
    const times = (runs.get(n) ?? 0) + 1;
    runs.set(n, times);
    if (runs.size === TASKS && [...runs].every(([m, each]) => each >= expectedRuns(m))) finish();
    return times;
  };
  const mux = new ServeMux()
    .handle("count", async (task) => {
      const n = Number(task.payload);
      // Some fail once, so that there are retries as well.
      if (ran(n) < expectedRuns(n)) throw new Error("once more");
    })
    .handle("sum", async (task) => {
      for (const n of task.payload as number[]) ran(n);
    });
  await using client = new Client(rig.url);
  await using inspector = new Inspector(createRedisEngine(rig.url, { logger: silentLogger }, internals));
  const server = new Server(rig.url, {
    queues: { default: 1, low: 1 },
    concurrency: 50,
    logger: silentLogger,
    retryDelay: () => 20,
    groupAggregator: (_group, tasks) =>
      new Task(
        "sum",
        tasks.map((task) => Number(task.payload)),
      ),
    groupGracePeriod: "1s",
    groupMaxSize: 5,
  });
  await server.start(mux);
  const reports: FsckReport[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const items = Array.from({ length: BATCH }, (_, i) => round * BATCH + i);
    const [report, answers] = await Promise.all([
      inspector.fsck({ repair }),
      client.enqueueBatch(items.map((n) => ({ task: new Task("count", n), options: kindOf(n) }))),
    ]);
    reports.push(report);
    expect(answers.every(({ ok }) => ok)).toBe(true);
  }
  await finished;
  await server.shutdown();
  return { reports, runs };
}

function expectedRuns(n: number): number {
  return n % 50 === 0 && n % 17 !== 0 ? 2 : 1;
}

function kindOf(n: number) {
  const queue = n % 3 === 0 ? "low" : "default";
  if (n % 17 === 0) return { queue, group: `g:${n % 4}` };
  if (n % 7 === 0) return { queue, processIn: 50 + (n % 90) };
  if (n % 11 === 0) return { queue, unique: "1m" };
  if (n % 13 === 0) return { queue, retention: "1h" };
  return { queue };
}

it("neither harms nor accuses tasks that move while it looks", async () => {
  const { reports, runs } = await besideWork(true);
  expect(reports.flatMap(({ findings }) => findings)).toEqual([]);
  expect(runs.size).toBe(TASKS);
  for (const [n, times] of runs) expect([n, times]).toEqual([n, expectedRuns(n)]);
}, 60_000);

it("would accuse them, did it not look at each once more", async () => {
  const look = "look_in_list(active, 'active')\n";
  let isChanged = false;
  const scriptSource = (source: string, name: string) => {
    if (name !== "mend_task") return source;
    isChanged = source.includes(look);
    return source.replace(look, "");
  };
  const { reports } = await besideWork(false, { scriptSource });
  expect(isChanged).toBe(true);
  expect(reports.flatMap(({ findings }) => findings)).not.toEqual([]);
}, 60_000);
