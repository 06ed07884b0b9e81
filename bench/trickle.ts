/** `trickle.ts <system> <redis url> <count>`: enqueues 50 tasks a second, each stamped just before its enqueue. */
import { setTimeout as sleep } from "node:timers/promises";
import { loadSystem, type NodeSystem, PAD } from "./systems/system.ts";

const [, , systemName, url, count] = process.argv as [string, string, NodeSystem, string, string];
const producer = await (await loadSystem(systemName)).producer(url);
await sleep(1_000);
for (let n = 0; n < Number(count); n++) {
  await producer.enqueue({ n, at: Number(process.hrtime.bigint()), pad: PAD });
  await sleep(20);
}
await producer.close();
process.exit(0);
