import type { Change, Inspection, TaskState } from "../broker/inspection.ts";
import { QueueNotFoundError } from "../errors.ts";
import type { Clock } from "../runtime/clock.ts";
import { requireKnownNames } from "../suggestion.ts";
import { requireNonBlank } from "../task-options.ts";
import { BULK_OPTIONS, type BulkOptions, Pace } from "./progress.ts";
import { groupOf, requireChangeable } from "./states.ts";

export interface ChangeAllOptions extends BulkOptions {
  /** The group, for `aggregating` tasks, which are changed by group. */
  group?: string | undefined;
}

/** What a long operation has done. */
export interface BulkResult {
  readonly changed: number;
  /** Tasks that there were when it began. */
  readonly total: number;
  /** It was stopped by its signal before its end. */
  readonly stopped: boolean;
}

/**
 * Changes all tasks of a state in bounded steps, and no more than there were when it began: those that come meanwhile
 * are nobody's wish.
 *
 * @param most - at most so many
 */
export async function changeAll(
  door: Inspection,
  clock: Clock,
  change: Change,
  queue: string,
  wanted: TaskState,
  options: ChangeAllOptions,
  most = Number.POSITIVE_INFINITY,
): Promise<BulkResult> {
  requireNonBlank("queue", queue);
  const state = requireChangeable(change, wanted);
  requireKnownNames(`${change}All`, options, [...BULK_OPTIONS, "group"]);
  const part = { state, ...groupOf(state, options.group) };
  const total = Math.min(most, await sizeOf(door, queue, part));
  const pace = new Pace(clock, total, options);
  while (pace.done < total && !pace.stopped) {
    const { handled, changed } = await door.changeSome(
      queue,
      change,
      part,
      Math.min(pace.step, total - pace.done),
    );
    if (handled === 0) break;
    await pace.took(handled, changed);
  }
  return { changed: pace.changed, total, stopped: pace.stopped && pace.done < total };
}

async function sizeOf(
  door: Inspection,
  queue: string,
  { state, group }: { readonly state: TaskState; readonly group?: string },
): Promise<number> {
  const info = await door.queueInfo(queue);
  if (info === undefined) throw new QueueNotFoundError(queue);
  if (group === undefined) return info[state];
  for (let cursor: string | undefined; ; ) {
    const page = await door.groups(queue, cursor);
    const found = page?.groups.find((each) => each.group === group);
    if (found !== undefined) return found.size;
    cursor = page?.cursor;
    if (cursor === undefined) return 0;
  }
}
