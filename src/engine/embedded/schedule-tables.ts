import type { StoredSchedules } from "../../broker/schedule-store.ts";
import type { SchedulerEnqueueEvent, SchedulerEntry } from "../../protocol/scheduler-entry.ts";

/** What an embedded engine keeps for schedulers. Instants are milliseconds, and handed in. */
export interface ScheduleTables {
  lastTick(queue: string, entryId: string, now: number): LastTick | undefined;
  /** Remembers a tick until `forgetAt`, and forgets those whose time has come. */
  writeTick(queue: string, entryId: string, tick: LastTick, forgetAt: number, now: number): void;
  /** Forgets every tick of a queue. */
  clearTicks(queue: string): void;

  /** Shows the entries of a scheduler, and forgets those of schedulers that have not shown themselves in time. */
  writeEntries(schedulerId: string, entries: readonly SchedulerEntry[], expiresAt: number, now: number): void;
  clearEntries(schedulerId: string): void;
  listEntries(now: number): SchedulerEntry[];

  /** Adds an event, and forgets the entry's beyond the newest `most`, and all that are older than `oldest`. */
  recordEvent(entryId: string, event: SchedulerEnqueueEvent, most: number, oldest: number): void;
  /** The newest first. */
  listEvents(entryId: string, from: number, count: number): SchedulerEnqueueEvent[];

  storedSchedules(): StoredSchedules;
  /** Stores a definition, or removes it; false: it was so already. */
  setDefinition(id: string, definition: string | undefined): boolean;
  /** False: it was so already. */
  setPaused(id: string, paused: boolean): boolean;
}

export interface LastTick {
  readonly at: number;
  readonly startedAt: number;
  readonly claimUntil: number;
  readonly digest: string;
  readonly taskId: string;
}
