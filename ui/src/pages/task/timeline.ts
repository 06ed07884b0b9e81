import type { Attempt, TaskDetail } from "../../api/types.ts";
import { duration } from "../../format/times.ts";

/** One thing that became of a task; the oldest first. */
export type TimelineItem =
  | { readonly kind: "enqueued"; readonly at: number | null }
  /** `from` and `until` are known, or the length is not told. */
  | { readonly kind: "waited"; readonly length: number }
  | { readonly kind: "unknown"; readonly count: number }
  | {
      readonly kind: "attempt";
      readonly number: number;
      readonly attempt: Attempt;
      /** Against the attempt before; `null`: there is none to compare with. */
      readonly changes: readonly string[] | null;
    }
  /** It failed, and all that is on record of it is when, and why. */
  | { readonly kind: "failed"; readonly at: number; readonly error: string | null }
  | { readonly kind: "now" };

/** What is on record of a task, and in between how long it waited. */
export function timelineOf(task: TaskDetail): readonly TimelineItem[] {
  const attempts = task.attempts ?? [];
  const enqueuedAt = timeOfId(task.id, task.now);
  const items: TimelineItem[] = [{ kind: "enqueued", at: enqueuedAt }];
  // Retries that a lease's end or a Go server made are counted, and not on record.
  const failed = Math.max(
    task.retried + (task.state === "archived" && task.lastFailedAt !== null ? 1 : 0),
    attempts.length,
  );
  const missing = failed - attempts.length;
  const only = attempts.length === 0 && task.lastFailedAt !== null && missing <= 1;
  if (missing > 0 && !only) items.push({ kind: "unknown", count: missing });
  if (attempts.length === 0 && task.lastFailedAt !== null) {
    items.push({ kind: "failed", at: task.lastFailedAt, error: task.error });
  }
  let before: Attempt | null = null;
  for (const [at, attempt] of attempts.entries()) {
    const from = before?.at ?? (missing > 0 ? null : enqueuedAt);
    const waited = from === null || attempt.duration === null ? null : attempt.at - attempt.duration - from;
    if (waited !== null && waited >= 1) items.push({ kind: "waited", length: waited });
    items.push({
      kind: "attempt",
      number: missing + at + 1,
      attempt,
      changes: before === null ? null : changesSince(before, attempt),
    });
    before = attempt;
  }
  items.push({ kind: "now" });
  return items;
}

/** What is different from the attempt before; empty: it failed in the same way. */
export function changesSince(before: Attempt, attempt: Attempt): readonly string[] {
  const changes: string[] = [];
  // The last one is called otherwise because it is the last.
  if (attempt.cause !== before.cause && attempt.cause !== "exhausted")
    changes.push(`${attempt.cause} instead of ${before.cause}`);
  if (attempt.error !== before.error) {
    changes.push(
      shape(attempt.error) === shape(before.error) ? "the error differs in numbers only" : "another error",
    );
  }
  if (attempt.server !== before.server && attempt.server !== null && before.server !== null) {
    changes.push("another server");
  }
  if (attempt.duration !== null && before.duration !== null) {
    const [shorter, longer] = [attempt.duration, before.duration].toSorted((a, b) => a - b) as [
      number,
      number,
    ];
    // Below that, nobody cares.
    if (longer >= 1_000 && longer > 2 * Math.max(1, shorter)) {
      const word = attempt.duration > before.duration ? "longer" : "shorter";
      changes.push(`${word} by ${duration(longer - shorter)}`);
    }
  }
  return changes;
}

function shape(error: string): string {
  return error.replaceAll(/\d+/g, "0");
}

/** Ids tell a time of that long ago at most: among random ones, one in ten thousands would seem to. */
const LONGEST = 90 * 86_400_000;

/** When an id was made, if it begins with that (as ours do, and UUIDs of version 7); `null`: it does not, or nothing likely. */
export function timeOfId(id: string, now: number): number | null {
  if (!/^[\da-f]{8}-[\da-f]{4}-[47][\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/i.test(id)) return null;
  const at = Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
  return at >= now - LONGEST && at <= now ? at : null;
}
