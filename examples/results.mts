import { Client, defineTask, Inspector, memoryEngine, ServeMux, Server } from "titanqueue";
import { z } from "zod";

const engine = memoryEngine(); // or redisEngine(url): one connection for all three
const sum = defineTask("sum", { payload: z.array(z.number()), result: z.number() });
const server = new Server(engine, { logLevel: "warn" });
await server.start(new ServeMux().handle(sum, (task) => task.payload.reduce((a, b) => a + b, 0)));
const settled = new Promise((resolve) => server.on("taskSettled", resolve));

const info = await new Client(engine).enqueue(sum([1, 2, 3]), { retention: "1h" }); // keeps the result
await settled;
const { state, result } = await new Inspector(engine).getTaskInfo(info);
console.log(`${info.id} is ${state}: ${result}`);
await server.shutdown();
