/**
 * `share.ts <system> <url> <concurrency>`: one of several consumers of one store; writes the numbers of the tasks it
 * was handed, a line of JSON for each turn, until its standard input ends.
 */
import { once } from "node:events";
import { loadSystem, type NodeSystem } from "./systems/system.ts";

const [, , systemName, url, concurrency] = process.argv as [string, string, NodeSystem, string, string];
let handled: number[] = [];

const consumer = await (await loadSystem(systemName)).consumer(url, {
  concurrency: Number(concurrency),
  handle: ({ n }) => {
    if (handled.length === 0) setImmediate(report);
    handled.push(n);
  },
});
await consumer.start();
process.stdin.resume();
await once(process.stdin, "end");
await consumer.close();
process.exit(0);

function report(): void {
  process.stdout.write(`${JSON.stringify(handled)}\n`);
  handled = [];
}
