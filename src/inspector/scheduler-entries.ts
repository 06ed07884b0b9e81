import type { ScheduleStore } from "../broker/schedule-store.ts";
import { DecodeError } from "../errors.ts";
import { decodePayload } from "../payload.ts";
import type { SchedulerEnqueueEvent, SchedulerEntry } from "../protocol/scheduler-entry.ts";
import { decodeStoredSchedule } from "../protocol/stored-schedule.ts";
import { timestampMs } from "../protocol/timestamp.ts";
import type { TaskOptions } from "../task-options.ts";

/** A periodic task: of a scheduler that is alive, ours or Go's, or stored in the engine. */
export interface SchedulerEntryInfo {
  readonly id: string;
  /** With its time zone as `CRON_TZ=`, unless that is UTC. */
  readonly spec: string;
  readonly type: string;
  /** Read as JSON; `undefined` where it is none. A scheduler may have cut a large one short. */
  readonly payload: unknown;
  readonly payloadBytes: Uint8Array;
  /** In asynq's notation, as in `Queue("low")`. Empty of an entry that no scheduler sees to. */
  readonly options: readonly string[];
  /** When it is due next; `undefined`: never, or no scheduler sees to it. */
  readonly next: Date | undefined;
  /** When it was due last; `undefined`: nobody remembers. */
  readonly previous: Date | undefined;
  /** It is kept in the engine, for all schedulers. */
  readonly stored: boolean;
  readonly paused: boolean;
  /** Schedulers that see to it. 0: it is stored, and nobody runs. */
  readonly schedulers: number;
  /** Where its tasks go; `undefined`: not known. */
  readonly queue: string | undefined;
  /** Of a stored entry: as it was put. Schedulers see to what has changed with their next look. */
  readonly definition: StoredEntryInfo | undefined;
}

/** A periodic task as the engine keeps it. */
export interface StoredEntryInfo {
  readonly spec: string;
  readonly type: string;
  /** `undefined`: the task has none. */
  readonly payloadBytes: Uint8Array | undefined;
  /** As plain values. */
  readonly options: TaskOptions;
  /** What becomes of missed ticks, as `Scheduler.put` was told. */
  readonly missed: unknown;
  readonly storedAt: Date;
}

/** A task that a scheduler enqueued. */
export interface SchedulerEvent {
  readonly taskId: string;
  readonly enqueuedAt: Date;
}

/** What live schedulers have to do, each entry once, and what is stored beside that; by type, then id. */
export async function schedulerEntries(store: ScheduleStore): Promise<SchedulerEntryInfo[]> {
  const [listed, kept] = await Promise.all([store.listEntries(), store.storedSchedules()]);
  const stored = new Map(kept?.entries.map(({ id, definition }) => [id, storedEntry(definition)]));
  const isPaused = (id: string) => kept?.paused.has(id) ?? false;

  const alive = new Map<string, SchedulerEntry[]>();
  for (const entry of listed) alive.set(entry.id, [...(alive.get(entry.id) ?? []), entry]);
  const infos = [...alive].map(([id, entries]) =>
    infoOf(entries, stored.has(id), stored.get(id), isPaused(id)),
  );
  for (const [id, definition] of stored) {
    if (definition !== undefined && !alive.has(id)) infos.push(infoOfStored(id, definition, isPaused(id)));
  }
  return infos.sort((a, b) => compare(a.type, b.type) || compare(a.id, b.id));
}

export function schedulerEvent({ taskId, enqueueTime }: SchedulerEnqueueEvent): SchedulerEvent {
  return { taskId, enqueuedAt: new Date(timestampMs(enqueueTime) ?? 0) };
}

function infoOf(
  entries: readonly SchedulerEntry[],
  stored: boolean,
  definition: StoredEntryInfo | undefined,
  paused: boolean,
): SchedulerEntryInfo {
  const [first] = entries as [SchedulerEntry, ...SchedulerEntry[]];
  const next = entries
    .map(({ nextEnqueueTime }) => timestampMs(nextEnqueueTime))
    .filter((at) => at !== undefined);
  const previous = entries
    .map(({ prevEnqueueTime }) => timestampMs(prevEnqueueTime))
    .filter((at) => at !== undefined);
  return {
    id: first.id,
    spec: first.spec,
    type: first.taskType,
    payload: readable(first.taskPayload, first.taskType),
    payloadBytes: first.taskPayload,
    options: first.enqueueOptions,
    next: next.length === 0 ? undefined : new Date(Math.min(...next)),
    previous: previous.length === 0 ? undefined : new Date(Math.max(...previous)),
    stored,
    paused,
    schedulers: entries.length,
    queue: queueIn(first.enqueueOptions),
    definition,
  };
}

/** `undefined`: it cannot be understood; a newer version may have stored it. */
function storedEntry(text: string): StoredEntryInfo | undefined {
  try {
    const { spec, type, payload, options, missed, since } = decodeStoredSchedule(text);
    return {
      spec,
      type,
      payloadBytes: payload,
      options,
      missed,
      storedAt: new Date(since),
    };
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

function infoOfStored(id: string, definition: StoredEntryInfo, paused: boolean): SchedulerEntryInfo {
  const { spec, type, payloadBytes = new Uint8Array(0), options } = definition;
  return {
    id,
    spec,
    type,
    payload: readable(payloadBytes, type),
    payloadBytes,
    options: [],
    next: undefined,
    previous: undefined,
    stored: true,
    paused,
    schedulers: 0,
    queue: options.queue ?? "default",
    definition,
  };
}

/** Of options in asynq's notation, which leaves out the default. */
function queueIn(options: readonly string[]): string | undefined {
  const text = options.map((option) => /^Queue\((".*")\)$/s.exec(option)?.[1]).find((found) => found);
  if (text === undefined) return "default";
  try {
    return String(JSON.parse(text));
  } catch {
    // Go quotes some characters as JSON does not.
    return undefined;
  }
}

/** Shown to people: what is no JSON, or was cut short, is shown by its bytes. */
function readable(bytes: Uint8Array, type: string): unknown {
  if (bytes.length === 0) return undefined;
  try {
    return decodePayload(bytes, type);
  } catch {
    return undefined;
  }
}

function compare(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
