import { defineTask } from "titanqueue";
import { z } from "zod";

const order = z.object({ order: z.number().int().positive() });

export const charge = defineTask("payment:charge", {
  payload: order.extend({ cents: z.number().int().positive(), card: z.string() }),
  options: { queue: "critical", maxRetry: 4 },
});
export const receipt = defineTask("email:receipt", {
  payload: order.extend({ to: z.email(), language: z.enum(["en", "de", "fr"]) }),
  options: { retention: "10m" },
});
export const reminder = defineTask("email:reminder", { payload: order.extend({ to: z.email() }) });
export const thumbnail = defineTask("image:thumbnail", {
  payload: z.object({ image: z.string(), sizes: z.array(z.number()) }),
  options: { queue: "low" },
});
export const ship = defineTask("order:ship", {
  payload: order,
  options: { timeout: "5s", maxRetry: 3 },
});
export const invoice = defineTask("invoice:print", {
  payload: order.extend({ template: z.string() }),
  options: { maxRetry: 3 },
});
export const view = defineTask("page:view", {
  payload: z.object({ page: z.string() }),
  options: { queue: "low" },
});
export const views = defineTask("page:views", {
  payload: z.object({ page: z.string(), count: z.number() }),
  options: { queue: "low" },
});

export const QUEUES = { critical: 6, default: 3, low: 1 };
