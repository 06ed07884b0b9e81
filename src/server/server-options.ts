import { availableParallelism } from "node:os";
import { type Duration, parseDuration, parseLongDuration } from "../duration.ts";
import { InvalidOptionError } from "../errors.ts";
import {
  consoleLogger,
  LOG_LEVELS,
  type Logger,
  type LogLevel,
  levelled,
  requireLogger,
} from "../runtime/logger.ts";
import { type Runtime, systemRuntime } from "../runtime/runtime.ts";
import { shown } from "../shown-value.ts";
import { unknownName } from "../suggestion.ts";
import { requireQueueName } from "../task-options.ts";
import {
  type Aggregator,
  type GroupAggregator,
  requireGracePeriod,
  requireMaxDelay,
  requireMaxSize,
} from "./aggregate.ts";
import { AggregationPlan } from "./aggregation-plan.ts";
import type { ErrorHandler } from "./error-handler.ts";
import type { IsFailure, RetryDelay } from "./handler.ts";
import type { HealthCheck } from "./healthchecker.ts";
import { type Limit, readLimits } from "./limits.ts";

export interface ServerOptions {
  /** How many handlers run at once, at most. @defaultValue the number of CPUs */
  concurrency?: number | undefined;
  /**
   * The queues to serve, with their weights: a queue of weight 6 gets six times as many of the free slots as one of
   * weight 1, while both have tasks. Weight 0 leaves a queue out.
   * @defaultValue `{ default: 1 }`
   */
  queues?: Readonly<Record<string, number>> | undefined;
  /** Serve a queue only while those of greater weight are empty. @defaultValue false */
  strictPriority?: boolean | undefined;
  /** Refuse to start when a handled task definition goes to a queue that is not served, instead of a warning. @defaultValue false */
  strictQueues?: boolean | undefined;

  /**
   * How many tasks of a type, of a queue or of a key may run at once, or how often they may start, on all servers together:
   * what {@link limit} answers, one each.
   * @defaultValue none
   */
  limits?: readonly Limit[] | undefined;

  /** How long a failed task waits before it is tried again. @defaultValue from 15 s after the first failure to 4 days after the 25th */
  retryDelay?: RetryDelay | undefined;
  /** Whether an error counts as a failure. @defaultValue every error does */
  isFailure?: IsFailure | undefined;
  /**
   * Called for every attempt that failed, with what becomes of the task; also for tasks of servers that died, then
   * without a context. What it throws is logged.
   */
  errorHandler?: ErrorHandler | undefined;
  /** What becomes of a task that was canceled and does not succeed all the same. @defaultValue `"retry"`, as in asynq */
  cancelPolicy?: "retry" | "archive" | undefined;
  /**
   * How long a handler has to return or throw after its signal was aborted. Then the abort decides how the attempt
   * ended. @defaultValue `"5s"`
   */
  abortGrace?: Duration | undefined;

  /**
   * How long `shutdown()` lets running tasks finish before it aborts them and puts them back in their queue. It ends
   * at most 5 s later. Give your process manager a longer wait than that.
   * @defaultValue `"8s"`
   */
  shutdownTimeout?: Duration | undefined;
  /** Called regularly with `undefined` while the engine answers, else with the error. */
  healthCheck?: HealthCheck | undefined;
  /** @defaultValue `"15s"` */
  healthCheckInterval?: Duration | undefined;

  /** How often an idle server looks for tasks, beside being woken by news of them. @defaultValue `"1s"` */
  taskCheckInterval?: Duration | undefined;
  /** How often it looks for scheduled tasks that are due, beside waiting for the next one. @defaultValue `"1s"` */
  delayedTaskCheckInterval?: Duration | undefined;
  /** How often it deletes completed tasks whose retention is over. @defaultValue `"8s"` */
  janitorInterval?: Duration | undefined;
  /** The most tasks it deletes from one queue in one call, up to 1,000. @defaultValue 100 */
  janitorBatchSize?: number | undefined;

  /**
   * Makes one task of the tasks of a group, for all that none of the `aggregators` takes. Without either, groups are left
   * to other servers.
   */
  groupAggregator?: GroupAggregator | undefined;
  /** Aggregators for tasks of one definition each, made by {@link aggregate}. */
  aggregators?: readonly Aggregator[] | undefined;
  /** A group is aggregated when no task has joined for so long; at least a second. @defaultValue `"1m"` */
  groupGracePeriod?: Duration | undefined;
  /** Or when a task has waited for so long. @defaultValue no limit */
  groupMaxDelay?: Duration | undefined;
  /** Or when so many wait, 1,000 at most; no aggregate stands for more. @defaultValue no limit but 1,000 an aggregate */
  groupMaxSize?: number | undefined;

  /** Shuts the server down when it aborts, as {@link Server.shutdown} without arguments. */
  signal?: AbortSignal | undefined;
  /** @defaultValue standard error, a line an event */
  logger?: Logger | undefined;
  /** @defaultValue `"info"` */
  logLevel?: LogLevel | undefined;
  /** Time, chance and ids. @defaultValue the real ones */
  runtime?: Runtime | undefined;
  /**
   * How long one call to the engine may take. For a server made from a URL: an engine that is handed in has its own.
   * @defaultValue `"5s"`
   */
  commandTimeout?: Duration | undefined;
}

/** {@link ServerOptions} after their check: lengths in milliseconds, nothing left open. */
export interface ServerConfig {
  readonly concurrency: number;
  readonly queues: ReadonlyMap<string, number>;
  readonly strictPriority: boolean;
  readonly strictQueues: boolean;
  readonly limits: readonly Limit[];
  readonly retryDelay: RetryDelay | undefined;
  readonly isFailure: IsFailure | undefined;
  readonly errorHandler: ErrorHandler | undefined;
  readonly cancelPolicy: "retry" | "archive";
  readonly abortGrace: number;
  readonly shutdownTimeout: number;
  readonly healthCheck: HealthCheck | undefined;
  readonly healthCheckInterval: number;
  readonly taskCheckInterval: number;
  readonly delayedTaskCheckInterval: number;
  readonly janitorInterval: number;
  readonly janitorBatchSize: number;
  /** `undefined`: groups are left to other servers. */
  readonly aggregation: AggregationPlan | undefined;
  readonly signal: AbortSignal | undefined;
  readonly logger: Logger;
  readonly runtime: Runtime;
  readonly commandTimeout: Duration | undefined;
}

type Reader<Name extends keyof ServerOptions> = (
  value: NonNullable<ServerOptions[Name]> | undefined,
  option: Name,
) => unknown;

const MAX_CONCURRENCY = 100_000;
/** What the engines do in one call at most. */
const MAX_JANITOR_BATCH = 1_000;
/** asynq writes weights as int32. */
const MAX_INT32 = 2 ** 31 - 1;
/** A shorter interval would be a busy loop. */
const LEAST_INTERVAL = 10;

const READERS = {
  concurrency: (value, option) => wholeNumber(option, value ?? availableParallelism(), 1, MAX_CONCURRENCY),
  queues: (value) => readQueues(value ?? { default: 1 }),
  strictPriority: (value, option) => flag(option, value),
  strictQueues: (value, option) => flag(option, value),
  limits: (value) => readLimits(value ?? []),
  retryDelay: (value, option) => callback(option, value),
  isFailure: (value, option) => callback(option, value),
  errorHandler: (value, option) => callback(option, value),
  cancelPolicy: (value, option) => oneOf(option, value ?? "retry", ["retry", "archive"]),
  abortGrace: (value, option) => parseLongDuration(option, value ?? "5s"),
  shutdownTimeout: (value, option) => parseLongDuration(option, value ?? "8s"),
  healthCheck: (value, option) => callback(option, value),
  healthCheckInterval: (value, option) => interval(option, value ?? "15s"),
  taskCheckInterval: (value, option) => interval(option, value ?? "1s"),
  delayedTaskCheckInterval: (value, option) => interval(option, value ?? "1s"),
  janitorInterval: (value, option) => interval(option, value ?? "8s"),
  janitorBatchSize: (value, option) => wholeNumber(option, value ?? 100, 1, MAX_JANITOR_BATCH),
  groupAggregator: (value, option) => callback(option, value),
  aggregators: (value, option) => aggregatorList(option, value ?? []),
  groupGracePeriod: (value, option) => requireGracePeriod(option, value ?? "1m"),
  groupMaxDelay: (value, option) => (value === undefined ? undefined : requireMaxDelay(option, value)),
  groupMaxSize: (value, option) => (value === undefined ? undefined : requireMaxSize(option, value)),
  signal: (value, option) => abortSignal(option, value),
  logger: (value) => requireLogger(value ?? consoleLogger),
  logLevel: (value, option) => oneOf(option, value ?? "info", LOG_LEVELS),
  runtime: (value) => value ?? systemRuntime,
  commandTimeout: (value) => value,
} satisfies { readonly [Name in keyof ServerOptions]-?: Reader<Name> };

const NAMES = Object.keys(READERS) as (keyof ServerOptions)[];

/**
 * Checks options and fills in the defaults.
 *
 * @throws {@link InvalidOptionError} naming the option, what was wrong, and what is allowed.
 */
export function checkServerOptions(options: ServerOptions = {}): ServerConfig {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new InvalidOptionError("options", "expected an object");
  }
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(READERS, name)) throw unknownName("a server", name, NAMES);
  }
  const checked: Record<string, unknown> = {};
  for (const name of NAMES) {
    const read = READERS[name] as (value: unknown, option: string) => unknown;
    checked[name] = read(options[name], name);
  }
  const { logLevel, groupAggregator, aggregators, groupGracePeriod, groupMaxDelay, groupMaxSize, ...config } =
    checked as unknown as Omit<ServerConfig, "aggregation"> & GroupOptions & { logLevel: LogLevel };
  const groups = { groupAggregator, aggregators, groupGracePeriod, groupMaxDelay, groupMaxSize };
  return { ...config, aggregation: planOf(groups), logger: levelled(config.logger, logLevel) };
}

/** Options of groups after their check. */
interface GroupOptions {
  readonly groupAggregator: GroupAggregator | undefined;
  readonly aggregators: readonly Aggregator[];
  readonly groupGracePeriod: number;
  readonly groupMaxDelay: number | undefined;
  readonly groupMaxSize: number | undefined;
}

function planOf(options: GroupOptions): AggregationPlan | undefined {
  const { groupAggregator, aggregators, groupGracePeriod, groupMaxDelay, groupMaxSize } = options;
  const all = [...aggregators];
  if (groupAggregator !== undefined) {
    all.push({ definition: undefined, combine: groupAggregator, groups: "", rules: {} });
  }
  if (all.length === 0) return undefined;
  return new AggregationPlan(all, {
    gracePeriod: groupGracePeriod,
    maxDelay: groupMaxDelay,
    maxSize: groupMaxSize,
  });
}

function aggregatorList(option: string, value: readonly Aggregator[]): readonly Aggregator[] {
  const isOne = (each: Aggregator | undefined) => typeof each?.combine === "function";
  if (!Array.isArray(value) || !value.every(isOne)) {
    throw new InvalidOptionError(option, "expected an array of what aggregate() returns");
  }
  return value;
}

function readQueues(queues: unknown): ReadonlyMap<string, number> {
  if (typeof queues !== "object" || queues === null || Array.isArray(queues)) {
    throw new InvalidOptionError(
      "queues",
      "expected an object of weights, such as { critical: 6, default: 3 }",
    );
  }
  const weights = new Map<string, number>();
  for (const [queue, weight] of Object.entries(queues)) {
    requireQueueName("queues", queue);
    if (wholeNumber(`queues[${JSON.stringify(queue)}]`, weight, 0, MAX_INT32) > 0) weights.set(queue, weight);
  }
  if (weights.size === 0)
    throw new InvalidOptionError("queues", "names no queue with a weight of at least 1");
  return weights;
}

function wholeNumber(option: string, value: unknown, least: number, most: number): number {
  if (!Number.isInteger(value) || (value as number) < least || (value as number) > most) {
    throw new InvalidOptionError(
      option,
      `expected a whole number from ${least} to ${most}; got ${shown(value)}`,
    );
  }
  return value as number;
}

function flag(option: string, value: unknown): boolean {
  if (value !== undefined && typeof value !== "boolean") {
    throw new InvalidOptionError(option, `expected true or false; got ${shown(value)}`);
  }
  return value ?? false;
}

function callback<T>(option: string, value: T | undefined): T | undefined {
  if (value !== undefined && typeof value !== "function") {
    throw new InvalidOptionError(option, `expected a function; got ${shown(value)}`);
  }
  return value;
}

/** By shape: polyfills, and other realms, have classes of their own. */
function abortSignal(option: string, value: AbortSignal | undefined): AbortSignal | undefined {
  if (value === undefined) return undefined;
  if (typeof value?.aborted !== "boolean" || typeof value.addEventListener !== "function") {
    throw new InvalidOptionError(option, `expected an AbortSignal; got ${shown(value)}`);
  }
  return value;
}

function oneOf<T extends string>(option: string, value: unknown, allowed: readonly T[]): T {
  if (!allowed.includes(value as T)) {
    const list = allowed.map((each) => `"${each}"`).join(", ");
    throw new InvalidOptionError(option, `expected one of ${list}; got ${shown(value)}`);
  }
  return value as T;
}

function interval(option: string, value: Duration): number {
  const ms = parseDuration(option, value);
  if (ms < LEAST_INTERVAL) throw new InvalidOptionError(option, `must be at least ${LEAST_INTERVAL} ms`);
  return ms;
}
