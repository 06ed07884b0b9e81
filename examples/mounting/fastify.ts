import fastify from "fastify";
import { createMonitor } from "titanqueue/monitor";

const monitor = createMonitor({ basePath: "/admin/queues" }); // of the engine in TITANQUEUE_URL

const app = fastify({ forceCloseConnections: true }); // else browsers that keep one open hold up its end
await app.register(async (scope) => {
  scope.removeAllContentTypeParsers(); // here alone: the monitor reads bodies itself
  scope.addContentTypeParser("*", (_request, _payload, done) => done(null));
  for (const path of ["/admin/queues", "/admin/queues/*"]) {
    scope.all(path, (request, reply) => {
      reply.hijack();
      monitor.node(request.raw, reply.raw);
    });
  }
});
app.get("/", () => "your own pages");
app.addHook("preClose", () => monitor.close()); // ends live streams, for which Fastify would wait

const address = await app.listen({ port: Number(process.env.PORT ?? 3000), host: "127.0.0.1" });
console.log(`${address}/admin/queues/`);

process.once("SIGINT", () => app.close());
