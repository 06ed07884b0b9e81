import type { ExchangeResult, Leased, Outcome, OutcomeAnswer, Settlement } from "../../broker/broker.ts";
import type { LeaseTimings } from "../timings.ts";
import type { EmbeddedQueue, EmbeddedStore } from "./embedded-store.ts";
import { held, tokenOf } from "./leases.ts";
import { quarantine, settle } from "./settle.ts";
import { storedMessage } from "./stored-message.ts";

/**
 * Looks at everything, settles outcomes, leases, and carries out requeues last of all: before the leasing they would
 * be leased again at once. `repeated` means nothing here, since no answer is ever lost on the way.
 */
export function exchange(
  store: EmbeddedStore,
  queue: EmbeddedQueue,
  outcomes: readonly Outcome[],
  limit: number,
  timings: LeaseTimings,
  now: number,
): ExchangeResult {
  const answers = outcomes.map(({ leased }) => refusal(queue, leased));
  for (const [i, { leased, settlement }] of outcomes.entries()) {
    if (settlement.kind !== "requeue") answers[i] ??= settleHeld(queue, leased, settlement, now);
  }
  const { leased, quarantined } = lease(store, queue, limit, timings, now);
  // The last one first, so that tasks handed back together keep their order at the head.
  const requeued = outcomes.toReversed().map(({ leased, settlement }, back) => {
    return answers.at(-1 - back) ?? settleHeld(queue, leased, settlement, now);
  });
  return {
    answers: requeued.reverse(),
    leased,
    more: !queue.paused && queue.has("pending"),
    quarantined,
    dropped: [],
  };
}

function refusal(queue: EmbeddedQueue, leased: Leased): OutcomeAnswer | undefined {
  const task = held(queue, leased);
  return typeof task === "string" ? task : undefined;
}

/** Of several outcomes of one attempt only the first still finds it. */
function settleHeld(
  queue: EmbeddedQueue,
  leased: Leased,
  settlement: Settlement,
  now: number,
): OutcomeAnswer {
  const task = held(queue, leased);
  if (typeof task === "string") return task;
  settle(queue, task, settlement, now);
  return "settled";
}

function lease(
  store: EmbeddedStore,
  queue: EmbeddedQueue,
  limit: number,
  timings: LeaseTimings,
  now: number,
): Pick<ExchangeResult, "leased" | "quarantined"> {
  const leased: Leased[] = [];
  const quarantined: string[] = [];
  while (!queue.paused && leased.length < limit) {
    const tasks = queue.slice("pending", 0, limit - leased.length);
    if (tasks.length === 0) break;
    for (const task of tasks) {
      const message = storedMessage(queue, task);
      if (message === undefined) {
        quarantine(queue, task, now);
        quarantined.push(task.id);
      } else {
        const { pendingSince } = task;
        const attempt = store.nextAttempt();
        queue.toActive(task, attempt, now + timings.lease);
        leased.push({ message, token: tokenOf({ attempt }), pendingSince });
      }
    }
  }
  return { leased, quarantined };
}
