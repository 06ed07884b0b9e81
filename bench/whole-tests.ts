import { z } from "zod";
import { defineTask, ServeMux } from "../dist/index.mjs";
import { testQueue } from "../dist/testing.mjs";
import type { Measurement } from "./measurement.ts";

const welcome = defineTask("email:welcome", { payload: z.object({ userId: z.number() }) });

/** Milliseconds that one whole test of a user's takes, the median of `count`: enqueue, advance, drain, assert. */
export async function wholeTests(count: number): Promise<Measurement> {
  const times: number[] = [];
  for (let test = 0; test < count; test++) times.push(await wholeTest());
  times.sort((a, b) => a - b);
  return { value: times[count >> 1] as number };
}

async function wholeTest(): Promise<number> {
  const begun = performance.now();
  const ran: number[] = [];
  const mux = new ServeMux().handle(welcome, async ({ payload }) => {
    ran.push(payload.userId);
  });
  const q = testQueue({ mux });
  await q.client.enqueue(welcome({ userId: 42 }), { processIn: "10m" });
  q.expectEnqueued(welcome, { userId: 42 }, { at: "10m" });
  await q.advance("10m");
  const { success } = await q.drain();
  q.refuteEnqueued(welcome);
  if (success !== 1 || ran[0] !== 42) throw new Error("the task did not run");
  return performance.now() - begun;
}
