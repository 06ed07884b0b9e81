import type { ExpiredLease, OutcomeAnswer, Recovery } from "../../broker/broker.ts";
import type { LeaseTimings } from "../timings.ts";
import type { EmbeddedQueue } from "./embedded-store.ts";
import { attemptOf, held, tokenOf } from "./leases.ts";
import { quarantine, settle } from "./settle.ts";
import { storedMessage } from "./stored-message.ts";

/** A lease further ahead than this many lease times was written by a clock that was wrong. */
const TOO_FAR = 4;

export function listExpired(
  queue: EmbeddedQueue,
  limit: number,
  timings: LeaseTimings,
  now: number,
): ExpiredLease[] {
  cutFarLeases(queue, timings, now);
  const expired: ExpiredLease[] = [];
  for (const task of queue.slice("active", 0, limit)) {
    if (task.score > now - timings.grace) break;
    const message = storedMessage(queue, task);
    if (message === undefined) quarantine(queue, task, now);
    else expired.push({ message, token: tokenOf({ attempt: task.attempt, leaseEnd: task.score }) });
  }
  return expired;
}

/** Settles an expired attempt, unless its lease was renewed, or another attempt has begun, since it was listed. */
export function recover(queue: EmbeddedQueue, { expired, settlement }: Recovery, now: number): OutcomeAnswer {
  const task = held(queue, expired);
  if (typeof task === "string") return task;
  if (task.score !== attemptOf(expired.token).leaseEnd) return "fenced";
  settle(queue, task, settlement, now);
  return "settled";
}

/** Without this, a task leased before the clock was set back would wait for the old time to come round again. */
function cutFarLeases(queue: EmbeddedQueue, timings: LeaseTimings, now: number): void {
  for (let task = queue.last("active"); task !== undefined; task = queue.last("active")) {
    if (task.score <= now + TOO_FAR * timings.lease) return;
    queue.toActive(task, task.attempt, now + timings.lease);
  }
}
