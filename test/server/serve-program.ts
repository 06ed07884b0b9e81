/** A server as a user would run it, for tests that send it signals. Its handler ends, or not, as the argument says. */
import { Client, memoryEngine, Server, Task } from "../../src/index.ts";

const engine = memoryEngine();
const server = new Server(engine, { shutdownTimeout: "30s", concurrency: 2 });
const client = new Client(engine);
await client.enqueue(new Task("t"));
const ignoresItsSignal = process.argv[2] === "deaf";
const rejects = process.argv[2] === "rejects";
if (process.argv[3] === "listens") {
  process.on("uncaughtException", ({ message }) => process.stdout.write(`heard: ${message}\n`));
}
const code = server.run(async () => {
  process.stdout.write("running\n");
  if (rejects) void Promise.reject(new Error("on nobody's mind"));
  if (ignoresItsSignal || rejects) await new Promise(() => setInterval(() => undefined, 1_000));
});
process.exit(await code);
