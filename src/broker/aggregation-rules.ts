import type { AggregationRules, GroupStatus } from "./aggregation.ts";

/** The most tasks in one aggregation set, whatever size was asked for. */
export const MOST_MEMBERS = 1_000;
/** How long a set waits for whoever made it before its members return to their group; asynq's. Milliseconds. */
export const SET_LIFETIME = 120_000;

/** How many of a group's oldest members are to be aggregated at `now`: asynq's rules, in asynq's order. 0: none yet. */
export function membersToAggregate(status: GroupStatus, rules: AggregationRules, now: number): number {
  const { size, oldestAt, newestAt } = status;
  const { gracePeriod, maxDelay, maxSize = Number.POSITIVE_INFINITY } = rules;
  const isFull = size >= maxSize;
  const isOld = maxDelay !== undefined && oldestAt <= now - maxDelay;
  const isQuiet = newestAt <= now - gracePeriod;
  return isFull || isOld || isQuiet ? Math.min(size, maxSize, MOST_MEMBERS) : 0;
}
