import type { Broker, ExpiredLease, Recovery } from "../broker/broker.ts";
import { LeaseLostError } from "../errors.ts";
import type { Logger } from "../runtime/logger.ts";
import { type PeriodicComponent, periodic } from "../runtime/periodic.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { receivedTask, type Task } from "../task.ts";
import type { EngineState } from "./engine-state.ts";
import type { ErrorHandler } from "./error-handler.ts";
import type { ServerEvents } from "./events.ts";
import { guarded } from "./guarded.ts";
import { attemptFacts } from "./outcome.ts";
import type { Rollups } from "./rollups.ts";
import type { Router } from "./serve-mux.ts";
import type { ServerTimings } from "./server-timings.ts";
import type { Judge, Judgement } from "./verdict.ts";

export interface RecovererOptions {
  readonly broker: Pick<Broker, "listExpired" | "recover" | "sweep" | "reclaimAggregationSets">;
  readonly queues: readonly string[];
  readonly router: Pick<Router, "route">;
  readonly judge: Pick<Judge, "failure">;
  readonly errorHandler: ErrorHandler | undefined;
  readonly events: ServerEvents;
  readonly rollups: Pick<Rollups, "ended">;
  readonly engineState: EngineState;
  readonly timings: Pick<ServerTimings, "recover" | "heartbeat">;
  readonly runtime: Runtime;
  readonly logger: Logger;
}

/** Ids handled in one call. */
const BATCH = 100;
/** Most calls of one kind for one queue in one tick, so that the others have their turn. */
const MOST_CALLS = 1_000;

/**
 * Takes over from servers that died: an attempt whose lease has run out counts as failed and is tried again, or
 * archived. Also gives active tasks without a lease one, and members of abandoned aggregation sets their group.
 *
 * After an outage it waits two heartbeats: the others, too, could not renew their leases.
 */
export function recoverer(options: RecovererOptions): PeriodicComponent {
  const { broker, queues, engineState, timings, runtime, logger } = options;

  async function recoverAll(signal: AbortSignal): Promise<void> {
    for (const queue of queues) {
      if (runtime.clock.monotonic() - engineState.returnedAt < 2 * timings.heartbeat) return;
      if (signal.aborted || engineState.error !== undefined) return;
      try {
        await engineState.call(() => recoverQueue(queue, signal));
      } catch (error) {
        logger.error({ component: "recoverer", queue, error }, "cannot recover this queue; trying again");
      }
    }
  }

  async function recoverQueue(queue: string, signal: AbortSignal): Promise<void> {
    // A call lists fewer than it might where tasks are large, so only a call without an effect says that this was all.
    for (let calls = 0; calls < MOST_CALLS && !signal.aborted; calls += 1) {
      const expired = await broker.listExpired(queue, BATCH);
      if (expired.length === 0 || !(await recoverBatch(queue, expired))) break;
    }
    await sweepQueue(queue, signal);
    const sets = await broker.reclaimAggregationSets(queue);
    if (sets > 0) logger.warn({ queue, sets }, "abandoned aggregation sets returned to their groups");
  }

  async function sweepQueue(queue: string, signal: AbortSignal): Promise<void> {
    for (let calls = 0, more = true; more && calls < MOST_CALLS && !signal.aborted; calls += 1) {
      const swept = await broker.sweep(queue, BATCH);
      const { leased, dropped } = swept;
      if (leased.length > 0)
        logger.warn({ queue, taskIds: leased }, "active tasks without a lease given one");
      if (dropped.length > 0) logger.warn({ queue, taskIds: dropped }, "ids without an active task removed");
      more = swept.more;
    }
  }

  /** False: another server was quicker with all of them. */
  async function recoverBatch(queue: string, expired: readonly ExpiredLease[]): Promise<boolean> {
    const judged = expired.map((lease) => judge(lease, options));
    const answers = await broker.recover(
      queue,
      judged.map(({ recovery }) => recovery),
    );
    for (const [i, each] of judged.entries()) if (answers[i] === "settled") tell(queue, each, options);
    return answers.includes("settled");
  }

  return periodic("recoverer", {
    every: timings.recover,
    immediately: true,
    tick: recoverAll,
    runtime,
    logger,
  });
}

interface Judged {
  readonly recovery: Recovery;
  readonly task: Task;
  readonly error: LeaseLostError;
  readonly judgement: Judgement;
}

function judge(expired: ExpiredLease, { judge, router }: RecovererOptions): Judged {
  const { message } = expired;
  const task = receivedTask(message);
  const error = new LeaseLostError();
  const policy = router.route(message.type).options;
  const judgement = judge.failure({ message, task, error, reason: error, invalid: false, policy });
  // A lease error is no control error: it is retried or archived.
  const settlement = judgement.settlement as Recovery["settlement"];
  return { recovery: { expired, settlement }, task, error, judgement };
}

function tell(
  queue: string,
  judged: Judged,
  { errorHandler, events, rollups, logger }: RecovererOptions,
): void {
  const { recovery, task, error, judgement } = judged;
  const { verdict, cause } = judgement;
  const facts = attemptFacts(recovery.expired);
  const { settlement } = recovery;
  if (settlement.kind === "archive" || settlement.isFailure) {
    // Whoever ran it took what is known of it along.
    rollups.ended({ queue, type: task.type, failed: true, waitMs: undefined, durationMs: undefined });
  }
  logger.warn({ ...facts, outcome: verdict.outcome }, "recovered a task whose lease had run out");
  if (errorHandler !== undefined) {
    guarded(logger, "errorHandler", () => errorHandler(error, task, undefined, verdict));
  }
  if (events.heard("taskSettled")) {
    events.emit("taskSettled", {
      ...facts,
      outcome: verdict.outcome,
      cause,
      durationMs: undefined,
      waitMs: undefined,
    });
  }
}
