/** The same as a CommonJS user sees it. */
import titanqueue = require("titanqueue");
import testing = require("titanqueue/testing");

const tick = titanqueue.defineTask("tick");

export async function test(): Promise<number> {
  const mux = new titanqueue.ServeMux().handle(tick, () => undefined);
  const q: testing.TestQueue = testing.testQueue({ mux });
  await q.client.enqueue(tick(), { processIn: "1m" });
  q.expectEnqueued(tick, undefined, { at: "1m" });
  await q.advance("1m");
  return (await q.drain()).success;
}
