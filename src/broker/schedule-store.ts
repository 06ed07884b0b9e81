import type { SchedulerEnqueueEvent, SchedulerEntry } from "../protocol/scheduler-entry.ts";
import type { EnqueueAnswer, EnqueueEntry } from "./enqueue-entry.ts";
import type { Page } from "./inspection.ts";

/**
 * What schedulers share: which tick of an entry was enqueued last, what they have to do, and what they did. Instants are
 * milliseconds of the engine's clock. Every call may be repeated.
 */
export interface ScheduleStore {
  /**
   * What may count as due: the engine's time, or our own where that is earlier. `undefined`: the two differ so much that
   * the work is left to other schedulers for now.
   */
  tickTime(): number | undefined;

  /**
   * Enqueues the task of one tick unless that tick, or a later one, was enqueued before: decided and done in one step,
   * so that one scheduler of many does it.
   */
  enqueueTick(tick: Tick): Promise<TickAnswer>;

  /** The last tick that was enqueued, as long as that is remembered. */
  lastTick(queue: string, entryId: string): Promise<number | undefined>;

  /** Shows what a scheduler has to do, for `ttl` milliseconds. `schedulerId` is `host:pid:<uuid>`. */
  writeEntries(schedulerId: string, entries: readonly SchedulerEntry[], ttl: number): Promise<void>;
  clearEntries(schedulerId: string): Promise<void>;
  /** The entries of all schedulers that are alive, Go's too. An entry that several have comes several times. */
  listEntries(): Promise<SchedulerEntry[]>;

  /** Adds to the history of an entry, which keeps the last 1,000 events, for 90 days. */
  recordEvent(entryId: string, event: SchedulerEnqueueEvent): Promise<void>;
  /** A page of the history, the newest first. `page` counts from 0. */
  listEvents(entryId: string, page: Page): Promise<SchedulerEnqueueEvent[]>;

  /** The entries that are stored, and which of all are paused; `undefined`: nothing has changed since `version`. */
  storedSchedules(version?: number): Promise<StoredSchedules | undefined>;
  /** Stores an entry, or replaces it. */
  putEntry(entry: StoredEntry): Promise<void>;
  /** False: there was none of that id. It is not paused any more, should there be one again. */
  removeEntry(id: string): Promise<boolean>;
  /** False: it was so already. Any entry may be paused, stored or not. */
  setPaused(id: string, paused: boolean): Promise<boolean>;
}

/** One turn of an entry. */
export interface Tick {
  readonly entryId: string;
  /** When it is due: a whole second. */
  readonly at: number;
  readonly task: EnqueueEntry;
  /**
   * How long a tick is remembered, in milliseconds. One that is older than half of that is refused, since it may be
   * forgotten that it was enqueued.
   */
  readonly memory: number;
  /** When the scheduler that asks was started: of two that mean different things by one id, the newer is right. */
  readonly startedAt: number;
  /** What the entry is, as a number of hexadecimal digits: equal for equal ones. */
  readonly digest: string;
  /** Until when older schedulers that mean something else are refused: a little after the next tick. */
  readonly claimUntil: number;
}

export type TickAnswer =
  /** The tick is used up. Whether its task was stored is another matter: `conflict` and `duplicate` use it up as well. */
  | { readonly status: "used"; readonly enqueued: Exclude<EnqueueAnswer, { status: "failed" }> }
  /** This tick or a later one was enqueued before, for this task id. */
  | { readonly status: "taken"; readonly taskId: string }
  /** A newer scheduler means something else by this id. */
  | { readonly status: "superseded" }
  /** Its time has not come, by the engine's clock. */
  | { readonly status: "early" }
  /** It is older than what is remembered. */
  | { readonly status: "late" };

/** An entry that lives in the store, not in a program. */
export interface StoredEntry {
  readonly id: string;
  /** `protocol/stored-schedule.ts` reads and writes it. */
  readonly definition: string;
}

export interface StoredSchedules {
  /** Changes with every change. */
  readonly version: number;
  readonly entries: readonly StoredEntry[];
  readonly paused: ReadonlySet<string>;
}
