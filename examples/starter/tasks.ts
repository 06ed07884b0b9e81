import { defineTask } from "titanqueue";
import { z } from "zod";

export const welcomeEmail = defineTask("email:welcome", {
  payload: z.object({ userId: z.number() }),
  options: { maxRetry: 5, timeout: "30s" },
});
