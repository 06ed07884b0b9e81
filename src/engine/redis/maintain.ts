import type { Broker } from "../../broker/broker.ts";
import { queueKeys } from "../../protocol/keys.ts";
import { floorSeconds, pendingSinceNs } from "../../protocol/units.ts";
import { ARCHIVE_AGE, ARCHIVE_SIZE } from "../archive-bounds.ts";
import { withinClock } from "./clock-guard.ts";
import type { Cutoff } from "./cutoff.ts";
import type { RedisContext } from "./redis-context.ts";
import {
  deleteExpired,
  forward,
  reclaimAggregationSets,
  relistGroups as relistGroupsScript,
  trimArchive,
} from "./scripts.gen.ts";

type Maintenance = Pick<Broker, "forward" | "deleteExpired" | "trimArchive" | "reclaimAggregationSets">;
type Context = Pick<RedisContext, "commands" | "clock" | "runtime" | "logger" | "commandTimeout" | "cluster">;

/** What one script call may be asked for: its ids pass over Lua's stack, and others on the server wait. */
const MOST_IDS = 1_000;

/** Aggregation sets that one script call returns to their groups; ours hold at most 1,000 tasks. */
const SETS_A_CALL = 10;

/** Keys of the database that one call looks at for forgotten groups: less than a millisecond of Redis's time. */
const KEYS_A_CALL = 2_000;

/** Moves what is due, deletes what is over. Any number of servers may do so for one queue at the same time. */
export function redisMaintenance(context: Context, cutoff: Cutoff): Maintenance {
  const { commands, logger } = context;
  /** By queue, where the search for forgotten groups goes on. Absent: at the beginning. */
  const cursors = new Map<string, string>();

  async function relistGroups(queue: string): Promise<void> {
    const { groups, aggregationSets: sets, aggs, groupPrefix, taskPrefix } = queueKeys(queue);
    const cursor = cursors.get(queue) ?? "0";
    const pattern = `${groupPrefix.replace(/[\\*?[\]]/g, "\\$&")}*`;
    const args = { cursor, pattern, count: KEYS_A_CALL, groupPrefix, taskPrefix };
    const reply = await relistGroupsScript.run(commands, { groups, sets, aggs }, args);
    const [next, listed] = reply as [Buffer, Buffer[]];
    cursors.set(queue, String(next));
    if (listed.length > 0) {
      const names = listed.map(String);
      logger.warn({ queue, groups: names }, "groups that have tasks were not listed; listed again");
    }
  }

  return {
    async forward(queue, limit) {
      const at = cutoff.at();
      if (at === undefined) return { moved: 0, nextDueAt: undefined };
      // Nobody should ask again before it is moved.
      const heldBack = context.clock.now() - at;
      const names = queueKeys(queue);
      const { taskPrefix, groupPrefix } = names;
      const reply = await withinClock(context, ({ now, deadline }, call) => {
        const pendingSince = pendingSinceNs(now);
        const args = { now, deadline, cutoff: at, limit: Math.min(limit, MOST_IDS), pendingSince };
        return forward.run(commands, names, { ...args, taskPrefix, groupPrefix }, call);
      });
      const [moved, scheduled, retry, due, blocked] = reply as [number, Buffer, Buffer, Buffer, Buffer[]];
      if (blocked.length > 0) {
        logger.error(
          { queue, ids: blocked.map(String) },
          "tasks cannot join their group: its key is of another type",
        );
      }
      const nextDueAt = earliest(scheduled, retry, due);
      return { moved, nextDueAt: nextDueAt === undefined ? undefined : nextDueAt + heldBack };
    },

    async deleteExpired(queue, limit) {
      const at = cutoff.at();
      if (at === undefined) return 0;
      const { completed, taskPrefix } = queueKeys(queue);
      const reply = await withinClock(context, ({ now, deadline }, call) => {
        const args = {
          now,
          deadline,
          cutoff: floorSeconds(at),
          limit: Math.min(limit, MOST_IDS),
          taskPrefix,
        };
        return deleteExpired.run(commands, { completed }, args, call);
      });
      return reply as number;
    },

    async trimArchive(queue, limit) {
      const at = cutoff.at();
      if (at === undefined) return 0;
      const { archived, taskPrefix, uniquePrefix } = queueKeys(queue);
      const reply = await withinClock(context, ({ now, deadline }, call) => {
        const oldest = floorSeconds(at - ARCHIVE_AGE);
        const bounds = { cutoff: oldest, size: ARCHIVE_SIZE, limit: Math.min(limit, MOST_IDS) };
        return trimArchive.run(
          commands,
          { archived },
          { now, deadline, ...bounds, taskPrefix, uniquePrefix },
          call,
        );
      });
      return reply as number;
    },

    async reclaimAggregationSets(queue) {
      const at = cutoff.at();
      if (at === undefined) return 0;
      const { aggregationSets, groups, groupPrefix } = queueKeys(queue);
      for (let total = 0; ; ) {
        const reply = await withinClock(context, ({ now, deadline }, call) => {
          const args = { now, deadline, cutoff: floorSeconds(at), limit: SETS_A_CALL, groupPrefix };
          return reclaimAggregationSets.run(commands, { sets: aggregationSets, groups }, args, call);
        });
        const [handled, blocked] = reply as [number, Buffer[]];
        total += handled - blocked.length;
        if (blocked.length > 0) {
          logger.error(
            { queue, sets: blocked.map(String) },
            "sets cannot be reclaimed: the group's key is of another type",
          );
        }
        if (handled === SETS_A_CALL) continue;
        await relistGroups(queue);
        return total;
      }
    },
  };
}

/** Scheduled and retrying tasks wait for whole seconds, the exact ones for milliseconds. */
function earliest(scheduled: Buffer, retry: Buffer, due: Buffer): number | undefined {
  const instant = (head: Buffer, unit: number) => (head.length === 0 ? Infinity : Number(head) * unit);
  const at = Math.min(instant(scheduled, 1_000), instant(retry, 1_000), instant(due, 1));
  return Number.isFinite(at) ? at : undefined;
}
