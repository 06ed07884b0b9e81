import { TitanQueueError } from "../../errors.ts";
import { ALL_QUEUES, CANCEL_CHANNEL } from "../../protocol/keys.ts";
import type { RedisCommands } from "./redis-commands.ts";

const KEY = "asynq:{doctor}:k";
const OURS = "tq:{doctor}:k";
const Z = [KEY, "0", "1"];

/** One call of every command that clients, servers and inspectors make, by themselves or in scripts. Nothing runs. */
export const NEEDED_COMMANDS: readonly (readonly [name: string, ...args: string[]])[] = [
  ["EVAL", "return 1", "1", KEY],
  ["EVALSHA", "0", "1", KEY],
  ["PING"],
  ["TIME"],
  ["TYPE", KEY],
  ["EXISTS", KEY],
  ["DEL", OURS],
  ["UNLINK", KEY],
  ["GET", KEY],
  ["SET", KEY, "v"],
  ["SETEX", KEY, "1", "v"],
  ["INCRBY", KEY, "1"],
  ["EXPIRE", KEY, "1"],
  ["EXPIREAT", KEY, "1"],
  ["PEXPIRE", OURS, "1"],
  ["PTTL", KEY],
  ["HGET", KEY, "f"],
  ["HSET", KEY, "f", "v"],
  ["HDEL", KEY, "f"],
  ["HMGET", KEY, "f"],
  ["HGETALL", KEY],
  ["HLEN", KEY],
  ["HKEYS", KEY],
  ["HSCAN", KEY, "0"],
  ["HEXISTS", KEY, "f"],
  ["HSTRLEN", KEY, "f"],
  ["HINCRBY", KEY, "f", "1"],
  ["HVALS", KEY],
  ["LPUSH", KEY, "v"],
  ["RPUSH", KEY, "v"],
  ["LRANGE", ...Z],
  ["LREM", KEY, "0", "v"],
  ["LTRIM", ...Z],
  ["LSET", KEY, "0", "v"],
  ["LLEN", KEY],
  ["LPOS", KEY, "v"],
  ["LINDEX", KEY, "0"],
  ["SADD", ALL_QUEUES, "v"],
  ["SREM", KEY, "v"],
  ["SCARD", KEY],
  ["SISMEMBER", KEY, "v"],
  ["SMEMBERS", KEY],
  ["SRANDMEMBER", KEY],
  ["SSCAN", KEY, "0"],
  ["ZADD", OURS, "1", "v"],
  ["ZREM", KEY, "v"],
  ["ZCARD", KEY],
  ["ZCOUNT", ...Z],
  ["ZLEXCOUNT", KEY, "-", "+"],
  ["ZSCORE", KEY, "v"],
  ["ZMSCORE", KEY, "v"],
  ["ZRANGE", ...Z],
  ["ZREVRANGE", ...Z],
  ["ZRANGEBYSCORE", ...Z],
  ["ZRANGEBYLEX", KEY, "-", "+"],
  ["ZREVRANGEBYLEX", KEY, "+", "-"],
  ["ZREMRANGEBYSCORE", ...Z],
  ["ZREMRANGEBYRANK", ...Z],
  ["ZSCAN", KEY, "0"],
  ["SCAN", "0"],
  ["DBSIZE"],
  ["INFO"],
  ["CONFIG", "GET", "save"],
  ["MEMORY", "USAGE", KEY],
  ["CLIENT", "TRACKING", "on"],
  ["CLUSTER", "SLOTS"],
  ["PUBLISH", CANCEL_CHANNEL, "v"],
  ["SUBSCRIBE", CANCEL_CHANNEL],
  ["SUBSCRIBE", "__redis__:invalidate"],
];

/**
 * What the connection's own user may not do: commands with the key or channel they are for. `undefined`: Redis does not
 * say (before version 7, or since the user may not ask).
 */
export async function missingPermissions(
  commands: Pick<RedisCommands, "command" | "pipeline">,
): Promise<{ user: string; missing: string[] } | undefined> {
  try {
    const user = String(await commands.command(undefined, "ACL", ["WHOAMI"]));
    const replies = await commands.pipeline(
      undefined,
      NEEDED_COMMANDS.map((call) => ["ACL", "DRYRUN", user, ...call]),
    );
    const missing: string[] = [];
    for (const [i, reply] of replies.entries()) {
      if (reply instanceof Error) return undefined;
      const [name, first = ""] = NEEDED_COMMANDS[i] as readonly [string, ...string[]];
      if (String(reply) !== "OK") missing.push(isAboutArgument(String(reply)) ? `${name} ${first}` : name);
    }
    return { user, missing };
  } catch (error) {
    if (isRefused(error)) return undefined;
    throw error;
  }
}

function isAboutArgument(reason: string): boolean {
  return /\b(key|channel)s?\b/i.test(reason);
}

/** Redis was reached, and does not answer this user, or does not know the command. */
export function isRefused(error: unknown): boolean {
  return error instanceof TitanQueueError && ["REDIS_NO_PERMISSION", "REDIS_COMMAND"].includes(error.code);
}
