import type { Broker } from "../broker/broker.ts";
import type { Logger } from "../runtime/logger.ts";
import { type PeriodicComponent, periodic } from "../runtime/periodic.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { EngineState } from "./engine-state.ts";
import { attemptFacts, type OutcomeLedger } from "./outcome.ts";
import type { ServerTimings } from "./server-timings.ts";
import type { SyncQueue } from "./sync-queue.ts";

export interface SyncerOptions {
  readonly broker: Pick<Broker, "exchange">;
  readonly syncQueue: SyncQueue;
  readonly ledger: OutcomeLedger;
  readonly engineState: EngineState;
  readonly timings: Pick<ServerTimings, "sync" | "syncMax" | "syncFor">;
  readonly runtime: Runtime;
  readonly logger: Logger;
}

/** Outcomes sent in one call. */
export const MAX_OUTCOMES = 500;

/**
 * Sends outcomes that the store did not answer again, until it does: without that, tasks that have ended would run
 * once more when their leases run out. What the fence of the attempt allows is not limited by the lease, but by
 * `syncFor`, so that a queue that refuses everything does not fill the memory. `docs/protocol.md` 18.1.7.
 */
export function syncer(options: SyncerOptions): PeriodicComponent {
  const { broker, syncQueue, ledger, engineState, timings, runtime, logger } = options;
  let failures = 0;

  async function sendAll(): Promise<void> {
    let failed = false;
    for (const queue of syncQueue.queues()) {
      const sent = await engineState
        .call(() => sendQueue(queue))
        .catch((error: unknown) => {
          logger.error({ queue, error }, "outcomes were not accepted; sending them again");
        });
      failed ||= sent === undefined;
    }
    failures = failed ? failures + 1 : 0;
    for (const outcome of syncQueue.removeOlderThan(runtime.clock.monotonic() - timings.syncFor)) {
      logger.error(attemptFacts(outcome.leased), "outcome given up: the store did not accept it");
    }
  }

  async function sendQueue(queue: string): Promise<true> {
    for (;;) {
      const outcomes = syncQueue.oldest(queue, MAX_OUTCOMES);
      if (outcomes.length === 0) return true;
      const { answers } = await broker.exchange(queue, outcomes, 0);
      syncQueue.remove(queue, outcomes.length);
      ledger.record(outcomes, answers);
    }
  }

  return periodic("syncer", {
    every: () => Math.min(timings.sync * 2 ** failures, timings.syncMax),
    tick: sendAll,
    onStop: sendAll,
    runtime,
    logger,
  });
}
