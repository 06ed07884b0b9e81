/** The testing kit as a strict user of the ESM build sees it. */
import { defineTask, defineWorker, type Enqueuer, ServeMux, Server, Task } from "titanqueue";
import { type FakeClock, fakeRuntime, type Performed, type TestQueue, testQueue } from "titanqueue/testing";
import { z } from "zod";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const holds = <T extends true>(): T | undefined => undefined;

const welcome = defineTask("email:welcome", {
  payload: z.object({ userId: z.number(), at: z.coerce.date(), tags: z.array(z.string()).optional() }),
  result: z.object({ sent: z.boolean() }),
});
const tick = defineTask("tick");
const mux = new ServeMux().handle(welcome, () => ({ sent: true }));

declare function signUp(queue: Enqueuer): Promise<void>;

export async function test(): Promise<void> {
  await using q: TestQueue = testQueue({
    mux,
    inline: undefined,
    now: "2030-01-01T00:00:00Z",
    seed: undefined,
  });
  await signUp(q.client);

  const info = q.expectEnqueued(welcome, { userId: 1 }, { queue: undefined, at: "10m", count: undefined });
  holds<Equal<(typeof info)["result"], { sent: boolean } | undefined>>();
  q.expectEnqueued(welcome, { at: new Date(), tags: ["a"] });
  q.expectEnqueued(tick);
  q.expectEnqueued("any:type", { any: "thing" });
  q.refuteEnqueued(welcome, { userId: 2 });
  q.enqueued(welcome)[0]?.result?.sent.valueOf();
  // @ts-expect-error the payload's type is checked
  q.expectEnqueued(welcome, { userId: "1" });
  // @ts-expect-error no such member
  q.expectEnqueued(welcome, { user: 1 });
  // @ts-expect-error a definition without a payload has none to match
  q.expectEnqueued(tick, { a: 1 });

  const attempt = await q.perform(welcome, { userId: 1, at: "2030-01-01" }, { retried: 2 });
  holds<Equal<typeof attempt, Performed<{ sent: boolean }>>>();
  if (attempt.outcome === "success") attempt.result?.sent.valueOf();
  if (attempt.outcome === "retry") attempt.at.getTime();
  // @ts-expect-error only a success has a result
  attempt.result;
  await q.perform(tick);
  await q.perform(new Task("any:type", { any: "thing" }), { maxRetry: 1 });
  // @ts-expect-error a task with a payload needs one
  await q.perform(welcome);

  const { success, attempts } = await q.drain({ scheduled: true, retries: undefined });
  holds<Equal<typeof success, number>>();
  holds<Equal<typeof attempts, readonly Performed[]>>();
  await q.advance("1h30m");
  new Server(q.engine, { runtime: q.runtime });
  q.clock.advance(5);
  q.reset();
}

export const fromWorker = testQueue(defineWorker({ mux }));
export const clock: FakeClock = fakeRuntime({ seed: 1 }).clock;
