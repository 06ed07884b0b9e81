/**
 * A server as a user would run it, for tests that send it signals. The first argument says what its handler does: end,
 * be `deaf` to its signal, or leave a rejection to nobody (`rejects`). The others: `listens`, the program hears of such
 * errors itself; `twice`, two servers run; `lives on`, the program outlives its server, and says how the queue looks.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { Client, Inspector, memoryEngine, Server, Task } from "../../src/index.ts";

const [handlerIs, ...also] = process.argv.slice(2);
const engine = memoryEngine();
const server = new Server(engine, { shutdownTimeout: "30s", concurrency: 2 });
const client = new Client(engine);
await client.enqueue(new Task("t"));
if (also.includes("listens")) {
  process.on("uncaughtException", ({ message }) => process.stdout.write(`heard: ${message}\n`));
}

async function handler(): Promise<void> {
  process.stdout.write("running\n");
  if (handlerIs === "rejects") void Promise.reject(new Error("on nobody's mind"));
  if (handlerIs !== undefined) await new Promise(() => setInterval(() => undefined, 1_000));
}

async function lookBack(error: unknown): Promise<never> {
  for (let turns = 0; turns < 100; turns += 1) await nextTurn();
  const { pending, active } = await new Inspector(engine).getQueueInfo("default");
  process.stdout.write(`pending=${pending} active=${active}\n`);
  throw error;
}

const runs = [server.run(handler)];
if (also.includes("twice")) runs.push(new Server(engine, { queues: { other: 1 } }).run(handler));
const codes = await Promise.all(runs).catch((error: unknown) => {
  if (also.includes("lives on")) return lookBack(error);
  throw error;
});
process.exit(Math.max(...codes));
