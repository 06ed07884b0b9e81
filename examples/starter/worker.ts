import { defineWorker, ServeMux } from "titanqueue";
import { welcomeEmail } from "./tasks.ts";

const mux = new ServeMux();

mux.handle(welcomeEmail, async (task, ctx) => {
  console.log(`welcome, user ${task.payload.userId}! (attempt ${ctx.attempt})`);
});

export default defineWorker({ mux, server: { concurrency: 10 } });
