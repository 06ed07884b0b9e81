import { Client, defineTask } from "titanqueue";
import { z } from "zod";

export const welcomeEmail = defineTask("email:welcome", { payload: z.object({ to: z.email() }) });

// A client of its own, from TITANQUEUE_URL.
const client = new Client();

export async function signUp(email) {
  await client.enqueue(welcomeEmail({ to: email }), {
    processIn: "10m",
    unique: "1h",
    ifDuplicate: "return",
  });
}
