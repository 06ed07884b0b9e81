import type { LimitStore } from "../../broker/limits.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Transactions } from "./embedded-store.ts";
import { acquireToken, releaseToken } from "./semaphore.ts";

export function embeddedLimits(transactions: Transactions, clock: Clock): LimitStore {
  return {
    acquireToken: (scope, taskId, maxTokens, expireAt) =>
      transactions.write(({ marks }) =>
        acquireToken(marks, scope, taskId, { maxTokens, expireAt, now: clock.now() }),
      ),
    releaseToken: (scope, taskId) => transactions.write(({ marks }) => releaseToken(marks, scope, taskId)),
  };
}
