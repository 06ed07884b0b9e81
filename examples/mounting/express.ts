import { once } from "node:events";
import type { AddressInfo } from "node:net";
import express from "express";
import { createMonitor } from "titanqueue/monitor";

const monitor = createMonitor(); // of the engine in TITANQUEUE_URL

const app = express();
app.use("/admin/queues", monitor.node); // Express takes the prefix away, so the monitor need not know it
app.get("/", (_request, response) => void response.send("your own pages"));

const server = app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1");
await once(server, "listening");
console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/admin/queues/`);

process.once("SIGINT", async () => {
  await monitor.close(); // ends live streams, for which the server would wait
  server.close();
});
