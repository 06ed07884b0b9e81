import { Client, Task } from "titanqueue";

// Any process may enqueue: it needs the type and the payload, not the handler.
await using client = new Client(process.env.TITANQUEUE_URL ?? "memory:");

const report = new Task("report:daily", { day: "2030-01-31" });
const info = await client.enqueue(report, { queue: "low", taskId: "report-2030-01-31", processIn: "1h" });
console.log(`${info.type} ${info.id} is ${info.state} until ${info.nextProcessAt?.toISOString()}`);
