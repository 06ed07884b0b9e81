import { CronSpecInvalidError } from "../errors.ts";
import {
  type ExplainedSpec,
  explainSpec,
  type Inspector,
  type SchedulerEntryInfo,
  type StoredEntryInfo,
  TaskNotFoundError,
} from "../index.ts";
import type { SchedulerDefinition, SchedulerEntry, SchedulerEvent, TaskState } from "./api.ts";
import { contentOf, writtenOf } from "./content.ts";
import { enqueueOptions } from "./enqueue-options.ts";
import type { Redaction } from "./redaction.ts";
import { maySee, type Visitor } from "./scope.ts";

/** Times that are told of what is due. */
export const RUNS = 10;
/** Tasks that are looked at side by side. */
const SIDE_BY_SIDE = 5;
/** Bytes of a payload that can be edited here: a request holds no more than about four times as many. */
const MOST_EDITABLE = 262_144;

/** `redaction`: the visitor may not see secrets. */
export function schedulerEntry(info: SchedulerEntryInfo, now: number, redaction?: Redaction): SchedulerEntry {
  const { id, spec, type, queue, options, payloadBytes, next, previous, stored, paused, schedulers } = info;
  return {
    id,
    spec,
    type,
    queue: queue ?? null,
    options: options.map((option) => redaction?.redactOption(option) ?? option),
    payload: contentOf(payloadBytes, redaction),
    next: next?.getTime() ?? null,
    previous: previous?.getTime() ?? null,
    stored,
    paused,
    schedulers,
    ...timesOf(info, now),
    definition: redaction === undefined && info.definition ? definitionOf(info.definition) : null,
  };
}

/** Of an entry whose queue is not known, only those may see who see all. */
export function seesEntry(visitor: Visitor, { queue, definition }: SchedulerEntryInfo): boolean {
  const queues = [queue, ...(definition === undefined ? [] : [definition.options.queue ?? "default"])];
  return visitor.queues === null || queues.every((each) => each !== undefined && maySee(visitor, each));
}

/**
 * Go's schedulers do not tell where their clock hangs, and count `@every` from their start: what they say themselves is
 * the measure.
 */
function timesOf(
  { spec, next, schedulers }: SchedulerEntryInfo,
  now: number,
): Pick<SchedulerEntry, "words" | "nextRuns"> {
  const known = next?.getTime();
  const itself = known !== undefined && known > now ? [known] : [];
  const meant = explained(spec);
  if (meant === undefined) return { words: null, nextRuns: itself };
  const words = meant.words ?? null;
  const runs = (after: number) => meant.runs(new Date(after), RUNS).map((at) => at.getTime());
  if (known === undefined) return { words, nextRuns: schedulers === 0 ? runs(now) : [] };
  if (meant.every !== undefined) {
    const { every } = meant;
    const first = known > now ? known : known + (Math.floor((now - known) / every) + 1) * every;
    return { words, nextRuns: Array.from({ length: RUNS }, (_, nth) => first + nth * every) };
  }
  if (runs(known - 1)[0] !== known) return { words: null, nextRuns: itself };
  return { words, nextRuns: runs(Math.max(now, known - 1)) };
}

/** `undefined`: a peer has a grammar of its own. */
function explained(spec: string): ExplainedSpec | undefined {
  try {
    return explainSpec(spec);
  } catch (error) {
    if (error instanceof CronSpecInvalidError) return undefined;
    throw error;
  }
}

function definitionOf(stored: StoredEntryInfo): SchedulerDefinition | null {
  const { spec, type, payloadBytes, options, missed } = stored;
  if ((payloadBytes?.length ?? 0) > MOST_EDITABLE) return null;
  return {
    spec,
    type,
    payload: writtenOf(payloadBytes),
    options: enqueueOptions(options),
    // As `Scheduler.put` has checked it.
    missed: missed as NonNullable<SchedulerDefinition["missed"]>,
  };
}

const OUTCOMES: Readonly<Record<TaskState, SchedulerEvent["outcome"]>> = {
  active: "active",
  pending: "waiting",
  scheduled: "waiting",
  aggregating: "waiting",
  retry: "failed",
  archived: "archived",
  completed: "processed",
};

/** What an entry has enqueued, and what became of it: reads each task once, a few at a time. */
export async function eventsOf(
  inspector: Pick<Inspector, "getTaskInfo" | "schedulerEvents">,
  { id, queue }: SchedulerEntryInfo,
  page: { readonly page?: number | undefined; readonly pageSize?: number | undefined },
): Promise<SchedulerEvent[]> {
  const outcomeOf = async (taskId: string): Promise<SchedulerEvent["outcome"]> => {
    if (queue === undefined) return "gone";
    try {
      return OUTCOMES[(await inspector.getTaskInfo({ queue, id: taskId })).state];
    } catch (error) {
      if (error instanceof TaskNotFoundError) return "gone";
      throw error;
    }
  };
  const listed = await inspector.schedulerEvents(id, page);
  const events: SchedulerEvent[] = [];
  for (let at = 0; at < listed.length; at += SIDE_BY_SIDE) {
    const some = listed.slice(at, at + SIDE_BY_SIDE).map(async ({ taskId, enqueuedAt }) => {
      return { taskId, enqueuedAt: enqueuedAt.getTime(), outcome: await outcomeOf(taskId) };
    });
    events.push(...(await Promise.all(some)));
  }
  return events;
}
