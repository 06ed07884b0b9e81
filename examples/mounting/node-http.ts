import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createMonitor } from "titanqueue/monitor";

const monitor = createMonitor({ basePath: "/admin/queues" }); // of the engine in TITANQUEUE_URL

const server = createServer((request, response) => {
  if (/^\/admin\/queues(?:[/?]|$)/.test(request.url ?? "")) monitor.node(request, response);
  else response.end("your own pages");
});

await once(server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1"), "listening");
console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/admin/queues/`);

process.once("SIGINT", async () => {
  await monitor.close(); // ends live streams, for which the server would wait
  server.close();
});
