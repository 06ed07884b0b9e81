import type { Aggregation, CommitAnswer, GroupStatus } from "../../broker/aggregation.ts";
import { MOST_MEMBERS, SET_LIFETIME } from "../../broker/aggregation-rules.ts";
import { encodeTaskMessage } from "../../protocol/codec.ts";
import {
  ALL_QUEUES,
  aggregationSetKey,
  failedKey,
  groupKey,
  processedKey,
  queueKeys,
} from "../../protocol/keys.ts";
import type { TaskMessage } from "../../protocol/task-message.ts";
import { floorSeconds, pendingSinceNs } from "../../protocol/units.ts";
import { withinClock } from "./clock-guard.ts";
import type { Cutoff } from "./cutoff.ts";
import { pushEntry } from "./enqueue.ts";
import type { RedisArg } from "./redis-commands.ts";
import type { RedisContext } from "./redis-context.ts";
import { aggregationCheck, commitAggregation, listGroups, readAggregationSet } from "./scripts.gen.ts";
import { storedId } from "./stored-id.ts";
import { readMessage } from "./stored-message.ts";

type Context = Pick<RedisContext, "commands" | "clock" | "runtime" | "commandTimeout" | "cluster">;

/** Groups that one script call looks at, about a millisecond of Redis's time. */
const GROUPS_A_CALL = 250;
/** Members, and bytes of their messages, that one reply holds. */
const READ_IDS = 500;
const READ_BYTES = 1_024 * 1_024;

/** Sets of groups' members, as asynq lays them out. Any number of servers may aggregate one queue at the same time. */
export function redisAggregation(context: Context, cutoff: Cutoff): Aggregation {
  const { commands } = context;
  return {
    async listGroups(queue, cursor = "0") {
      const { groups, groupPrefix } = queueKeys(queue);
      const reply = await listGroups.run(commands, { groups }, { cursor, count: GROUPS_A_CALL, groupPrefix });
      const [next, ...flat] = reply as [Buffer, ...(Buffer | number)[]];
      const found: GroupStatus[] = [];
      for (let i = 0; i + 3 < flat.length; i += 4) {
        const [group, size, oldest, newest] = flat.slice(i, i + 4);
        found.push({
          group: String(group),
          size: Number(size),
          oldestAt: Number(oldest) * 1_000,
          newestAt: Number(newest) * 1_000,
        });
      }
      const end = String(next);
      return { groups: found, cursor: end === "0" ? undefined : end };
    },

    async createAggregationSet({ queue, group, id }, { gracePeriod, maxDelay, maxSize }) {
      const at = cutoff.at();
      if (at === undefined) return undefined;
      const { aggregationSets: sets, groups, aggs } = queueKeys(queue);
      const keys = {
        group: groupKey(queue, group),
        set: aggregationSetKey(queue, group, id),
        sets,
        groups,
        aggs,
      };
      const reply = await withinClock(context, ({ now, deadline }, call) => {
        const args = {
          now,
          deadline,
          name: group,
          maxSize: maxSize ?? 0,
          oldestBy: maxDelay === undefined ? "" : String(floorSeconds(at - maxDelay)),
          newestBy: floorSeconds(at - gracePeriod),
          limit: Math.min(maxSize ?? MOST_MEMBERS, MOST_MEMBERS),
          setDeadline: floorSeconds(now + SET_LIFETIME),
        };
        return aggregationCheck.run(commands, keys, args, call);
      });
      const setDeadline = String(reply);
      return setDeadline === "" ? undefined : { deadline: Number(setDeadline) * 1_000 };
    },

    async readAggregationSet({ queue, group, id }) {
      const { aggregationSets: sets, taskPrefix } = queueKeys(queue);
      const keys = { sets, set: aggregationSetKey(queue, group, id) };
      const members: TaskMessage[] = [];
      for (let first = 0; first >= 0; ) {
        const args = { first, limit: READ_IDS, budget: READ_BYTES, taskPrefix };
        const reply = (await readAggregationSet.run(commands, keys, args)) as (Buffer | number)[];
        if (reply.length === 0) return undefined;
        for (let i = 1; i + 1 < reply.length; i += 2) {
          const [memberId, bytes] = reply.slice(i, i + 2) as [Buffer, Buffer];
          const message = readMessage(queue, storedId(memberId), bytes);
          if (message !== undefined) members.push(message);
        }
        first = Number(reply[0]);
      }
      return members;
    },

    async commitAggregation({ set, aggregates, aggregated, rejected }) {
      const { queue, group, id } = set;
      const names = queueKeys(queue);
      const members: RedisArg[] = [
        ...aggregated.flatMap((message) => [message.id, message.uniqueKey]),
        ...rejected.flatMap((message) => [message.id, encodeTaskMessage(message)]),
      ];
      const messages = aggregates.map(({ message }) => encodeTaskMessage(message));
      const reply = await withinClock(context, ({ now, deadline }, call) => {
        const entryKeys: string[] = [];
        const entries = [...members];
        for (const [i, entry] of aggregates.entries()) {
          entries.push("", messages[i] ?? "");
          pushEntry(entry, now, names, entryKeys, entries);
        }
        const keys = {
          ...names,
          sets: names.aggregationSets,
          set: aggregationSetKey(queue, group, id),
          processedDay: processedKey(queue, now),
          failedDay: failedKey(queue, now),
          entries: entryKeys,
        };
        const args = {
          queue,
          registry: context.cluster ? "" : ALL_QUEUES,
          now,
          deadline,
          pendingSince: pendingSinceNs(now),
          nowSeconds: floorSeconds(now),
          prefixLength: Buffer.byteLength(names.taskPrefix),
          uniquePrefix: names.uniquePrefix,
          taskPrefix: names.taskPrefix,
          aggregated: aggregated.length,
          rejected: rejected.length,
          entries,
        };
        return commitAggregation.run(commands, keys, args, call);
      });
      return answerOf(reply as [Buffer, Buffer?]);
    },
  };
}

function answerOf([status, about]: [Buffer, Buffer?]): CommitAnswer {
  switch (String(status)) {
    case "gone":
      return { status: "gone" };
    case "conflict":
      return { status: "conflict", taskId: String(about) };
    case "duplicate":
      return { status: "duplicate", holder: String(about) };
    default:
      return { status: "committed" };
  }
}
