/**
 * The whole system in one process, on real work, ending by itself: `make demo`.
 *
 * It runs in memory, or on TITANQUEUE_URL. What the last line says is computed from what the handlers wrote down
 * themselves and from what the store holds, not from what the server says of itself.
 */
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, createEngine, Inspector, Server } from "titanqueue";
import { demoMux } from "./handlers.ts";
import { Ledger } from "./ledger.ts";
import { printTable, showProgress } from "./progress.ts";
import { QUEUES } from "./tasks.ts";
import { enqueueWorkload, filesBelow, type Workload } from "./workload.ts";

/** Whatever goes wrong, the demo ends by then. */
const PATIENCE = 60_000;

const url = process.env.TITANQUEUE_URL ?? "memory:";
const directory = mkdtempSync(join(tmpdir(), "titanqueue-demo-"));
const ledger = new Ledger(join(directory, "ledger.jsonl"));

const engine = createEngine(url);
const client = new Client(engine);
const inspector = new Inspector(engine);
const server = new Server(engine, {
  concurrency: 10,
  queues: QUEUES,
  cancelPolicy: "archive",
  logLevel: "error",
});

process.stdout.write(`titanqueue demo on the ${engine.kind} engine; files go to ${directory}\n`);
const workload = await enqueueWorkload(client, filesBelow("node_modules/typescript/lib", 80));
process.stdout.write(
  `${workload.accepted.length} tasks enqueued, ${workload.refused} refused as a duplicate\n`,
);

await server.start(await demoMux(directory, ledger));
await untilEnded(workload);
await server.shutdown();
const lost = await conclude(workload);
await Promise.all([client.close(), inspector.close()]);
process.exit(lost === 0 ? 0 : 1);

/** Resolves when every task has ended; cancels the endless one on the way. */
async function untilEnded({ accepted, endless }: Workload): Promise<void> {
  const open = new Set(accepted);
  const ended = new EventTarget();
  const seen = { retries: 0 };
  const offSettled = server.on("taskSettled", ({ taskId, outcome }) => {
    if (outcome === "retry") seen.retries += 1;
    else open.delete(taskId);
    if (open.size === 0) ended.dispatchEvent(new Event("all"));
  });
  const offStarted = server.on("taskStarted", ({ taskId }) => {
    if (taskId === endless.id) void inspector.cancelProcessing(endless.id);
  });
  const stopShowing = showProgress(() => {
    const done = accepted.length - open.size;
    return `${done} of ${accepted.length} ended, ${seen.retries} failed and waiting for another try or through it`;
  });
  const timeUp = AbortSignal.timeout(PATIENCE);
  await Promise.race([once(ended, "all"), once(timeUp, "abort")]);
  stopShowing();
  offSettled();
  offStarted();
}

/** Prints the table and the last line; answers how many tasks were lost. */
async function conclude({ accepted }: Workload): Promise<number> {
  const lines = ledger.read().filter((line) => accepted.includes(line.id));
  const succeeded = new Set(lines.filter((line) => line.event === "succeeded").map((line) => line.id));
  const archived = await archivedIds(accepted);

  const types = [...new Set(lines.map((line) => line.type))].sort();
  const rows = types.map((type) => {
    const own = lines.filter((line) => line.type === type);
    const ids = new Set(own.map((line) => line.id));
    const times = own.flatMap((line) => line.ms ?? []).sort((a, b) => a - b);
    const count = (event: string) => own.filter((line) => line.event === event).length;
    const median = times[times.length >> 1];
    const ends = [...ids].filter((id) => archived.has(id)).length;
    return [
      type,
      ids.size,
      count("started"),
      count("failed"),
      ends,
      median === undefined ? "–" : `${median.toFixed(1)} ms`,
    ];
  });
  printTable([["type", "tasks", "starts", "failures", "archived", "median"], ...rows]);

  const lost = accepted.length - succeeded.size - archived.size;
  process.stdout.write(
    `demo: ${accepted.length} enqueued, ${succeeded.size} processed, ${archived.size} archived, ${lost} lost\n`,
  );
  return lost;
}

async function archivedIds(accepted: readonly string[]): Promise<Set<string>> {
  const ids = new Set<string>();
  for (const queue of Object.keys(QUEUES)) {
    for (let page = 1; ; page += 1) {
      const tasks = await inspector.listTasks(queue, "archived", { page, pageSize: 100 });
      for (const { id } of tasks) if (accepted.includes(id)) ids.add(id);
      if (tasks.length < 100) break;
    }
  }
  return ids;
}
