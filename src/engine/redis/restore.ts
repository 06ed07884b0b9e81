import type { Inspection } from "../../broker/inspection.ts";
import { queueKeys } from "../../protocol/keys.ts";
import { pendingSinceNs } from "../../protocol/units.ts";
import { withinClock } from "./clock-guard.ts";
import type { RedisContext } from "./redis-context.ts";
import { restoreTasks } from "./scripts.gen.ts";

type Context = Pick<RedisContext, "commands" | "clock" | "runtime" | "commandTimeout" | "cluster">;

/** Tasks that one script call puts back. */
const MOST_TASKS = 200;

/** Puts tasks back that an operator has archived. */
export function redisRestores(context: Context): Pick<Inspection, "restoreTasks"> {
  return {
    async restoreTasks(queue, tasks) {
      const names = queueKeys(queue);
      const { taskPrefix } = names;
      const restored: boolean[] = [];
      for (let at = 0; at < tasks.length; at += MOST_TASKS) {
        const some = tasks.slice(at, at + MOST_TASKS);
        const places = some.flatMap(({ state, at: dueAt }) => [state, String(Math.ceil(dueAt / 1_000))]);
        const reply = await withinClock(context, ({ now, deadline }, call) =>
          restoreTasks.run(
            context.commands,
            { ...names, tasks: some.map(({ id }) => taskPrefix + id) },
            {
              now,
              deadline,
              pendingSince: pendingSinceNs(now),
              prefixLength: Buffer.byteLength(taskPrefix),
              places,
            },
            call,
          ),
        );
        restored.push(...(reply as number[]).map((answer) => answer === 1));
      }
      return restored;
    },
  };
}
