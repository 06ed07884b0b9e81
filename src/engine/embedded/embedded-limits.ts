import type { LimitStore } from "../../broker/limits.ts";
import type { Clock } from "../../runtime/clock.ts";
import { strictestLimits } from "../strictest-limits.ts";
import type { Transactions } from "./embedded-store.ts";
import { knowsLimits, QueueLimits, shareLimits } from "./limits.ts";
import { acquireToken, releaseToken } from "./semaphore.ts";

export function embeddedLimits(transactions: Transactions, clock: Clock): LimitStore {
  const on = <T>(queue: string, work: (limits: QueueLimits) => T): Promise<T> =>
    transactions.write((store) => work(new QueueLimits(store.queue(queue), store.marks, clock.now())));

  return {
    acquireToken: (scope, taskId, maxTokens, expireAt) =>
      transactions.write(({ marks }) =>
        acquireToken(marks, scope, taskId, { maxTokens, expireAt, now: clock.now() }),
      ),
    releaseToken: (scope, taskId) => transactions.write(({ marks }) => releaseToken(marks, scope, taskId)),

    isUsed: (queue) => transactions.read(({ marks }) => knowsLimits(marks, queue)),
    share: async (queue, server, specs, ttl) => {
      const now = clock.now();
      const all = await transactions.write(({ marks }) =>
        shareLimits(marks, queue, server, specs, { now, ttl }),
      );
      return strictestLimits(all);
    },
    admit: (queue, admissions) => on(queue, (limits) => limits.admit(admissions)),
    release: (queue, ended) => on(queue, (limits) => limits.release(ended)),
    review: (queue, specs) => on(queue, (limits) => limits.review(specs)),
  };
}
