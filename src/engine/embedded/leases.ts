import type { ExtendAnswer, Leased, LeaseToken, OutcomeAnswer } from "../../broker/broker.ts";
import type { LeaseTimings } from "../timings.ts";
import type { EmbeddedQueue, EmbeddedTask, Refusal } from "./embedded-store.ts";

/** What a token of an embedded engine holds: the attempt, and for an expired one the end of its lease as listed. */
interface Attempt {
  readonly attempt: number;
  readonly leaseEnd?: number;
}

export function tokenOf(attempt: Attempt): LeaseToken {
  return attempt as unknown as LeaseToken;
}

export function attemptOf(token: LeaseToken): Attempt {
  return token as unknown as Attempt;
}

/** The task that this attempt runs, or why there is none. */
export function held(queue: EmbeddedQueue, { message, token }: Leased): EmbeddedTask | Refusal {
  const task = queue.find(message.id);
  if (task?.state !== "active") return "gone";
  return task.attempt === attemptOf(token).attempt ? task : "fenced";
}

/**
 * Renews a lease, also one that has run out, as long as nobody has recovered it. Never shortens one, but for a lease
 * so far ahead that the clock must have been wrong when it was written.
 */
export function extend(
  queue: EmbeddedQueue,
  leased: Leased,
  timings: LeaseTimings,
  now: number,
): ExtendAnswer {
  const task = held(queue, leased);
  if (typeof task === "string") return "lost";
  const fresh = now + timings.lease;
  const tooFar = task.score > now + 2 * timings.lease;
  queue.toActive(task, task.attempt, tooFar ? fresh : Math.max(task.score, fresh));
  return "extended";
}

/** The last result written counts. */
export function writeResult(queue: EmbeddedQueue, leased: Leased, result: Uint8Array): OutcomeAnswer {
  const task = held(queue, leased);
  if (typeof task === "string") return task;
  queue.writeResult(task, result);
  return "settled";
}
