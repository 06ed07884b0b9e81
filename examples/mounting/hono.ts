import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { createMonitor } from "titanqueue/monitor";

const monitor = createMonitor({ basePath: "/admin/queues" }); // of the engine in TITANQUEUE_URL

const app = new Hono();
// On Node, `env` tells where a request is from: without `auth`, only this machine is answered.
app.all("/admin/queues/*", (context) => monitor.fetch(context.req.raw, context.env as object));
app.get("/", (context) => context.text("your own pages"));

const port = Number(process.env.PORT ?? 3000);
const server = serve({ fetch: app.fetch, port, hostname: "127.0.0.1" }, (address) => {
  console.log(`http://127.0.0.1:${address.port}/admin/queues/`);
});

process.once("SIGINT", async () => {
  await monitor.close(); // ends live streams, for which the server would wait
  server.close();
});
