import { EVERYONE, type HistoryEvent } from "./history.ts";

export interface HistoryReport {
  /** Enqueues that resolved. */
  readonly acknowledged: number;
  /** Enqueues of which nobody can say whether they were stored. */
  readonly indeterminate: number;
  /** Indeterminate tasks that ran. */
  readonly recovered: number;
  readonly starts: number;
  /** Starts of a task beyond its first. */
  readonly duplicates: number;
  readonly violations: readonly string[];
}

export interface JudgeOptions {
  /** Ids that the store still holds, in whatever state. */
  readonly stored: ReadonlySet<string>;
  /** How long after the start of an attempt a fault still explains that it ran again, in milliseconds. */
  readonly explains: number;
}

type Start = Extract<HistoryEvent, { type: "start" }>;
type End = Extract<HistoryEvent, { type: "end" }>;

/**
 * Judges what the processes of a run wrote down: `docs/reliability.md` c.4.
 *
 * No acknowledged task may be lost, none may run that nobody enqueued, none may start before its time, and every
 * start beyond a task's first needs an excuse: its attempt before failed, was handed back, or met a fault.
 */
export function judgeHistory(events: readonly HistoryEvent[], options: JudgeOptions): HistoryReport {
  const invoked = new Set<string>();
  const acknowledged = new Set<string>();
  const indeterminate = new Set<string>();
  const startsOf = new Map<string, Start[]>();
  const succeeded = new Set<string>();
  const notBefore = new Map<string, number>();
  for (const event of events) {
    if (event.type === "invoke") {
      invoked.add(event.id);
      if (event.processAt !== undefined) notBefore.set(event.id, event.processAt);
    } else if (event.type === "ok") acknowledged.add(event.id);
    else if (event.type === "info") indeterminate.add(event.id);
    else if (event.type === "start") startsOf.set(event.id, [...(startsOf.get(event.id) ?? []), event]);
    else if (event.type === "end" && event.ok) succeeded.add(event.id);
  }

  const violations: string[] = [];
  for (const id of acknowledged) {
    if (!succeeded.has(id) && !options.stored.has(id)) violations.push(`lost: ${id} was acknowledged`);
  }
  for (const [id, starts] of startsOf) {
    if (!invoked.has(id)) violations.push(`unexpected: ${id} was started, but never enqueued`);
    const earliest = Math.min(...starts.map(({ wall }) => wall));
    const due = notBefore.get(id);
    // Both are clocks of this machine.
    if (due !== undefined && earliest < due)
      violations.push(`early: ${id} started ${due - earliest} ms too soon`);
    for (const [i, start] of starts.slice(0, -1).entries()) {
      const next = starts[i + 1] as Start;
      if (excuse(start, next, events, options) === undefined) {
        violations.push(
          `duplicate: ${id} ran in ${start.process} and again in ${next.process}, for no reason`,
        );
      }
    }
  }
  const starts = [...startsOf.values()].reduce((sum, each) => sum + each.length, 0);
  return {
    acknowledged: acknowledged.size,
    indeterminate: indeterminate.size,
    recovered: [...indeterminate].filter((id) => startsOf.has(id)).length,
    starts,
    duplicates: starts - startsOf.size,
    violations,
  };
}

/** Why `next` was to be expected after `start`. */
function excuse(
  start: Start,
  next: Start,
  events: readonly HistoryEvent[],
  { explains }: JudgeOptions,
): string | undefined {
  const until = Math.min(next.mono, start.mono + explains);
  for (const event of events) {
    if (event.type === "end" && sameAttempt(event, start) && !event.ok) return "its handler failed";
    if (event.mono < start.mono || event.mono > next.mono) continue;
    if (event.type === "requeue" && event.id === start.id) return "it was handed back";
    if (event.type === "nemesis" && event.mono <= until) {
      if (event.target === start.process || event.target === EVERYONE) return event.fault;
    }
  }
  return undefined;
}

function sameAttempt(end: End, start: Start): boolean {
  return end.id === start.id && end.process === start.process && end.attempt === start.attempt;
}
