import type { LimitStore } from "../../broker/limits.ts";
import { semaphoreKey } from "../../protocol/keys.ts";
import { floorSeconds } from "../../protocol/units.ts";
import type { RedisContext } from "./redis-context.ts";
import { acquireToken } from "./scripts.gen.ts";

/** Limits on Redis: tokens as asynq's `x/rate` keeps them, so that Go's tasks and ours may share one semaphore. */
export function redisLimits({ commands }: Pick<RedisContext, "commands">): LimitStore {
  return {
    async acquireToken(scope, id, most, expireAt) {
      const args = { most, deadline: floorSeconds(expireAt), id };
      return (await acquireToken.run(commands, { tokens: semaphoreKey(scope) }, args)) === 1;
    },

    async releaseToken(scope, taskId) {
      const key = semaphoreKey(scope);
      return (await commands.command(key, "ZREM", [key, taskId])) === 1;
    },
  };
}
