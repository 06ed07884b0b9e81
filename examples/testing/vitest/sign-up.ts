import { defineTask, type Enqueuer, ServeMux } from "titanqueue";
import { z } from "zod";

export const welcomeEmail = defineTask("email:welcome", {
  payload: z.object({ to: z.email() }),
  options: { queue: "mail", maxRetry: 3 },
});

// Whatever can enqueue will do: a Client in production.
export async function signUp(queue: Enqueuer, email: string): Promise<void> {
  await queue.enqueue(welcomeEmail({ to: email }), { processIn: "10m" });
}

export function mailMux(send: (to: string) => Promise<void>): ServeMux {
  return new ServeMux().handle(welcomeEmail, (task) => send(task.payload.to));
}
