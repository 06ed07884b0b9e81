import { type Duration, parseDuration } from "../duration.ts";
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
import { requireKnownNames } from "../suggestion.ts";
import type { Task } from "../task.ts";
import type { TaskInfo } from "../task-info.ts";
import { checkMissed, type MissedPolicy } from "./missed-ticks.ts";
import { timeZone } from "./time-zone.ts";

/** What a hook is told about the turn that it stands beside. */
export interface TickFacts {
  readonly entryId: string;
  readonly spec: string;
  readonly task: Task;
  /** Which tick; `undefined`: `runNow` asked for it. */
  readonly tick: Date | undefined;
}

export interface SchedulerOptions {
  /** The time zone of specs that name none, as in `"Europe/Berlin"`. @defaultValue `"UTC"` */
  timezone?: string | undefined;
  /** What becomes of ticks that nobody enqueued in time. @defaultValue `"skip"` */
  missed?: MissedPolicy | undefined;
  /**
   * How often the scheduler shows its entries to the tools, and looks for stored entries that others have changed. Tools
   * forget it after twice that. At least `"1s"`.
   * @defaultValue `"10s"`
   */
  heartbeatInterval?: Duration | undefined;
  /**
   * Called before a tick is enqueued; with several schedulers, also where another one then does it. What it throws is
   * logged.
   */
  preEnqueue?: ((facts: TickFacts) => unknown) | undefined;
  /** Called when this scheduler has enqueued a task. What it throws is logged. */
  postEnqueue?: ((info: TaskInfo, facts: TickFacts) => unknown) | undefined;
  /**
   * Called when a tick was used up and its task not stored (`DuplicateTaskError`, `TaskIdConflictError`), and for each
   * failed try to enqueue one. What it throws is logged.
   */
  onError?: ((error: Error, facts: TickFacts) => unknown) | undefined;
  /** @defaultValue standard error, a line an event */
  logger?: Logger | undefined;
  /** @defaultValue `"info"` */
  logLevel?: LogLevel | undefined;
  /** Time, chance and ids. @defaultValue the real ones */
  runtime?: Runtime | undefined;
  /**
   * How long one call to the engine may take. For a scheduler made from a URL: an engine that is handed in has its own.
   * @defaultValue `"5s"`
   */
  commandTimeout?: Duration | undefined;
}

/** {@link SchedulerOptions} after their check: lengths in milliseconds, nothing left open. */
export interface SchedulerConfig {
  readonly timezone: string;
  readonly missed: MissedPolicy;
  readonly heartbeatInterval: number;
  readonly preEnqueue: SchedulerOptions["preEnqueue"];
  readonly postEnqueue: SchedulerOptions["postEnqueue"];
  readonly onError: SchedulerOptions["onError"];
  readonly logger: Logger;
  readonly runtime: Runtime;
  readonly commandTimeout: Duration | undefined;
}

const HOOKS = ["preEnqueue", "postEnqueue", "onError"] as const;

export const SCHEDULER_OPTIONS = [
  "timezone",
  "missed",
  "heartbeatInterval",
  ...HOOKS,
  "logger",
  "logLevel",
  "runtime",
  "commandTimeout",
] as const;

const LEAST_HEARTBEAT = 1_000;

/** @throws {@link InvalidOptionError} naming the option, what was wrong, and what is allowed. */
export function checkSchedulerOptions(options: SchedulerOptions): SchedulerConfig {
  requireKnownNames("a scheduler", options, SCHEDULER_OPTIONS);
  const { timezone = "UTC", missed = "skip", logLevel = "info", runtime = systemRuntime } = options;
  if (typeof timezone !== "string" || timeZone(timezone) === undefined) {
    throw new InvalidOptionError(
      "timezone",
      `expected a name such as "Europe/Berlin"; got ${shown(timezone)}`,
    );
  }
  if (!LOG_LEVELS.includes(logLevel)) {
    throw new InvalidOptionError(
      "logLevel",
      `expected one of ${LOG_LEVELS.join(", ")}; got ${shown(logLevel)}`,
    );
  }
  const heartbeatInterval = parseDuration("heartbeatInterval", options.heartbeatInterval ?? "10s");
  if (heartbeatInterval < LEAST_HEARTBEAT) {
    throw new InvalidOptionError("heartbeatInterval", `must be at least "1s"`);
  }
  for (const hook of HOOKS) {
    if (options[hook] !== undefined && typeof options[hook] !== "function") {
      throw new InvalidOptionError(hook, `expected a function; got ${shown(options[hook])}`);
    }
  }
  const { preEnqueue, postEnqueue, onError, logger = consoleLogger, commandTimeout } = options;
  return {
    timezone,
    missed: checkMissed(missed),
    heartbeatInterval,
    preEnqueue,
    postEnqueue,
    onError,
    logger: levelled(requireLogger(logger), logLevel),
    runtime,
    commandTimeout,
  };
}
