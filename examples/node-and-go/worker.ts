import { ServeMux, Server } from "titanqueue";
import { monthReport, welcome } from "./tasks.ts";

const mux = new ServeMux()
  .handle(welcome, ({ payload: { name, userId } }) => console.log(`node: welcome, ${name} (${userId})`))
  .handle(monthReport, ({ payload }) => console.log(`node: report of ${payload.toISOString().slice(0, 7)}`));

// TITANQUEUE_URL says where, as for Go.
const server = new Server(undefined, { concurrency: 10, logLevel: "warn" });
console.log("node: ready");
process.exit(await server.run(mux));
