import type { EngineOptions } from "../broker/engine.ts";
import { parseLongDuration } from "../duration.ts";
import { InvalidOptionError } from "../errors.ts";
import { consoleLogger, type Logger, levelled, requireLogger } from "../runtime/logger.ts";
import { type Runtime, systemRuntime } from "../runtime/runtime.ts";
import { requireKnownNames } from "../suggestion.ts";

/** {@link EngineOptions} after their check: milliseconds, nothing left open, and a logger that cannot harm us. */
export interface CheckedEngineOptions {
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly commandTimeout: number;
}

const NAMES = ["runtime", "logger", "commandTimeout"] as const;

/**
 * Checks options and fills in the defaults. Every engine does, also one that has no use for some of them: the same
 * program may run on another one tomorrow.
 *
 * @param ownNames - of options that only this engine has, and checks by itself
 * @throws {@link InvalidOptionError} naming the option, what was wrong, and what is allowed.
 */
export function checkEngineOptions(
  options: EngineOptions,
  ownNames: readonly string[] = [],
): CheckedEngineOptions {
  requireKnownNames("an engine", options, [...NAMES, ...ownNames]);
  const { runtime = systemRuntime, logger, commandTimeout = "5s" } = options;
  return {
    runtime: requireRuntime(runtime),
    logger: logger === undefined ? levelled(consoleLogger, "warn") : levelled(requireLogger(logger), "debug"),
    commandTimeout: readTimeout(commandTimeout),
  };
}

function requireRuntime(runtime: Runtime): Runtime {
  const { clock, random, uuid } = runtime ?? {};
  const parts = [clock?.now, clock?.monotonic, clock?.setTimer, random, uuid];
  if (parts.every((part) => typeof part === "function")) return runtime;
  throw new InvalidOptionError("runtime", "expected a clock, and the functions random and uuid");
}

function readTimeout(commandTimeout: unknown): number {
  const ms = parseLongDuration("commandTimeout", commandTimeout);
  if (ms === 0)
    throw new InvalidOptionError("commandTimeout", "must not be 0: no call could be answered in time");
  return ms;
}
