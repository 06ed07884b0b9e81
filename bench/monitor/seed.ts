/** A million tasks in one queue, written by a script in the layout of a server at work. */
import type { Redis } from "ioredis";
import { encodeTaskMessage } from "../../src/protocol/codec.ts";
import { queueKeys } from "../../src/protocol/keys.ts";
import type { TaskMessage } from "../../src/protocol/task-message.ts";

export const QUEUE = "million";
export const COUNTS = { pending: 900_000, retry: 90_000, archived: 10_000 } as const;
/** Every thousandth is of this type. */
export const RARE = "email:rare";

const PLACEHOLDER = "task-0000000";
const AT_ONCE = 1_000;
const SEED = `
local prefix, container, state = ARGV[1], KEYS[1], ARGV[2]
local common, rare, tail = ARGV[3], ARGV[4], ARGV[5]
local first, last, score, since = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), ARGV[9]
for i = first, last do
  local id = string.format('task-%07d', i)
  redis.call('HSET', prefix .. id, 'msg', (i % 1000 == 500 and rare or common) .. id .. tail, 'state', state)
  if state == 'pending' then
    redis.call('HSET', prefix .. id, 'pending_since', since)
    redis.call('LPUSH', container, id)
  else
    redis.call('ZADD', container, score + i % 3600, id)
  end
end`;

export async function seed(client: Redis, now: number): Promise<void> {
  const keys = queueKeys(QUEUE);
  await client.sadd("asynq:queues", QUEUE);
  let from = 0;
  for (const [state, count] of Object.entries(COUNTS) as [keyof typeof COUNTS, number][]) {
    const [common, tail] = around("email:welcome", state);
    const [rare] = around(RARE, state);
    const score = Math.floor(now / 1_000) + (state === "retry" ? 60 : -7_200);
    const since = `${now - 60_000}000000`;
    for (let first = from; first < from + count; first += AT_ONCE) {
      const args = [keys.taskPrefix, state, common, rare, tail, first, first + AT_ONCE - 1, score, since];
      await client.eval(SEED, 1, keys[state], ...args);
    }
    from += count;
  }
}

/** A message of that type, before and behind its id. */
function around(type: string, state: string): [head: Buffer, tail: Buffer] {
  const failed = state !== "pending";
  const message: TaskMessage = {
    type,
    payload: new TextEncoder().encode('{"to":"ada@example.com","user":{"id":42},"template":"welcome"}'),
    headers: new Map(),
    id: PLACEHOLDER,
    queue: QUEUE,
    retry: 25,
    retried: failed ? 3 : 0,
    errorMsg: failed ? "connect ECONNREFUSED 10.0.0.17:5432" : "",
    lastFailedAt: failed ? Math.floor(Date.now() / 1_000) - 60 : 0,
    timeout: 1_800,
    deadline: 0,
    uniqueKey: "",
    groupKey: "",
    retention: 0,
    completedAt: 0,
  };
  const bytes = Buffer.from(encodeTaskMessage(message));
  const at = bytes.indexOf(PLACEHOLDER);
  return [bytes.subarray(0, at), bytes.subarray(at + PLACEHOLDER.length)];
}
