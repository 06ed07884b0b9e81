import type { Broker, OutcomeAnswer } from "../broker/broker.ts";
import { EngineUnavailableError } from "../errors.ts";
import type { Logger } from "../runtime/logger.ts";
import { type PeriodicComponent, periodic } from "../runtime/periodic.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { EngineState } from "./engine-state.ts";
import { attemptFacts, type Finished, type OutcomeLedger } from "./outcome.ts";
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
    const outcomes = syncQueue.outcomes(queue);
    const refusals: unknown[] = [];
    for (let from = 0; from < outcomes.length; from += MAX_OUTCOMES) {
      refusals.push(...(await send(queue, outcomes.slice(from, from + MAX_OUTCOMES))));
    }
    if (refusals.length > 0) throw refusals[0];
    return true;
  }

  /**
   * Sends what the store refuses in halves, so that one outcome that it cannot take does not hold up the others.
   * Answers why it refused those that are left.
   */
  async function send(queue: string, outcomes: readonly Finished[]): Promise<unknown[]> {
    let answers: readonly OutcomeAnswer[];
    try {
      ({ answers } = await broker.exchange(queue, outcomes, 0));
    } catch (error) {
      if (error instanceof EngineUnavailableError) throw error;
      if (outcomes.length === 1) return [error];
      const half = outcomes.length >> 1;
      const first = await send(queue, outcomes.slice(0, half));
      return [...first, ...(await send(queue, outcomes.slice(half)))];
    }
    syncQueue.remove(queue, outcomes);
    ledger.record(outcomes, answers);
    return [];
  }

  return periodic("syncer", {
    every: () => Math.min(timings.sync * 2 ** failures, timings.syncMax),
    tick: sendAll,
    onStop: sendAll,
    runtime,
    logger,
  });
}
