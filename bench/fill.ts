/** `fill.ts <system> <redis url> <count> [due at]`: enqueues tasks 0 … count-1, to run at that instant (Unix ms). */
import { loadSystem, type NodeSystem, PAD } from "./systems/system.ts";

const [, , systemName, url, count, dueAt] = process.argv as [
  string,
  string,
  NodeSystem,
  string,
  string,
  string?,
];
const producer = await (await loadSystem(systemName)).producer(url);
for (let n = 0; n < Number(count); n += 1_000) {
  const payloads = Array.from({ length: Math.min(1_000, Number(count) - n) }, (_, i) => ({
    n: n + i,
    at: 0,
    pad: PAD,
  }));
  await producer.enqueueBulk(payloads, dueAt === undefined ? undefined : Number(dueAt) - Date.now());
}
await producer.close();
process.exit(0);
