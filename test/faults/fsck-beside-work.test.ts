import { expect, it } from "vitest";
import { Client } from "../../src/client/client.ts";
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

it("neither harms nor accuses tasks that move while it looks", async () => {
  await using client = new Client(rig.url);
  await using inspector = new Inspector(rig.url);
  const runs = new Map<number, number>();
  let finish: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const mux = new ServeMux().handle("count", async (task) => {
    const n = Number(task.payload);
    const before = runs.get(n) ?? 0;
    runs.set(n, before + 1);
    // Some fail once, so that there are retries as well.
    if (n % 50 === 0 && before === 0) throw new Error("once more");
    if (runs.size === TASKS && [...runs].every(([m, times]) => times === expectedRuns(m))) finish();
  });
  const server = new Server(rig.url, {
    queues: { default: 1, low: 1 },
    concurrency: 50,
    logger: silentLogger,
    retryDelay: () => 20,
  });
  await server.start(mux);

  for (let round = 0; round < ROUNDS; round += 1) {
    const items = Array.from({ length: BATCH }, (_, i) => round * BATCH + i);
    const [report, answers] = await Promise.all([
      inspector.fsck({ repair: true }),
      client.enqueueBatch(items.map((n) => ({ task: new Task("count", n), options: kindOf(n) }))),
    ]);
    expect(report.findings).toEqual([]);
    expect(answers.every(({ ok }) => ok)).toBe(true);
  }
  await finished;
  await server.shutdown();

  expect(runs.size).toBe(TASKS);
  for (const [n, times] of runs) expect([n, times]).toEqual([n, expectedRuns(n)]);
  expect((await inspector.fsck({ repair: true })).found).toBe(0);
}, 60_000);

function expectedRuns(n: number): number {
  return n % 50 === 0 ? 2 : 1;
}

function kindOf(n: number) {
  const queue = n % 3 === 0 ? "low" : "default";
  if (n % 7 === 0) return { queue, processIn: 50 + (n % 90) };
  if (n % 11 === 0) return { queue, unique: "1m" };
  if (n % 13 === 0) return { queue, retention: "1h" };
  return { queue };
}
