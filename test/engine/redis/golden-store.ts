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

const READ_ALL = `
local keys = redis.call('KEYS', '*')
table.sort(keys)
local all = {}
for _, key in ipairs(keys) do
  local kind = redis.call('TYPE', key).ok
  local value
  if kind == 'string' then value = { redis.call('GET', key) }
  elseif kind == 'list' then value = redis.call('LRANGE', key, 0, -1)
  elseif kind == 'set' then value = redis.call('SMEMBERS', key)
  elseif kind == 'zset' then value = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
  else value = redis.call('HGETALL', key) end
  all[#all + 1] = { key, kind, redis.call('PTTL', key), redis.call('EXPIRETIME', key), value }
end
return all`;

type RawKey = [key: Buffer, kind: Buffer, ttlMs: number, expireAt: number, value: Buffer[]];

/** Everything in Redis, as the golden vectors write it. */
export async function dump(client: Redis): Promise<GoldenStore> {
  const store: GoldenStore = {};
  for (const [name, kind, ttl, expireAt, raw] of (await client.callBuffer("EVAL", READ_ALL, 0)) as RawKey[]) {
    const key = name.toString();
    if (key === FAKE_TIME_KEY) continue;
    const value = shownValue(key, kind.toString(), raw);
    if (ttl >= 0 && DAY_KEY.test(key)) value.expireAt = expireAt;
    else if (ttl >= 0) value.ttl = Math.ceil(ttl / 1_000);
    store[key] = value;
  }
  return store;
}

function shownValue(key: string, kind: string, raw: readonly Buffer[]): GoldenKey {
  const text = (bytes: Buffer | undefined, field?: string) =>
    (bytes ?? Buffer.alloc(0)).toString(encoding(key, field));
  switch (kind) {
    case "string":
      return { string: text(raw[0]) };
    case "list":
      return { list: raw.map((item) => text(item)) };
    case "set":
      return { set: raw.map(String).sort() };
    case "zset":
      return { zset: pairs(raw).map(([member, score]) => [text(member), String(score)]) };
    default: {
      const fields = pairs(raw).map(([name, bytes]) => [String(name), text(bytes, String(name))] as const);
      return { hash: Object.fromEntries(fields.sort(([a], [b]) => (a < b ? -1 : 1))) };
    }
  }
}

function pairs(flat: readonly Buffer[]): [Buffer, Buffer][] {
  return Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i]!, flat[2 * i + 1]!]);
}

/** Redis counts lifetimes by its own clock: they may differ by the 2 seconds that a step takes at most. */
export function clocksApart(actual: GoldenStore, wanted: GoldenStore): GoldenStore {
  for (const [key, value] of Object.entries(actual)) {
    const ttl = wanted[key]?.ttl;
    if (ttl !== undefined && value.ttl !== undefined && Math.abs(ttl - value.ttl) <= 2) value.ttl = ttl;
  }
  return actual;
}
