import { aggregate, Client, defineTask, memoryEngine, ServeMux, Server } from "titanqueue";
import { z } from "zod";

const comment = defineTask("comment", { payload: z.object({ by: z.string(), text: z.string() }) });
const digest = defineTask("digest", { payload: z.object({ to: z.string(), lines: z.array(z.string()) }) });

// One e-mail for all comments of a few seconds, instead of one each.
const digests = aggregate(
  comment,
  (group, tasks) => {
    const lines = tasks.map(({ payload: { by, text } }) => `${by}: ${text}`);
    return digest({ to: group.slice("digest:".length), lines });
  },
  { groups: "digest:", gracePeriod: "1s", maxDelay: "10m", maxSize: 100 },
);

const engine = memoryEngine();
const server = new Server(engine, { aggregators: [digests] });
const mux = new ServeMux().handle(digest, ({ payload: { to, lines } }) => {
  console.log(`to ${to}:`, lines);
});
await server.start(mux);
const sent = new Promise((resolve) => server.on("taskSettled", resolve));

const client = new Client(engine);
await client.enqueue(comment({ by: "Bob", text: "nice" }), { group: "digest:ada" });
await client.enqueue(comment({ by: "Cleo", text: "very nice" }), { group: "digest:ada" });
await sent;
await server.shutdown();
