/**
 * The whole system on real work, ending by itself: `make demo`. This process enqueues and judges; the server is another
 * one.
 *
 * They share a SQLite file, or TITANQUEUE_URL. What the last line says is computed from what the handlers wrote down
 * themselves and from what the store holds, not from what the server says of itself.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Client, createEngine, Inspector } from "titanqueue";
import { Ledger, ledgerIn } from "./ledger.ts";
import { printTable, showProgress } from "./progress.ts";
import { QUEUES } from "./tasks.ts";
import { enqueueWorkload, filesBelow, type Workload } from "./workload.ts";

/** Whatever goes wrong, the demo ends by then. */
const PATIENCE = 60_000;

const directory = mkdtempSync(join(tmpdir(), "titanqueue-demo-"));
const url = process.env.TITANQUEUE_URL ?? `sqlite:${join(directory, "tasks.db")}`;
const ledger = new Ledger(ledgerIn(directory));

const engine = createEngine(url);
const client = new Client(engine);
const inspector = new Inspector(engine);

process.stdout.write(`titanqueue demo on the ${engine.kind} engine; files go to ${directory}\n`);
const workload = await enqueueWorkload(client, filesBelow("node_modules/typescript/lib", 80));
process.stdout.write(
  `${workload.accepted.length} tasks enqueued, ${workload.refused} refused as a duplicate\n`,
);

const server = startServer();
await untilEnded(workload, server);
server.kill("SIGTERM");
const code = server.exitCode ?? ((await once(server, "exit")) as [number | null])[0];
const lost = await conclude(workload);
await Promise.all([client.close(), inspector.close()]);
process.exit(lost === 0 && code === 0 ? 0 : 1);

function startServer(): ChildProcess {
  const program = fileURLToPath(new URL("server.ts", import.meta.url));
  return spawn(process.execPath, ["--import", "tsx", program, directory], {
    env: { ...process.env, TITANQUEUE_URL: url },
    stdio: ["ignore", "ignore", "inherit"],
  });
}

/** Resolves when every task has ended, or the server; cancels the endless one on the way. */
async function untilEnded({ accepted, endless }: Workload, server: ChildProcess): Promise<void> {
  let ended = 0;
  let failures = 0;
  let canceled = false;
  const stopShowing = showProgress(
    () =>
      `${ended} of ${accepted.length} ended, ${failures} failed and waiting for another try or through it`,
  );
  for (const deadline = Date.now() + PATIENCE; server.exitCode === null && Date.now() < deadline; ) {
    const lines = ledger.read();
    const over = new Set(await archivedIds(accepted));
    for (const { id, event } of lines) if (event === "succeeded") over.add(id);
    ended = over.size;
    failures = lines.filter(({ event }) => event === "failed").length;
    if (ended === accepted.length) break;
    if (!canceled && lines.some(({ id }) => id === endless.id)) {
      canceled = true;
      await inspector.cancelProcessing(endless.id);
    }
    await sleep(100);
  }
  stopShowing();
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
