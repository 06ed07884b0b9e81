import type { AggregationRules } from "../broker/aggregation.ts";
import { MOST_MEMBERS } from "../broker/aggregation-rules.ts";
import { type AnyTaskDefinition, isTaskDefinition, type PayloadOf, type ResultOf } from "../define-task.ts";
import { type Duration, parseLongDuration } from "../duration.ts";
import { InvalidOptionError } from "../errors.ts";
import { shown } from "../shown-value.ts";
import { requireKnownNames } from "../suggestion.ts";
import type { Task } from "../task.ts";

/** What an aggregator is told beside its tasks. */
export interface AggregatorContext {
  /** The tasks' queue, which the aggregate goes to. */
  readonly queue: string;
  /** Aborts when the aggregator's time is up (110 s), or the server no longer waits: what it returns counts no more. */
  readonly signal: AbortSignal;
}

/**
 * Makes one task of several, the oldest first. The aggregate takes their place in their queue in one step; when this
 * throws, they return to their group and are aggregated later.
 *
 * It may be called again for the same tasks, by another server: leave side effects to the aggregate's handler.
 */
export type GroupAggregator = (
  group: string,
  tasks: readonly Task[],
  ctx: AggregatorContext,
) => Task | PromiseLike<Task>;

/** When groups are aggregated; what is left out is as for the server's other groups. */
export interface AggregateOptions {
  /** Only groups whose name begins so. @defaultValue all groups */
  groups?: string | undefined;
  /** When no task has joined for so long; at least a second. @defaultValue the server's `groupGracePeriod` */
  gracePeriod?: Duration | undefined;
  /** When a task has waited for so long. @defaultValue the server's `groupMaxDelay` */
  maxDelay?: Duration | undefined;
  /** When so many wait, 1,000 at most. @defaultValue the server's `groupMaxSize` */
  maxSize?: number | undefined;
}

/** One entry of a server's `aggregators`, see {@link aggregate}. */
export interface Aggregator {
  /** `undefined`: takes tasks of every type, unread. */
  readonly definition: AnyTaskDefinition | undefined;
  readonly combine: GroupAggregator;
  readonly groups: string;
  readonly rules: Partial<AggregationRules>;
}

/**
 * An aggregator for tasks of one definition: it gets them with their payloads decoded and validated. A task whose
 * payload does not fit is archived by itself.
 *
 * @throws {@link InvalidOptionError} an option is unknown or not acceptable.
 * @example
 * new Server(url, {
 *   aggregators: [
 *     aggregate(notification, (group, tasks) => digest({ to: group, lines: tasks.map((task) => task.payload.text) }), {
 *       gracePeriod: "5m",
 *       maxDelay: "1h",
 *     }),
 *   ],
 * });
 */
export function aggregate<D extends AnyTaskDefinition>(
  definition: D,
  combine: (
    group: string,
    tasks: readonly Task<PayloadOf<D>, ResultOf<D>>[],
    ctx: AggregatorContext,
  ) => Task | PromiseLike<Task>,
  options: AggregateOptions = {},
): Aggregator {
  if (!isTaskDefinition(definition)) {
    throw new InvalidOptionError("aggregate", `expected a task definition; got ${shown(definition)}`);
  }
  if (typeof combine !== "function") {
    throw new InvalidOptionError("aggregate", `expected a function; got ${shown(combine)}`);
  }
  requireKnownNames("aggregate", options, ["groups", "gracePeriod", "maxDelay", "maxSize"]);
  const { groups = "", gracePeriod, maxDelay, maxSize } = options;
  if (typeof groups !== "string") {
    throw new InvalidOptionError("groups", `expected the beginning of names; got ${shown(groups)}`);
  }
  return {
    definition,
    combine: combine as GroupAggregator,
    groups,
    rules: {
      ...(gracePeriod !== undefined && { gracePeriod: requireGracePeriod("gracePeriod", gracePeriod) }),
      ...(maxDelay !== undefined && { maxDelay: requireMaxDelay("maxDelay", maxDelay) }),
      ...(maxSize !== undefined && { maxSize: requireMaxSize("maxSize", maxSize) }),
    },
  };
}

/** asynq's least: scores of groups are whole seconds. */
const LEAST_GRACE = 1_000;

export function requireGracePeriod(option: string, value: Duration): number {
  const ms = parseLongDuration(option, value);
  if (ms < LEAST_GRACE) throw new InvalidOptionError(option, "must be at least a second");
  return ms;
}

export function requireMaxDelay(option: string, value: Duration): number {
  const ms = parseLongDuration(option, value);
  if (ms === 0) throw new InvalidOptionError(option, "must be longer than nothing");
  return ms;
}

export function requireMaxSize(option: string, value: unknown): number {
  if (!Number.isInteger(value) || (value as number) < 1 || (value as number) > MOST_MEMBERS) {
    throw new InvalidOptionError(
      option,
      `expected a whole number from 1 to ${MOST_MEMBERS}; got ${shown(value)}`,
    );
  }
  return value as number;
}
