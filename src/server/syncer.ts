import type { Broker } from "../broker/broker.ts";
import type { Logger } from "../runtime/logger.ts";
import { type PeriodicComponent, periodic } from "../runtime/periodic.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { EngineState } from "./engine-state.ts";
import { attemptFacts, type OutcomeLedger } from "./outcome.ts";
import { OutcomeSender } from "./outcome-sender.ts";
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

/**
 * Sends outcomes that the store did not answer again, until it does: without that, tasks that have ended would run
 * once more when their leases run out. What the fence of the attempt allows is not limited by the lease, but by
 * `syncFor`, so that a queue that refuses everything does not fill the memory. `docs/protocol.md` 18.1.7.
 */
export function syncer(options: SyncerOptions): PeriodicComponent {
  const { syncQueue, engineState, timings, runtime, logger } = options;
  const sender = new OutcomeSender({ ...options, clock: runtime.clock });
  let failures = 0;

  async function sendAll(last: boolean): Promise<void> {
    let failed = false;
    for (const queue of syncQueue.queues()) {
      const due = sender.due(queue, last);
      if (due.length === 0) continue;
      let taskIds: string[] = [];
      const sent = await engineState
        .call(async () => {
          const { outcomes, errors } = await sender.send(queue, due);
          taskIds = outcomes.map(({ leased }) => leased.message.id);
          if (errors.length > 0) throw errors[0];
          return true;
        })
        .catch((error: unknown) => {
          logger.error({ queue, taskIds, error }, "outcomes were not accepted; sending them again");
        });
      failed ||= sent === undefined;
    }
    failures = failed ? failures + 1 : 0;
    for (const outcome of syncQueue.removeOlderThan(runtime.clock.monotonic() - timings.syncFor)) {
      logger.error(attemptFacts(outcome.leased), "outcome given up: the store did not accept it");
    }
  }

  return periodic("syncer", {
    every: () => Math.min(timings.sync * 2 ** failures, timings.syncMax),
    tick: () => sendAll(false),
    onStop: () => sendAll(true),
    runtime,
    logger,
  });
}
