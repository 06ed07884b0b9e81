/**
 * The demo's handlers as a server of its own: `make run-server`, ended by Ctrl+C.
 *
 * `server.ts <directory>`: works there and says nothing but errors, as `make demo` has it.
 */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Server } from "titanqueue";
import { demoMux } from "./handlers.ts";
import { Ledger, ledgerIn } from "./ledger.ts";
import { QUEUES } from "./tasks.ts";

const url = process.env.TITANQUEUE_URL ?? "redis://127.0.0.1:6379";
const given = process.argv[2];
const directory = given ?? mkdtempSync(join(tmpdir(), "titanqueue-demo-"));
const server = new Server(url, {
  concurrency: 10,
  queues: QUEUES,
  cancelPolicy: "archive",
  logLevel: given === undefined ? "info" : "error",
});
server.on("taskSettled", ({ type, taskId, outcome }) =>
  process.stdout.write(`${type} ${taskId} ${outcome}\n`),
);

process.exit(await server.run(await demoMux(directory, new Ledger(ledgerIn(directory)))));
