import type { Leased, Outcome, OutcomeAnswer, Settlement } from "../broker/broker.ts";
import { EngineUnavailableError } from "../errors.ts";
import type { Logger } from "../runtime/logger.ts";
import type { AttemptFacts, ServerEvents, SettleCause, TaskSettled } from "./events.ts";
import type { Rollups } from "./rollups.ts";

/** How an attempt ended, on its way to the store. */
export class Finished implements Outcome {
  readonly leased: Leased;
  /** The queue it was leased from. */
  readonly queue: string;
  readonly settlement: Settlement;
  readonly cause: SettleCause;
  readonly durationMs: number | undefined;
  readonly waitMs: number | undefined;
  /** It may be recorded already: the answer to sending it before was lost. */
  repeated = false;

  constructor(
    leased: Leased,
    queue: string,
    settlement: Settlement,
    cause: SettleCause,
    durationMs?: number,
    waitMs?: number,
  ) {
    this.leased = leased;
    this.queue = queue;
    this.settlement = settlement;
    this.cause = cause;
    this.durationMs = durationMs;
    this.waitMs = waitMs;
  }

  /** Sending it has failed with `error`. Only where nothing can have come of that is the next time no repetition. */
  failedToSend(error: unknown): void {
    // What is refused may be a later part of the call: the answers to the first are lost with it.
    if (!(error instanceof EngineUnavailableError) || error.inDoubt) this.repeated = true;
  }
}

export function attemptFacts({ message }: Pick<Leased, "message">): AttemptFacts {
  return { taskId: message.id, type: message.type, queue: message.queue, attempt: message.retried + 1 };
}

/** How many ids of requeued tasks are named in the log. */
const NAMED = 100;

/** Keeps count of, and tells about, what the store has answered to outcomes. */
export class OutcomeLedger {
  readonly #events: ServerEvents;
  readonly #logger: Logger;
  /** Outcomes recorded, but for requeues. */
  finished = 0;
  requeued = 0;
  readonly requeuedIds: string[] = [];
  readonly #onAnswered: (outcomes: readonly Finished[]) => void;
  readonly #rollups: Pick<Rollups, "ended"> | undefined;

  /**
   * @param onAnswered - told of outcomes once the store has answered them, whatever it said
   * @param rollups - told of attempts that were recorded
   */
  constructor(
    events: ServerEvents,
    logger: Logger,
    onAnswered: (outcomes: readonly Finished[]) => void = () => undefined,
    rollups?: Pick<Rollups, "ended">,
  ) {
    this.#events = events;
    this.#logger = logger;
    this.#onAnswered = onAnswered;
    this.#rollups = rollups;
  }

  /** @param answers - one for each of `outcomes`, in the same order */
  record(outcomes: readonly Finished[], answers: readonly OutcomeAnswer[]): void {
    this.#onAnswered(outcomes);
    for (const [i, outcome] of outcomes.entries()) this.#answered(outcome, answers[i] as OutcomeAnswer);
  }

  #answered(outcome: Finished, answer: OutcomeAnswer): void {
    if (answer === "settled") this.#settled(outcome);
    else if (answer === "gone" && outcome.repeated) {
      // The first time it was sent it did arrive; that answer was lost.
      this.#logger.info(attemptFacts(outcome.leased), "outcome had been recorded already");
      this.#settled(outcome);
    } else this.#lost(outcome, answer);
  }

  #settled(outcome: Finished): void {
    if (outcome.settlement.kind === "requeue") {
      this.requeued += 1;
      if (this.requeuedIds.length < NAMED) this.requeuedIds.push(outcome.leased.message.id);
    } else {
      this.finished += 1;
      this.#measure(outcome);
    }
    if (!this.#events.heard("taskSettled")) return;
    this.#events.emit("taskSettled", {
      ...attemptFacts(outcome.leased),
      outcome: outcomeName(outcome),
      cause: outcome.cause,
      durationMs: outcome.durationMs,
      waitMs: outcome.waitMs,
    });
  }

  /** As the engine counts: what is tried again without a failure has not been processed. */
  #measure({ queue, leased: { message }, settlement, waitMs, durationMs }: Finished): void {
    const failed = settlement.kind === "archive" || settlement.kind === "retry";
    if (settlement.kind === "retry" && !settlement.isFailure) return;
    this.#rollups?.ended({ queue, type: message.type, failed, waitMs, durationMs });
  }

  #lost(outcome: Finished, answer: OutcomeAnswer): void {
    const facts = attemptFacts(outcome.leased);
    this.#logger.warn({ ...facts, answer }, "outcome not recorded: the attempt is no longer ours");
    this.#events.emit("leaseLost", facts);
  }
}

function outcomeName({ settlement, cause }: Finished): TaskSettled["outcome"] {
  if (settlement.kind === "complete") return "completed";
  return cause === "revoked" ? "drop" : settlement.kind;
}
