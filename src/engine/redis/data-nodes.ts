import { keySlot } from "./key-slot.ts";
import type { RedisReply } from "./redis-commands.ts";
import type { RedisContext } from "./redis-context.ts";

/** The nodes that hold data, each as a key that leads to it; `undefined` leads to the only one. */
export async function dataNodes({
  commands,
  cluster,
}: Pick<RedisContext, "commands" | "cluster">): Promise<(string | undefined)[]> {
  if (!cluster) return [undefined];
  const ranges = (await commands.command(undefined, "CLUSTER", ["SLOTS"])) as RedisReply[];
  const byNode = new Map<string, string>();
  for (const range of ranges) {
    const [from, to, primary] = range as [number, number, RedisReply[]];
    const name = primary.slice(0, 2).map(String).join(":");
    if (!byNode.has(name)) byNode.set(name, keyBetween(from, to));
  }
  return [...byNode.values()];
}

/** Some key whose slot is one of these. A slot comes up once in 16,384 names. */
function keyBetween(from: number, to: number): string {
  for (let i = 0; ; i += 1) {
    const slot = keySlot(String(i));
    if (slot >= from && slot <= to) return String(i);
  }
}
