import { memoryEngine, Scheduler, ServeMux, Server, Task } from "titanqueue";

const engine = memoryEngine(); // or a URL
const mux = new ServeMux().handle("report:daily", (task, ctx) => {
  console.log(`${task.type} of ${ctx.tick?.toISOString()}`);
});
const server = new Server(engine, { logLevel: "warn" });
await server.start(mux);
const ran = new Promise((resolve) => server.on("taskSettled", resolve));

const scheduler = new Scheduler(engine, { timezone: "Europe/Berlin", logLevel: "warn" });
await scheduler.register("0 9 * * MON-FRI", new Task("report:daily"), { id: "daily", missed: "run-once" });
await scheduler.register("@every 1s", new Task("cache:warm"), { options: { queue: "low" } });
await scheduler.start(); // `await scheduler.run()` in a process of its own

await scheduler.runNow("daily"); // beside its ticks
for (const { id, spec, next } of await scheduler.list()) console.log(id, spec, next?.toISOString());
await ran;

await scheduler.shutdown();
await server.shutdown();
