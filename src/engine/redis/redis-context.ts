import type { Logger } from "../../runtime/logger.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { LeaseTimings } from "../timings.ts";
import type { RedisCommands } from "./redis-commands.ts";
import type { ServerClock } from "./server-clock.ts";

/** What the phases of a task's life stand on. */
export interface RedisContext {
  readonly commands: RedisCommands;
  readonly clock: ServerClock;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly timings: LeaseTimings;
  /** Milliseconds. */
  readonly commandTimeout: number;
  /** Keys of different hash tags may live on different nodes. */
  readonly cluster: boolean;
}
