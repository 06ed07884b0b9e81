/** Enqueues the demo's work for `make run-server`: `make run-client`. */
import { Client, Inspector } from "titanqueue";
import { QUEUES } from "./tasks.ts";
import { enqueueWorkload, filesBelow } from "./workload.ts";

const url = process.env.TITANQUEUE_URL ?? "redis://127.0.0.1:6379";
await using client = new Client(url);
await using inspector = new Inspector(url);

const { accepted, refused, endless } = await enqueueWorkload(
  client,
  filesBelow("node_modules/typescript/lib", 80),
);
process.stdout.write(`${accepted.length} tasks enqueued, ${refused} refused as a duplicate\n`);
process.stdout.write(`task ${endless.id} runs until it is canceled\n`);
for (const queue of Object.keys(QUEUES)) {
  const { pending, scheduled, active } = await inspector.getQueueInfo(queue);
  process.stdout.write(`${queue}: ${pending} pending, ${active} active, ${scheduled} scheduled\n`);
}
