/** What the shop's server does: mostly well, at times not, as servers do. */
import { setTimeout as sleep } from "node:timers/promises";
import { aggregate, ServeMux, SkipRetry } from "titanqueue";
import { charge, invoice, receipt, reminder, ship, thumbnail, view, views } from "./tasks.ts";

const chance = (of: number) => Math.random() < of;
const milliseconds = (from: number, to: number) => from + Math.random() * (to - from);

/** One task instead of one for each view of a page. */
export const countViews = aggregate(
  view,
  (group, tasks) => views({ page: group.slice("page:".length), count: tasks.length }),
  { groups: "page:", gracePeriod: "3s", maxDelay: "10s", maxSize: 50 },
);

export function shopMux(): ServeMux {
  return (
    new ServeMux()
      .handle(charge, async ({ payload: { order, cents } }, ctx) => {
        await sleep(milliseconds(20, 150), undefined, { signal: ctx.signal });
        if (chance(0.02)) throw new SkipRetry(`card of order ${order} was refused: insufficient funds`);
        if (chance(0.05))
          throw new Error(`bank did not answer within ${Math.round(milliseconds(3_000, 5_000))} ms`);
        return { charged: cents, at: new Date().toISOString() };
      })
      .handle(receipt, async ({ payload: { to } }, ctx) => {
        await sleep(milliseconds(5, 40), undefined, { signal: ctx.signal });
        if (chance(0.03)) throw new Error(`550 5.1.1 <${to}>: mailbox unavailable`);
        return `queued as ${Math.random().toString(36).slice(2)}`;
      })
      .handle(reminder, () => sleep(milliseconds(5, 20)))
      .handle(thumbnail, async ({ payload: { image } }, ctx) => {
        await sleep(milliseconds(200, 1_500), undefined, { signal: ctx.signal });
        if (chance(0.04)) throw new TypeError(`${image}: unsupported colour space "CMYK"`);
      })
      .handle(ship, async (_, ctx) => {
        // One in fifty hangs, and is ended by its timeout.
        await sleep(chance(0.02) ? 60_000 : milliseconds(100, 900), undefined, { signal: ctx.signal });
      })
      // The new template is broken: these fail until somebody mends it.
      .handle(
        invoice,
        async ({ payload: { template } }, ctx) => {
          await sleep(milliseconds(30, 90), undefined, { signal: ctx.signal });
          if (template === "v2")
            throw new ReferenceError("total is not defined, in line 12 of the template v2");
        },
        { retryDelay: (retried) => (retried + 1) * 4_000 },
      )
      .handle(views, () => sleep(milliseconds(1, 5)))
      .handle("stock:sync", () => sleep(milliseconds(300, 2_000)))
      .handle("report:daily", () => sleep(milliseconds(500, 3_000)))
  );
}
