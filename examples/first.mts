import { Client, defineTask, ServeMux, Server } from "titanqueue";
import { z } from "zod";

const url = process.env.TITANQUEUE_URL ?? "memory:";

const welcomeEmail = defineTask("email:welcome", {
  payload: z.object({ userId: z.number() }),
  options: { maxRetry: 5, timeout: "30s" },
});

const client = new Client(url);
await client.enqueue(welcomeEmail({ userId: 42 }));
await client.enqueue(welcomeEmail({ userId: 43 }), { processIn: "2s" });

const mux = new ServeMux();
mux.handle(welcomeEmail, async (task, ctx) => {
  console.log(`welcome, user ${task.payload.userId}! (attempt ${ctx.attempt})`);
});

const server = new Server(url, { concurrency: 10 });
process.exit(await server.run(mux)); // until Ctrl+C
