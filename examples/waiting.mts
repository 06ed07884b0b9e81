import { Inspector } from "titanqueue";

// How many tasks have still to run, on the engine of a URL: npx tsx waiting.mts sqlite:tasks.db
await using inspector = new Inspector(process.argv[2] ?? process.env.TITANQUEUE_URL ?? "memory:");

let waiting = 0;
for (const queue of await inspector.queues()) {
  const { pending, active, scheduled, retry, aggregating } = await inspector.getQueueInfo(queue);
  waiting += pending + active + scheduled + retry + aggregating;
}
console.log(`${waiting} tasks have still to run`);
