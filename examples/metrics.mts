import { createServer } from "node:http";
import { Registry } from "prom-client";
import { Client, createEngine, Inspector, Server, Task } from "titanqueue";
import { registerEngineMetrics, registerServerMetrics } from "titanqueue/metrics";

const engine = createEngine(); // the URL in TITANQUEUE_URL
const server = new Server(engine);
const inspector = new Inspector(engine);
const registry = new Registry();
registerServerMetrics(registry, server); // in every process that runs tasks
registerEngineMetrics(registry, inspector); // in one process, for all of them

const endpoint = createServer(async (_, response) => {
  response.setHeader("content-type", registry.contentType).end(await registry.metrics());
});
endpoint.listen(0, "127.0.0.1");

await server.start((task) => console.log(`runs ${task.type}`));
const settled = new Promise((resolve) => server.on("taskSettled", resolve));
await new Client(engine).enqueue(new Task("email:welcome"));
await settled;
console.log(await registry.getSingleMetricAsString("titanqueue_tasks_processed_total"));

endpoint.close();
await Promise.all([server.shutdown(), inspector.close()]);
