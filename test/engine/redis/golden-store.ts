import type { Redis } from "ioredis";
import { FAKE_TIME_KEY } from "./fake-time.ts";

/** One key as the golden vectors write it. Messages and records are hex. */
export interface GoldenKey {
  string?: string;
  list?: string[];
  set?: string[];
  /** Member and score, in order. */
  zset?: [member: string, score: string][];
  hash?: Record<string, string>;
  /** Seconds from now, rounded up. */
  ttl?: number;
  /** Unix seconds. */
  expireAt?: number;
}

/** A whole Redis. */
export type GoldenStore = Record<string, GoldenKey>;

const RECORD_KEY = /^asynq:(servers|workers|schedulers):\{/;
const DAY_KEY = /:(processed|failed):\d{4}-\d\d-\d\d$/;

/** Which values of a key hold bytes. */
function bytesIn(key: string, field?: string): boolean {
  return RECORD_KEY.test(key) || key.startsWith("asynq:scheduler_history:") || field === "msg";
}

const encoding = (key: string, field?: string) => (bytesIn(key, field) ? "hex" : "utf8");

/** Replaces everything in Redis by `store`, at the instant `now`. */
export async function load(client: Redis, store: GoldenStore, now: number): Promise<void> {
  const pipeline = client.pipeline().flushall();
  const bytes = (key: string, text: string, field?: string) => Buffer.from(text, encoding(key, field));
  for (const [key, value] of Object.entries(store)) {
    if (value.string !== undefined) pipeline.set(key, bytes(key, value.string));
    if (value.list) pipeline.rpush(key, ...value.list.map((item) => bytes(key, item)));
    if (value.set) pipeline.sadd(key, ...value.set);
    for (const [member, score] of value.zset ?? []) pipeline.zadd(key, score, bytes(key, member));
    for (const [field, text] of Object.entries(value.hash ?? {})) {
      pipeline.hset(key, field, bytes(key, text, field));
    }
    if (value.ttl !== undefined) pipeline.pexpire(key, value.ttl * 1_000);
    if (value.expireAt !== undefined) pipeline.expireat(key, value.expireAt);
  }
  pipeline.set(FAKE_TIME_KEY, String(Math.round(now * 1_000)));
  const replies = (await pipeline.exec()) ?? [];
  for (const [error] of replies) if (error) throw error;
}

/** Everything in Redis, as the golden vectors write it. */
export async function dump(client: Redis): Promise<GoldenStore> {
  const keys = (await client.keys("*")).filter((key) => key !== FAKE_TIME_KEY).sort();
  const entries = await Promise.all(keys.map(async (key) => [key, await dumpKey(client, key)] as const));
  return Object.fromEntries(entries);
}

async function dumpKey(client: Redis, key: string): Promise<GoldenKey> {
  const text = (bytes: Buffer, field?: string) => bytes.toString(encoding(key, field));
  const [type, ttl] = await Promise.all([client.type(key), client.pttl(key)]);
  const value: GoldenKey = {};
  if (type === "string") value.string = text((await client.getBuffer(key)) ?? Buffer.alloc(0));
  if (type === "list") value.list = (await client.lrangeBuffer(key, 0, -1)).map((item) => text(item));
  if (type === "set") value.set = (await client.smembers(key)).sort();
  if (type === "zset") {
    const flat = await client.zrangeBuffer(key, "0", "-1", "WITHSCORES");
    value.zset = [];
    for (let i = 0; i < flat.length; i += 2) value.zset.push([text(flat[i]!), String(flat[i + 1])]);
  }
  if (type === "hash") {
    value.hash = {};
    const fields = await client.hgetallBuffer(key);
    for (const field of Object.keys(fields).sort()) value.hash[field] = text(fields[field]!, field);
  }
  if (ttl >= 0) {
    if (DAY_KEY.test(key)) value.expireAt = await client.expiretime(key);
    else value.ttl = Math.ceil(ttl / 1_000);
  }
  return value;
}
