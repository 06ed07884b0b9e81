import type { Rollup, RollupStore } from "../../broker/rollups.ts";
import { queueKeys } from "../../protocol/keys.ts";
import { decodeMeasured, encodeMeasured, MOST_TYPES, ROLLUP_TTL } from "../../protocol/rollup.ts";
import type { RedisContext } from "./redis-context.ts";
import { addRollups } from "./scripts.gen.ts";

const MINUTE = 60_000;
const HOUR = 3_600_000;

/** Rollups of an hour lie in one hash: two days are 49 keys of a queue. */
export function redisRollups({ commands }: Pick<RedisContext, "commands">): RollupStore {
  return {
    async add(queue, at, measured) {
      const hour = Math.floor(at / HOUR);
      const args = {
        minute: (at - hour * HOUR) / MINUTE,
        mostTypes: MOST_TYPES,
        ttl: ROLLUP_TTL,
        measured: [...measured].flatMap(([type, each]) => [type, encodeMeasured(each)]),
      };
      await addRollups.run(commands, { rollup: queueKeys(queue).rollupPrefix + hour }, args);
    },

    async read(queue, from, to) {
      const prefix = queueKeys(queue).rollupPrefix;
      const hours: number[] = [];
      for (let hour = Math.floor(from / HOUR); hour * HOUR < to; hour += 1) hours.push(hour);
      const replies = await commands.pipeline(
        prefix,
        hours.map((hour) => ["HGETALL", prefix + hour]),
      );
      return replies.flatMap((reply, i) => {
        // A key of another type is none of ours.
        const fields = Array.isArray(reply) ? (reply as Buffer[]) : [];
        return rollupsOf((hours[i] ?? 0) * HOUR, fields).filter(({ at }) => at >= from && at < to);
      });
    },
  };
}

/** Of the fields `<minute>:<type>`. */
function rollupsOf(hour: number, fields: readonly Buffer[]): Rollup[] {
  const rollups: Rollup[] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const [, minute, type = ""] = /^(\d+):(.*)$/s.exec(String(fields[i])) ?? [];
    if (minute === undefined) continue;
    const measured = decodeMeasured(String(fields[i + 1]));
    rollups.push({ at: hour + Number(minute) * MINUTE, type, measured });
  }
  return rollups;
}
