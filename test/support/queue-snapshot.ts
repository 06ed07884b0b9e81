import { Cluster, type Redis } from "ioredis";

export type RawClient = Redis | Cluster;

/** One key of a queue with everything in it. */
export type StoredKey = { readonly name: string /** Milliseconds; -1 = none. */; readonly ttl: number } & (
  | { readonly type: "string"; readonly value: string }
  | { readonly type: "list" | "set"; readonly members: readonly string[] }
  | { readonly type: "zset"; readonly scores: ReadonlyMap<string, number> }
  | { readonly type: "hash"; readonly fields: ReadonlyMap<string, Buffer> }
);

/** All keys of one queue at one instant. */
export interface QueueSnapshot {
  readonly queue: string;
  /** Redis TIME in seconds. */
  readonly now: number;
  readonly keys: readonly StoredKey[];
}

/** Reads only, and in one script, so nothing moves while it looks: what it shows was all true at once. */
const DUMP = `
local read = {
  string = function(key) return redis.call("GET", key) end,
  list = function(key) return redis.call("LRANGE", key, 0, -1) end,
  set = function(key) return redis.call("SMEMBERS", key) end,
  zset = function(key) return redis.call("ZRANGE", key, 0, -1, "WITHSCORES") end,
  hash = function(key) return redis.call("HGETALL", key) end,
}
local dump = {}
for _, pattern in ipairs(ARGV) do
  for _, key in ipairs(redis.call("KEYS", pattern)) do
    local kind = redis.call("TYPE", key).ok
    if read[kind] then dump[#dump + 1] = { key, kind, redis.call("PTTL", key), read[kind](key) } end
  end
end
return { redis.call("TIME"), dump }
`;

type RawKey = [name: Buffer, type: Buffer, ttl: number, value: Buffer | Buffer[]];

/** Reads everything a queue has in Redis. Costs about a second per 100,000 tasks, during which Redis does nothing else. */
export async function snapshotQueue(client: RawClient, queue: string): Promise<QueueSnapshot> {
  const tag = `{${escapeGlob(queue)}}`;
  const reply = await client.callBuffer(
    "EVAL",
    DUMP,
    "1",
    `asynq:{${queue}}:pending`,
    `asynq:${tag}:*`,
    `tq:${tag}:*`,
  );
  const [[seconds, micros], keys] = reply as unknown as [[Buffer, Buffer], RawKey[]];
  return { queue, now: Number(seconds) + Number(micros) / 1e6, keys: keys.map(storedKey) };
}

function storedKey([rawName, rawType, ttl, value]: RawKey): StoredKey {
  const name = rawName.toString();
  const type = rawType.toString() as StoredKey["type"];
  const items = Array.isArray(value) ? value : [value];
  switch (type) {
    case "string":
      return { name, ttl, type, value: String(value) };
    case "list":
    case "set":
      return { name, ttl, type, members: items.map(String) };
    case "zset":
      return { name, ttl, type, scores: new Map(pairs(items, (score) => Number(score))) };
    case "hash":
      return { name, ttl, type, fields: new Map(pairs(items, (field) => field)) };
  }
}

function* pairs<T>(items: readonly Buffer[], value: (item: Buffer) => T): Iterable<[string, T]> {
  for (let i = 0; i + 1 < items.length; i += 2) yield [String(items[i]), value(items[i + 1] as Buffer)];
}

function escapeGlob(text: string): string {
  return text.replace(/[\\*?[\]]/g, "\\$&");
}

/** The nodes that hold data: one, or the masters of a cluster. */
function dataNodes(client: RawClient): readonly Redis[] {
  return client instanceof Cluster ? client.nodes("master") : [client];
}

/** The names of all keys that match, over all nodes. */
export async function scanKeys(client: RawClient, pattern: string): Promise<string[]> {
  const found = new Set<string>();
  for (const node of dataNodes(client)) {
    let cursor = "0";
    do {
      const [next, keys] = await node.scan(cursor, "MATCH", pattern, "COUNT", 1000);
      for (const key of keys) found.add(key);
      cursor = next;
    } while (cursor !== "0");
  }
  return [...found];
}
