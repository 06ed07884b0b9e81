/**
 * A small shop at work, and the monitor beside it: `make demo-ui`, until Ctrl+C.
 *
 * It lives on a SQLite file of its own, or on TITANQUEUE_URL. PORT says where the monitor listens (8080).
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, createEngine, Scheduler, Server, Task } from "titanqueue";
import { createMonitor } from "titanqueue/monitor";
import { letThemCome } from "./customers.ts";
import { countViews, shopMux } from "./shop.ts";
import * as tasks from "./tasks.ts";

const directory = mkdtempSync(join(tmpdir(), "titanqueue-demo-"));
const engine = createEngine(process.env.TITANQUEUE_URL ?? `sqlite:${join(directory, "tasks.db")}`);
const { QUEUES, ...definitions } = tasks;

const monitor = createMonitor({ engine, tasks: Object.values(definitions) });
const url = await monitor.listen({ port: Number(process.env.PORT ?? 8080) });

const server = new Server(engine, {
  concurrency: 4,
  queues: QUEUES,
  aggregators: [countViews],
  logLevel: "error",
});
await server.start(shopMux());
const scheduler = new Scheduler(engine, { logLevel: "error" });
await scheduler.register("@every 20s", new Task("stock:sync"), { id: "stock", options: { queue: "low" } });
await scheduler.register("0 6 * * *", new Task("report:daily"), { id: "report" });
await scheduler.start();
const client = new Client(engine);

const closing = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => closing.abort());
console.log(`A shop is at work on the ${engine.kind} engine. Look at it: ${url}\nCtrl+C ends it.`);
await letThemCome(client, closing.signal);

await scheduler.shutdown();
await server.shutdown();
await client.close();
await monitor.close();
await engine.close();
rmSync(directory, { recursive: true, force: true });
