import type { AggregationRules, GroupStatus } from "../broker/aggregation.ts";
import { membersToAggregate } from "../broker/aggregation-rules.ts";
import type { Broker } from "../broker/broker.ts";
import { EngineUnavailableError, ShuttingDownError } from "../errors.ts";
import type { Logger } from "../runtime/logger.ts";
import { type PeriodicComponent, periodic } from "../runtime/periodic.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { AggregationPlan } from "./aggregation-plan.ts";
import type { EngineState } from "./engine-state.ts";
import type { ErrorHandler } from "./error-handler.ts";
import { errorFields } from "./error-text.ts";
import type { ServerEvents } from "./events.ts";
import { GroupAggregation } from "./group-aggregation.ts";

export interface AggregatorOptions {
  readonly broker: Pick<
    Broker,
    "now" | "listGroups" | "createAggregationSet" | "readAggregationSet" | "commitAggregation"
  >;
  readonly queues: readonly string[];
  readonly plan: AggregationPlan;
  /** Milliseconds between looks at queues where nothing is due. */
  readonly interval: () => number;
  /** Asks for a {@link PeriodicComponent.wake} when there is a new group. */
  readonly watch: (queue: string) => void;
  /** The server takes no new work. */
  readonly isStopping: () => boolean;
  /** Resolves when aggregators that still run are to be aborted. */
  readonly abort: Promise<void>;
  readonly errorHandler: ErrorHandler | undefined;
  readonly events: ServerEvents;
  readonly engineState: EngineState;
  readonly runtime: Runtime;
  readonly logger: Logger;
}

/** Groups that one server aggregates at the same time; asynq's. */
const MOST_RUNS = 3;
/** Least rest before a group that is due any moment. */
const LEAST_REST = 5;
/** Between looks at groups that wait for a size: nobody tells that one more task has joined. */
const SIZE_LOOK = 1_000;
/** How long a group is left alone that the store did not hand over, although it seemed to be time. */
const NOT_YET = 500;
/** How long one is left alone after its aggregator failed; doubles with every failure up to the longest. */
const FIRST_BACK_OFF = 5_000;
const LONGEST_BACK_OFF = 600_000;
/** Least time between two orders of news: every task that joins may be some. */
const WATCH_EVERY = 250;

interface Rest {
  /** Instant of the monotonic clock. */
  readonly until: number;
  readonly failures: number;
}

/**
 * Aggregates groups that are full or have waited long enough. Sleeps until the next one is due, unless there is a new
 * one; while there are none it costs no more than a slow look.
 *
 * Any number of servers may look at the same groups: a set belongs to whoever cut it.
 */
export function aggregator(options: AggregatorOptions): PeriodicComponent {
  const { broker, queues, plan, interval, watch, isStopping, events, engineState, runtime, logger } = options;
  const { clock } = runtime;
  const aggregation = new GroupAggregation({
    ...options,
    ask: (call) => engineState.call(call),
  });
  const ending = new AbortController();
  void options.abort.then(() => ending.abort(new ShuttingDownError()));
  /** By queue and group. */
  const running = new Map<string, Promise<void>>();
  const resting = new Map<string, Rest>();
  let watchedAt = Number.NEGATIVE_INFINITY;
  /** Milliseconds until the next tick. */
  let rest = 0;

  async function lookAtAll(signal: AbortSignal): Promise<void> {
    rest = interval();
    if (isStopping()) return;
    const sinceWatched = clock.monotonic() - watchedAt;
    if (sinceWatched >= WATCH_EVERY) {
      watchedAt = clock.monotonic();
      // Before the look, so that nothing can slip in between.
      for (const queue of queues) watch(queue);
    } else rest = Math.min(rest, WATCH_EVERY - sinceWatched);
    forgetRests();
    await Promise.all(queues.map((queue) => lookAt(queue, signal)));
  }

  /** A group that has long stopped resting has no failures any more. */
  function forgetRests(): void {
    const now = clock.monotonic();
    for (const [key, { until }] of resting) if (until + LONGEST_BACK_OFF < now) resting.delete(key);
  }

  async function lookAt(queue: string, signal: AbortSignal): Promise<void> {
    try {
      for (let cursor: string | undefined, more = true; more && !signal.aborted; ) {
        const page = await engineState.call(() => broker.listGroups(queue, cursor));
        for (const status of page?.groups ?? []) consider(queue, status);
        cursor = page?.cursor;
        more = cursor !== undefined;
      }
    } catch (error) {
      logger.error({ component: "aggregator", queue, error }, "cannot look at groups; trying again");
    }
  }

  function consider(queue: string, status: GroupStatus): void {
    const { group } = status;
    const rules = plan.rulesFor(group);
    const key = `{${queue}}${group}`;
    // The end of a run wakes.
    if (rules === undefined || running.has(key)) return;
    const wait = Math.max(
      (resting.get(key)?.until ?? 0) - clock.monotonic(),
      untilDue(status, rules, broker.now()),
    );
    if (wait <= 0) {
      if (running.size < MOST_RUNS) running.set(key, run(queue, group, rules, key));
      return;
    }
    rest = Math.min(rest, Math.max(LEAST_REST, wait), rules.maxSize === undefined ? wait : SIZE_LOOK);
  }

  async function run(queue: string, group: string, rules: AggregationRules, key: string): Promise<void> {
    try {
      const aggregated = await aggregation.run(queue, group, rules, ending.signal);
      if (aggregated === undefined) {
        const failures = resting.get(key)?.failures ?? 0;
        resting.set(key, { until: clock.monotonic() + NOT_YET, failures });
      } else {
        resting.delete(key);
        const { size, taskIds, archived } = aggregated;
        logger.debug({ queue, group, size, taskIds, archived }, "aggregated");
        events.emit("aggregated", aggregated);
      }
    } catch (error) {
      failed(queue, group, key, error);
    } finally {
      running.delete(key);
      component.wake();
    }
  }

  function failed(queue: string, group: string, key: string, error: unknown): void {
    const failures = (resting.get(key)?.failures ?? 0) + 1;
    const backOff = Math.min(FIRST_BACK_OFF * 2 ** (failures - 1), LONGEST_BACK_OFF);
    resting.set(key, { until: clock.monotonic() + backOff, failures });
    if (error instanceof EngineUnavailableError) engineState.down(error);
    const facts = { queue, group, failures, ...errorFields(error) };
    logger.error(facts, "aggregation failed; its tasks return to their group within 2 minutes");
    events.emit("aggregationFailed", { queue, group, error });
  }

  const component = periodic("aggregator", {
    every: () => rest,
    immediately: true,
    tick: lookAtAll,
    onStop: async () => {
      await Promise.all(running.values());
    },
    runtime,
    logger,
  });
  return component;
}

/** Milliseconds until the group is to be aggregated if no task joins; 0 or less: now. */
function untilDue(status: GroupStatus, rules: AggregationRules, now: number): number {
  if (membersToAggregate(status, rules, now) > 0) return 0;
  const { gracePeriod, maxDelay = Number.POSITIVE_INFINITY } = rules;
  return Math.min(status.newestAt + gracePeriod, status.oldestAt + maxDelay) - now;
}
