import type { Change, Inspection, TaskRecord, TaskState } from "../broker/inspection.ts";
import { InvalidOptionError } from "../errors.ts";
import type { Clock } from "../runtime/clock.ts";
import { requireKnownNames } from "../suggestion.ts";
import { type TaskInfo, taskInfo } from "../task-info.ts";
import { type BulkResult, changeAll } from "./change-all.ts";
import { checkedFilter, type Filter } from "./filter.ts";
import { matcher } from "./matcher.ts";
import { BULK_OPTIONS, type BulkOptions, Pace } from "./progress.ts";
import { parts, type ScopeOptions, scopeOf } from "./scope.ts";

export interface MatchingOptions extends ScopeOptions, BulkOptions {
  /** Only count, and show some. @defaultValue false */
  dryRun?: boolean | undefined;
  /** Change at most so many. @defaultValue all */
  limit?: number | undefined;
  /** Only those for which it says so, beside the filter: asked once for each task that meets it. @defaultValue all */
  where?: ((task: TaskInfo) => boolean) | undefined;
}

export interface RedriveOptions extends Omit<MatchingOptions, "queues" | "states"> {
  /** Only these. @defaultValue all */
  filter?: string | Filter | undefined;
}

export interface MatchingResult extends BulkResult {
  /** Tasks that matched, whether they could be changed or not. */
  readonly matched: number;
  /** Some of them, as they were. */
  readonly sample: readonly TaskInfo[];
}

const SAMPLE = 10;

/** Whose tasks a filter may change. Completed tasks are run again as copies, and groups by those who ask for them. */
const DEFAULT: Readonly<Record<Change, readonly TaskState[]>> = {
  run: ["scheduled", "retry", "archived"],
  archive: ["pending", "scheduled", "retry"],
  delete: ["pending", "scheduled", "retry", "archived", "completed"],
};
const ALLOWED: Readonly<Record<Change, readonly TaskState[]>> = {
  run: ["scheduled", "retry", "archived", "completed", "aggregating"],
  archive: ["pending", "scheduled", "retry", "completed", "aggregating"],
  delete: ["pending", "scheduled", "retry", "archived", "completed", "aggregating"],
};

/** Changes what a filter is met by, part by part. A task that has changed its state since it was seen is left alone. */
export async function changeMatching(
  door: Inspection,
  clock: Clock,
  now: number,
  change: Change,
  wanted: string | Filter,
  options: MatchingOptions,
): Promise<MatchingResult> {
  const known = [...BULK_OPTIONS, "queues", "states", "dryRun", "limit", "where"];
  requireKnownNames(`${change}Matching`, options, known);
  const { dryRun = false, where } = options;
  const limit = checkedLimit(options.limit);
  const parsed = checkedFilter(wanted);
  const filter = matcher(parsed, now);
  const namesStates = options.states !== undefined || parsed.terms.some(({ field }) => field === "state");
  const scope = await scopeOf(door, options, filter, namesStates ? ALLOWED[change] : DEFAULT[change]);
  const pace = new Pace(clock, scope.total, options);
  const seen = new Set<string>();
  const sample: TaskInfo[] = [];
  const result = (stopped: boolean): MatchingResult => {
    return { changed: pace.changed, total: scope.total, stopped, matched: seen.size, sample };
  };

  // Few of many are gathered over several parts: a change costs the engine much the same for one task and for a hundred.
  let found: Found = { queue: "", tasks: [] };
  for await (const { tasks, at, near } of parts(door, scope, filter, undefined)) {
    if (pace.stopped) return result(true);
    if (at.queue !== found.queue) {
      if (!(await changeFound(door, change, found, pace, 1))) return result(true);
      found = { queue: at.queue, tasks: [] };
    }
    for (const task of tasks) {
      const key = `${task.queue}\n${task.id}`;
      if (seen.size >= limit || !filter.matches(task) || seen.has(key)) continue;
      if (where !== undefined && !where(taskInfo(task))) continue;
      seen.add(key);
      if (sample.length < SAMPLE) sample.push(taskInfo(task));
      if (!dryRun) found.tasks.push({ task, near });
    }
    await pace.took(tasks.length, 0);
    if (!(await changeFound(door, change, found, pace, pace.step))) return result(true);
    if (seen.size >= limit) break;
  }
  return result(!(await changeFound(door, change, found, pace, 1)));
}

/** Tasks of one queue that are to be changed, and where the engine has seen each. */
interface Found {
  readonly queue: string;
  readonly tasks: FoundTask[];
}

interface FoundTask {
  readonly task: TaskRecord;
  readonly near: string | undefined;
}

/** Changes as many as there are, if they are at least so many. `false`: stopped before all was done. */
async function changeFound(
  door: Inspection,
  change: Change,
  { queue, tasks }: Found,
  pace: Pace,
  least: number,
): Promise<boolean> {
  while (tasks.length >= least) {
    if (pace.stopped) return false;
    await pace.took(0, await changeSeen(door, change, queue, tasks.splice(0, pace.step)));
  }
  return true;
}

/** Each only if it is still in the state in which it was seen. */
async function changeSeen(
  door: Inspection,
  change: Change,
  queue: string,
  found: readonly FoundTask[],
): Promise<number> {
  let changed = 0;
  for (const state of new Set(found.map(({ task }) => task.state))) {
    const some = found.filter(({ task }) => task.state === state);
    const ids = some.map(({ task }) => task.id);
    const near = [...new Set(some.flatMap((each) => each.near ?? []))];
    const options = near.length > 0 ? { from: state, near } : { from: state };
    const answers = await door.changeTasks(queue, change, ids, options);
    for (const answer of answers) {
      if (answer.status === "failed") throw answer.error;
      if (answer.status === "changed") changed += 1;
    }
  }
  return changed;
}

/** Puts archived tasks back in their queue, the longest archived first; with a filter, in no order. */
export async function redrive(
  door: Inspection,
  clock: Clock,
  now: number,
  queue: string,
  options: RedriveOptions,
): Promise<MatchingResult> {
  requireKnownNames("redrive", options, [...BULK_OPTIONS, "dryRun", "limit", "filter", "where"]);
  const { filter, ...rest } = options;
  if (filter !== undefined || rest.where !== undefined) {
    return changeMatching(door, clock, now, "run", filter ?? "", {
      ...rest,
      queues: [queue],
      states: ["archived"],
    });
  }
  const { dryRun, limit, where: _, ...bulk } = rest;
  const most = checkedLimit(limit);
  if (dryRun === true) {
    const dry = { ...rest, queues: [queue], states: ["archived"] as const };
    return changeMatching(door, clock, now, "run", "", dry);
  }
  const page = await door.listTasks(queue, "archived", { page: 0, size: Math.min(SAMPLE, most) });
  const result = await changeAll(door, clock, "run", queue, "archived", bulk, most);
  return { ...result, matched: result.total, sample: (page ?? []).map((task) => taskInfo(task)) };
}

function checkedLimit(limit: number | undefined): number {
  if (limit === undefined) return Number.POSITIVE_INFINITY;
  if (Number.isSafeInteger(limit) && limit > 0) return limit;
  throw new InvalidOptionError("limit", `expected a whole number above 0; got ${String(limit)}`);
}
