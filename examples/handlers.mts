import { Client, memoryEngine, ServeMux, Server, Task } from "titanqueue";

const engine = memoryEngine();
const mux = new ServeMux().use(async (task, ctx, next) => {
  ctx.log.info({ tenant: task.headers["tenant"] }, "begins"); // around every handler
  await next();
});
// ctx.signal aborts at the timeout, on cancelation, when the lease is lost, and when shutdown is out of patience.
mux.handle("page:", async (task, ctx) =>
  fetch(String(task.payload), { signal: ctx.signal }).then(() => undefined),
);

const server = new Server(engine, {
  errorHandler: (error, task, ctx) => console.log(`${task.type}, attempt ${ctx?.attempt}: ${error}`),
});
await server.start(mux);
const settled = new Promise((resolve) => server.on("taskSettled", resolve));
const page = new Task("page:fetch", "http://127.0.0.1:9/", { maxRetry: 3, headers: { tenant: "acme" } });
await new Client(engine).enqueue(page, { timeout: "10s" });
await settled;
await server.shutdown();
