import type { Content, WrittenContent } from "./content.ts";
import type { EnqueueOptions } from "./enqueue.ts";
import type { TaskDetail } from "./tasks.ts";
import type { Instant } from "./words.ts";

export interface SchedulerList {
  now: Instant;
  entries: SchedulerEntry[];
}

export interface SchedulerEntry {
  id: string;
  /** As it is stored: five fields, `@every 1h`, `CRON_TZ=Europe/Rome 0 6 * * *`. */
  spec: string;
  type: string;
  /** `null`: not known, as of an entry that no scheduler sees to. */
  queue: string | null;
  /** In asynq's words: `Queue("low")`, `MaxRetry(3)`. */
  options: string[];
  payload: Content;
  /** When it is due, as its schedulers have it; `null`: never, or none sees to it. */
  next: Instant | null;
  previous: Instant | null;
  /** It is kept in the engine, for all schedulers; others vanish with their last scheduler. */
  stored: boolean;
  paused: boolean;
  /** Schedulers that see to it; 0: it is stored, and nobody runs. */
  schedulers: number;
  /** `every hour`, `at 06:00 in Europe/Rome`; `null`: it takes more than a few words. */
  words: string | null;
  /**
   * Up to ten times at which it is due from now on, were it not paused, and did schedulers run. Fewer, where that is all
   * there are, or all that is known: a Go scheduler does not tell its location. `[]`: never.
   */
  nextRuns: Instant[];
  /** Of a stored entry: what would store it as it is. `null` of others, and for those who may not see all of it. */
  definition: SchedulerDefinition | null;
}

/** A periodic task, to be stored in the engine. */
export interface SchedulerDefinition {
  spec: string;
  /** Of a spec that names none, as `Europe/Rome`. Left out: UTC. */
  timezone?: string;
  type: string;
  payload: WrittenContent;
  /** Without `processAt`. */
  options?: EnqueueOptions;
  /** Ticks that nobody enqueued in time: of none, of the last one, or of up to `backfill` a task is enqueued later. Left out: `skip`. */
  missed?: "skip" | "run-once" | Backfill;
}

export interface Backfill {
  /**
   * @minimum 1
   * @maximum 1000
   */
  backfill: number;
}

export interface NewSchedulerEntry extends SchedulerDefinition {
  /** Left out: a new one. */
  id?: string;
}

/** What a spec means, for the form that has it. */
export interface SpecMeaning {
  now: Instant;
  /** As it would be stored. */
  spec: string;
  words: string | null;
  nextRuns: Instant[];
}

export interface SchedulerEventList {
  events: SchedulerEvent[];
}

export interface SchedulerEvent {
  taskId: string;
  enqueuedAt: Instant;
  /**
   * What became of its task, looked for in the queue that the entry has now. `failed`: it is tried again. `archived`: it
   * is not, by its failures or by an operator. `waiting`: it has yet to run. `gone`: it has succeeded and was not kept, or
   * was deleted; which of them nobody knows.
   */
  outcome: "processed" | "failed" | "archived" | "active" | "waiting" | "gone";
}

export interface SpecQuery {
  spec: string;
  timezone?: string;
}

export interface EventsQuery {
  /**
   * @minimum 1
   * @default 1
   */
  page?: number;
  /**
   * @minimum 1
   * @maximum 100
   * @default 20
   */
  page_size?: number;
}

export interface SchedulerRoutes {
  /** Periodic tasks. */
  "GET /api/schedulers": { answer: SchedulerList };
  /** Stores a periodic task in the engine. */
  "POST /api/schedulers": { body: NewSchedulerEntry; answer: SchedulerEntry };
  /** Replaces a stored periodic task. */
  "POST /api/schedulers/{id}": { body: SchedulerDefinition; answer: SchedulerEntry };
  /** Removes a stored periodic task. */
  "DELETE /api/schedulers/{id}": { answer: null };
  /** What a spec means; refused (`CRON_SPEC_INVALID`, with `position`) when it cannot be understood. */
  "GET /api/spec": { query: SpecQuery; answer: SpecMeaning };
  /** What an entry has enqueued, newest first. */
  "GET /api/schedulers/{id}/events": { query: EventsQuery; answer: SchedulerEventList };
  /** Enqueues the task of a stored entry now: the options of others are known to their program alone (`NOT_STORED`). */
  "POST /api/schedulers/{id}/run": { answer: TaskDetail };
  /** Its task is enqueued no more, until it is unpaused. */
  "POST /api/schedulers/{id}/pause": { answer: null };
  /** Its task is enqueued again. */
  "POST /api/schedulers/{id}/unpause": { answer: null };
}
