import { defineTask } from "titanqueue";
import { z } from "zod";

/** An e-mail to the readers of a country's report, rendered to a file. */
export const sendReport = defineTask("email:report", {
  payload: z.object({ to: z.email(), country: z.string().length(2) }),
  options: { queue: "critical", maxRetry: 5, timeout: "30s" },
});

/** Population figures of a country's cities. */
export const cityReport = defineTask("report:cities", {
  payload: z.object({ country: z.string().length(2) }),
  result: z.object({ cities: z.number(), population: z.number() }),
  options: { queue: "default", retention: "1h" },
});

/** SHA-256 of a file. */
export const checksum = defineTask("file:checksum", {
  payload: z.object({ path: z.string() }),
  options: { queue: "low", maxRetry: 1, timeout: "1m" },
});

/** SHA-256 of random bytes until somebody cancels it. */
export const endlessChecksum = defineTask("file:endless", { options: { queue: "low", timeout: "none" } });

/** Queues of the demo, with their weights. */
export const QUEUES = { critical: 6, default: 3, low: 1 };
