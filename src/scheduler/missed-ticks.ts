import { InvalidOptionError } from "../errors.ts";
import { shown } from "../shown-value.ts";
import type { Schedule } from "./schedule.ts";

/**
 * What becomes of ticks that nobody enqueued in time, because no scheduler ran or the engine was away:
 * - `"skip"`: nothing.
 * - `"run-once"`: one task for all of them, of the newest one.
 * - `{ backfill: n }`: a task each of the newest `n`, up to 1,000.
 */
export type MissedPolicy = "skip" | "run-once" | { readonly backfill: number };

const MOST_BACKFILLED = 1_000;
/** Milliseconds by which a tick may be late without having been missed. */
const PUNCTUAL = 5_000;
/** The same while no later tick is due: a restart of a program, or of the engine, costs no tick. */
const FORGIVEN = 60_000;

/** @throws {@link InvalidOptionError} it is no such policy. */
export function checkMissed(missed: unknown): MissedPolicy {
  if (missed === "skip" || missed === "run-once") return missed;
  if (typeof missed === "object" && missed !== null && Object.keys(missed).join() === "backfill") {
    const { backfill } = missed as { backfill: unknown };
    if (Number.isInteger(backfill) && (backfill as number) > 0 && (backfill as number) <= MOST_BACKFILLED) {
      return { backfill: backfill as number };
    }
    throw new InvalidOptionError(
      "missed.backfill",
      `expected a whole number from 1 to ${MOST_BACKFILLED}; got ${shown(backfill)}`,
    );
  }
  throw new InvalidOptionError(
    "missed",
    `expected "skip", "run-once" or { backfill: n }; got ${shown(missed)}`,
  );
}

/**
 * Of the ticks after `cursor`, up to `now`, those to be enqueued, the earliest first.
 *
 * However many were missed, no more than the policy asks for are looked at.
 */
export function dueTicks(schedule: Schedule, cursor: number, now: number, missed: MissedPolicy): number[] {
  const punctual = ticksBetween(schedule, Math.max(cursor, now - PUNCTUAL - 1), now);
  if (typeof missed === "object") {
    const first = punctual[0] ?? now + 1;
    return [...newestTicks(schedule, cursor, first - 1, missed.backfill), ...punctual];
  }
  if (punctual.length > 0) return punctual;
  const since = missed === "skip" ? Math.max(cursor, now - FORGIVEN - 1) : cursor;
  return newestTicks(schedule, since, now, 1);
}

/** Up to `count` ticks in (from, to], the newest ones, found by looking ever farther back. */
function newestTicks(schedule: Schedule, from: number, to: number, count: number): number[] {
  for (let back = 1_000 * count; ; back *= 2) {
    const start = Math.max(from, to - back);
    const ticks = ticksBetween(schedule, start, to);
    if (ticks.length >= count || start <= from) return ticks.slice(-count);
  }
}

function ticksBetween(schedule: Schedule, from: number, to: number): number[] {
  const ticks: number[] = [];
  if (from >= to) return ticks;
  for (let at = schedule.next(from); at !== undefined && at <= to; at = schedule.next(at)) ticks.push(at);
  return ticks;
}
