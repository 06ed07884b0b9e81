import { z } from "zod";
import { defineTask } from "../../src/define-task.ts";
import type { Logger } from "../../src/runtime/logger.ts";
import { ServeMux } from "../../src/server/serve-mux.ts";

/** Tasks that the tests of the kit are about. */
export const welcome = defineTask("email:welcome", {
  payload: z.object({ userId: z.number(), to: z.object({ name: z.string(), city: z.string() }).optional() }),
  result: z.string(),
  options: { queue: "critical", maxRetry: 2 },
});
export const report = defineTask("report:daily", {
  payload: z.object({ day: z.coerce.date(), pages: z.array(z.number()).default([]) }),
});
export const tick = defineTask("tick");

/** 2030-01-01. */
export const NEW_YEAR = "2030-01-01T00:00:00.000Z";

/** A mux that writes down what it runs, and fails as often as told. */
export function recordingMux() {
  const ran: unknown[] = [];
  const failing = { times: 0 };
  const mux = new ServeMux();
  mux.handle(welcome, async (task) => {
    if (failing.times > 0) {
      failing.times -= 1;
      throw new Error("no mail today");
    }
    ran.push(task.payload.userId);
    return `sent to ${task.payload.userId}`;
  });
  mux.handle(tick, () => {
    ran.push("tick");
  });
  return { mux, ran, failing };
}

const ignore = (): void => undefined;
/** For tests in which attempts fail on purpose. */
export const quiet: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };
