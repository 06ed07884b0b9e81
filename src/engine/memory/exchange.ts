import type { ExchangeResult, Leased, Outcome, OutcomeAnswer } from "../../broker/broker.ts";
import type { LeaseTimings } from "../timings.ts";
import { held, tokenOf } from "./leases.ts";
import { quarantine, settle } from "./settle.ts";
import type { MemoryStore } from "./store.ts";
import { storedMessage } from "./stored-message.ts";
import type { StoredQueue } from "./stored-queue.ts";

/**
 * Settles outcomes, then leases. Requeues are judged first, since leasing may begin a new attempt at their task, and
 * carried out last of all: before the leasing they would be leased again at once.
 * `repeated` means nothing here, since no answer is ever lost on the way.
 */
export function exchange(
  store: MemoryStore,
  queue: StoredQueue,
  outcomes: readonly Outcome[],
  limit: number,
  timings: LeaseTimings,
  now: number,
): ExchangeResult {
  const answers = outcomes.map((outcome) =>
    outcome.settlement.kind === "requeue" ? refusal(queue, outcome) : settleOutcome(queue, outcome, now),
  );
  const { leased, quarantined } = lease(store, queue, limit, timings, now);
  return {
    answers: outcomes.map((outcome, i) => answers[i] ?? settleOutcome(queue, outcome, now)),
    leased,
    more: !queue.paused && queue.sets.pending.size > 0,
    quarantined,
    dropped: [],
  };
}

/** Why an outcome is refused, if so. */
function refusal(queue: StoredQueue, { leased }: Outcome): OutcomeAnswer | undefined {
  const task = held(queue, leased);
  return typeof task === "string" ? task : undefined;
}

function settleOutcome(queue: StoredQueue, outcome: Outcome, now: number): OutcomeAnswer {
  const task = held(queue, outcome.leased);
  if (typeof task === "string") return task;
  settle(queue, task, outcome.settlement, now);
  return "settled";
}

function lease(
  store: MemoryStore,
  queue: StoredQueue,
  limit: number,
  timings: LeaseTimings,
  now: number,
): Pick<ExchangeResult, "leased" | "quarantined"> {
  const leased: Leased[] = [];
  const quarantined: string[] = [];
  while (!queue.paused && leased.length < limit) {
    const task = queue.sets.pending.first();
    if (task === undefined) break;
    const message = storedMessage(queue, task);
    if (message === undefined) {
      quarantine(queue, task, now);
      quarantined.push(task.id);
      continue;
    }
    const attempt = store.nextAttempt();
    queue.toActive(task, attempt, now + timings.lease);
    leased.push({ message, token: tokenOf({ attempt }) });
  }
  return { leased, quarantined };
}
