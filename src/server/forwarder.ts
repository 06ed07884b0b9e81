import type { Broker } from "../broker/broker.ts";
import type { Logger } from "../runtime/logger.ts";
import { type PeriodicComponent, periodic } from "../runtime/periodic.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { EngineState } from "./engine-state.ts";

export interface ForwarderOptions {
  readonly broker: Pick<Broker, "forward" | "now">;
  readonly queues: readonly string[];
  /** Milliseconds between looks at queues where nothing falls due. */
  readonly interval: () => number;
  /** Asks for a {@link PeriodicComponent.wake} when a task is scheduled that is earlier than those that wait. */
  readonly watch: (queue: string) => void;
  readonly engineState: EngineState;
  readonly runtime: Runtime;
  readonly logger: Logger;
}

/** Tasks moved in one call. */
const BATCH = 500;
/** Least rest before a task that is due any moment, or that the store does not hand over although it is. */
const LEAST_REST = 5;
/** Least time between two orders of news: each retry and each schedule is some. */
const WATCH_EVERY = 250;

/**
 * Moves tasks whose time has come to pending. Sleeps until the next one is due, at most `interval`, unless an earlier
 * one is scheduled. All queues at the same time, batch by batch, so that neither a long one nor one whose part of the store
 * does not answer holds up the others.
 */
export function forwarder(options: ForwarderOptions): PeriodicComponent {
  const { broker, queues, interval, watch, engineState, runtime, logger } = options;
  let watchedAt = Number.NEGATIVE_INFINITY;
  /** Milliseconds until the next tick. */
  let rest = 0;

  async function forwardAll(signal: AbortSignal): Promise<void> {
    rest = interval();
    const sinceWatched = runtime.clock.monotonic() - watchedAt;
    if (sinceWatched >= WATCH_EVERY) {
      watchedAt = runtime.clock.monotonic();
      // Before the look, so that nothing can slip in between.
      for (const queue of queues) watch(queue);
    } else rest = Math.min(rest, WATCH_EVERY - sinceWatched);

    await Promise.all(
      queues.map(async (queue) => {
        for (let more = true; more && !signal.aborted; ) more = await forwardQueue(queue);
      }),
    );
  }

  /** True: there is more that is due now. */
  async function forwardQueue(queue: string): Promise<boolean> {
    try {
      const result = await engineState.call(() => broker.forward(queue, BATCH));
      if (result?.nextDueAt !== undefined) {
        rest = Math.min(rest, Math.max(LEAST_REST, result.nextDueAt - broker.now()));
      }
      return result?.moved === BATCH;
    } catch (error) {
      logger.error({ component: "forwarder", queue, error }, "cannot forward this queue; trying again");
      return false;
    }
  }

  return periodic("forwarder", {
    every: () => rest,
    immediately: true,
    tick: forwardAll,
    runtime,
    logger,
  });
}
