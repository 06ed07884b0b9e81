/**
 * The whole system in one process, on real work, ending by itself: `make demo`.
 *
 * Runs in memory, or on TITANQUEUE_URL. The last line is computed from what the handlers wrote down themselves.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Client, createEngine, Inspector, Server } from "titanqueue";
import { demoMux } from "./handlers.ts";
import { Ledger } from "./ledger.ts";
import { printTable, showProgress } from "./progress.ts";
import { definitions, endlessChecksum } from "./tasks.ts";
import { enqueueWorkload, filesBelow } from "./workload.ts";

const url = process.env["TITANQUEUE_URL"] ?? "memory:";
const directory = mkdtempSync(join(tmpdir(), "titanqueue-demo-"));
mkdirSync(directory, { recursive: true });
const ledger = new Ledger(join(directory, "ledger.jsonl"));

const engine = createEngine(url);
const client = new Client(engine);
const inspector = new Inspector(engine);
const server = new Server(engine, {
  concurrency: 10,
  queues: { critical: 6, default: 3, low: 1 },
  cancelPolicy: "archive",
  logLevel: "warn",
});

const ends = new Map<string, string>();
const watching = { wake: () => undefined as void };
const offSettled = server.on("taskSettled", ({ task, outcome }) => {
  if (outcome !== "retry") ends.set(task.id, outcome);
  watching.wake();
});
