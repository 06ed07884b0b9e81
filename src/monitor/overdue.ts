import { CronSpecInvalidError } from "../errors.ts";
import { explainSpec, type Inspector, type SchedulerEntryInfo } from "../index.ts";
import { seesEntry } from "./scheduler-rows.ts";
import type { Visitor } from "./scope.ts";

/** Schedulers tell of themselves every ten seconds, and a restart costs no tick: this long an entry may be late. Milliseconds. */
const GRACE = 60_000;
/** Stored entries that nobody sees to, whose history is asked for at one look. */
const MOST_ASKED = 100;

/** A periodic task whose time has passed, and nobody has enqueued it. */
export interface OverdueEntry {
  readonly info: SchedulerEntryInfo;
  readonly dueAt: number;
}

/**
 * Entries that are due for longer than a scheduler needs. Of those that a program registers it can be known only while one
 * of its schedulers is alive, since they vanish with the last; of those that are stored, also when none runs.
 */
export async function overdueEntries(
  inspector: Pick<Inspector, "schedulerEntries" | "schedulerEvents">,
  now: number,
): Promise<OverdueEntry[]> {
  const overdue: OverdueEntry[] = [];
  let asked = 0;
  for (const info of await inspector.schedulerEntries()) {
    if (info.paused) continue;
    let dueAt = info.next?.getTime();
    if (info.schedulers === 0 && asked < MOST_ASKED) {
      asked += 1;
      dueAt = await dueSinceLast(inspector, info);
    }
    if (dueAt !== undefined && now - dueAt > GRACE) overdue.push({ info, dueAt });
  }
  return overdue;
}

/** The first time after the entry was stored, or was enqueued last. */
async function dueSinceLast(
  inspector: Pick<Inspector, "schedulerEvents">,
  { id, definition }: SchedulerEntryInfo,
): Promise<number | undefined> {
  if (definition === undefined) return undefined;
  const [last] = await inspector.schedulerEvents(id, { pageSize: 1 });
  const since = Math.max(definition.storedAt.getTime(), last?.enqueuedAt.getTime() ?? 0);
  try {
    return explainSpec(definition.spec).runs(new Date(since), 1)[0]?.getTime();
  } catch (error) {
    // A newer version may understand it.
    if (error instanceof CronSpecInvalidError) return undefined;
    throw error;
  }
}

export function visibleOverdue(overdue: readonly OverdueEntry[], visitor: Visitor): OverdueEntry[] {
  return overdue.filter(({ info }) => seesEntry(visitor, info));
}
