import { setTimeout as sleep } from "node:timers/promises";
import { Client, createEngine, defineTask, limit, ServeMux, Server } from "titanqueue";
import { z } from "zod";

const syncAccount = defineTask("account:sync", {
  payload: z.object({ account: z.string(), part: z.number() }),
});

await using engine = createEngine(process.env.TITANQUEUE_URL ?? "memory:");
const client = new Client(engine);
const limits = [
  // One at a time for each account, whichever server has it.
  limit(syncAccount, { concurrency: 1, key: ({ account }) => account }),
  // And not more than 100 of all kinds a second.
  limit({ queue: "default" }, { rate: { limit: 100, per: "1s" } }),
];

const running = new Map<string, number>();
const order: string[] = [];
const mux = new ServeMux().handle(syncAccount, async ({ payload: { account, part } }) => {
  const others = running.get(account) ?? 0;
  running.set(account, others + 1);
  if (others > 0) throw new Error(`two at once for ${account}`);
  await sleep(5);
  running.set(account, others);
  order.push(`${account}${part}`);
});

for (const part of [1, 2, 3]) {
  for (const account of ["a", "b"]) await client.enqueue(syncAccount({ account, part }));
}
const servers = [new Server(engine, { limits }), new Server(engine, { limits })];
for (const server of servers) await server.start(mux);
while (order.length < 6) await sleep(10);
for (const server of servers) await server.shutdown();
await client.close();
console.log("a:", ...order.filter((name) => name.startsWith("a")));
