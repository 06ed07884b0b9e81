import type { Broker, OutcomeAnswer } from "../../broker/broker.ts";
import { queueKeys } from "../../protocol/keys.ts";
import { leaseOf } from "./lease-token.ts";
import type { RedisContext } from "./redis-context.ts";
import { FENCED, UNLEASED } from "./refusal.ts";
import { writeResult } from "./scripts.gen.ts";
import { answered } from "./unanswered.ts";

/** Stores results of running attempts. */
export function redisResults({ commands }: Pick<RedisContext, "commands">): Pick<Broker, "writeResult"> {
  return {
    async writeResult(leased, result): Promise<OutcomeAnswer> {
      const { id, queue } = leased.message;
      const { lease, taskPrefix } = queueKeys(queue);
      const keys = { lease, task: taskPrefix + id };
      const attempt = leaseOf(leased);
      const write = (proof: string) =>
        answered(writeResult.run(commands, keys, { id, wanted: attempt.score, proof, result }));
      let refusal = await write("");
      if (refusal === UNLEASED) refusal = await write(attempt.proof());
      if (refusal === 0) return "settled";
      return refusal === FENCED ? "fenced" : "gone";
    },
  };
}
