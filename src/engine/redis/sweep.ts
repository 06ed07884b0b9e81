import type { Broker } from "../../broker/broker.ts";
import { queueKeys } from "../../protocol/keys.ts";
import { ceilSeconds } from "../../protocol/units.ts";
import { withinClock } from "./clock-guard.ts";
import type { RedisContext } from "./redis-context.ts";
import { sweep } from "./scripts.gen.ts";
import { answered } from "./unanswered.ts";

type Context = Pick<
  RedisContext,
  "commands" | "clock" | "runtime" | "timings" | "commandTimeout" | "cluster"
>;

/** Entries of `active` that one call looks at. A longer list is gone through call by call. */
const WINDOW = 1_000;

/** Repairs tasks that are active without a lease, docs/protocol.md 18.10. */
export function redisSweep(context: Context): Pick<Broker, "sweep"> {
  /** Where the next call begins, counted from the tail of `active`. Absent: at the tail. */
  const offsets = new Map<string, number>();

  return {
    async sweep(queue, limit) {
      const { active, lease, taskPrefix } = queueKeys(queue);
      const offset = offsets.get(queue) ?? 0;
      const reply = withinClock(context, ({ now, deadline }, call) => {
        const length = ceilSeconds(context.timings.lease);
        const args = { now, deadline, offset, window: WINDOW, limit, length, taskPrefix };
        return sweep.run(context.commands, { active, lease }, args, call);
      });
      const [kept, more, leased, dropped] = (await answered(reply)) as [number, number, Buffer[], Buffer[]];
      if (more === 1) offsets.set(queue, offset + kept);
      else offsets.delete(queue);
      return { leased: leased.map(String), dropped: dropped.map(String), more: more === 1 };
    },
  };
}
