import type { Broker } from "../broker/broker.ts";
import type { Logger } from "../runtime/logger.ts";
import { type PeriodicComponent, periodic } from "../runtime/periodic.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { EngineState } from "./engine-state.ts";

export interface JanitorOptions {
  readonly broker: Pick<Broker, "deleteExpired" | "trimArchive">;
  readonly queues: readonly string[];
  /** Milliseconds between ticks. */
  readonly interval: number;
  /** The most tasks deleted from one queue in one call. */
  readonly batch: number;
  readonly engineState: EngineState;
  readonly runtime: Runtime;
  readonly logger: Logger;
}

/** Milliseconds, at least, between looks at the archives: they grow slowly, and their bounds are wide. */
const TRIM_EVERY = 60_000;

/**
 * Deletes completed tasks whose retention is over, and archived ones that are too old or too many.
 *
 * Several servers may clean the same queue: each call is atomic and of bounded work, so a task is deleted once,
 * whoever gets there first.
 */
export function janitor(options: JanitorOptions): PeriodicComponent {
  const { broker, queues, interval, batch, engineState, runtime, logger } = options;

  let trimmedAt = Number.NEGATIVE_INFINITY;

  async function cleanAll(signal: AbortSignal): Promise<void> {
    const trims = runtime.clock.monotonic() - trimmedAt >= TRIM_EVERY;
    if (trims) trimmedAt = runtime.clock.monotonic();
    for (const queue of queues) {
      try {
        await engineState.call(async () => {
          while (!signal.aborted && (await broker.deleteExpired(queue, batch)) === batch);
          while (trims && !signal.aborted && (await broker.trimArchive(queue, batch)) === batch);
        });
      } catch (error) {
        logger.error({ component: "janitor", queue, error }, "cannot clean this queue; trying again");
      }
    }
  }

  return periodic("janitor", { every: interval, tick: cleanAll, runtime, logger });
}
