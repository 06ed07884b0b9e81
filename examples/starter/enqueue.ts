import { Client } from "titanqueue";
import { welcomeEmail } from "./tasks.ts";

const client = new Client(process.env.TITANQUEUE_URL ?? "sqlite:tasks.db");

await client.enqueue(welcomeEmail({ userId: 42 }));
const later = await client.enqueue(welcomeEmail({ userId: 43 }), { processIn: "10s" });
console.log(`task ${later.id} is ${later.state} until ${later.nextProcessAt?.toLocaleTimeString()}`);
