import type { TaskState } from "../../broker/inspection.ts";

/** "TnQ1": marks our files among all SQLite files. */
export const APPLICATION_ID = 0x546e5131;

/**
 * States as they are stored. A member of an aggregation set is `PICKED`, and aggregating to all who ask.
 *
 * Numbers that take one byte each (0 and 1 take none): where the columns before a message keep their lengths, SQLite
 * rewrites a large message's row without touching the message.
 */
export const STATE: Readonly<Record<TaskState, number>> = {
  pending: 2,
  active: 3,
  scheduled: 4,
  retry: 5,
  archived: 6,
  completed: 7,
  aggregating: 8,
};
export const PICKED = 9;

const NAMES = new Map<number, TaskState>([
  ...Object.entries(STATE).map(([name, code]) => [code, name as TaskState] as const),
  [PICKED, "aggregating"],
]);

export function stateOf(code: number): TaskState {
  const state = NAMES.get(code);
  if (state === undefined) throw new RangeError(`a task is in the unknown state ${code}`);
  return state;
}

/**
 * The steps from an empty file to the schema of today; `user_version` counts those that were taken. A step that has been
 * released never changes. All instants are Unix milliseconds.
 *
 * - `tasks.score` orders the tasks of one state: the turn of a pending task; when a scheduled or retrying one falls due,
 *   a completed one is to be deleted, the lease of an active one ends; when an archived or aggregating one became that.
 * - `tasks.attempt` tells one attempt from every other.
 * - `tasks.message` and `servers.info`, `workers.info` are encoded as in Redis, so that moving there is a copy.
 * - `tasks.locked_until`: the task holds the lock of its `unique_key` until then; 0: it holds none.
 * - `tasks.log`: its failed attempts, as `protocol/attempt-log.ts` has them.
 * - No index is for `state =` or `locked_until >` something: SQLite would prepare every statement that compares the two
 *   with a parameter anew each time, since the parameter decides whether the index can be used.
 * - `marks`: what limits and semaphores count, `engine/embedded/marks.ts`.
 * - `rollups`: what servers have measured in five minutes from `at` on, `protocol/rollup.ts`.
 * - `ticks`, `scheduler_entries`, `schedule_events` and `schedules` are what schedulers share: the last tick of an entry, what
 *   live schedulers have to do, what they did, and what is stored; `schedules.definition` is absent where an entry is only
 *   paused.
 * - `cancelations.number` is never used twice, so that a reader knows what it has not read.
 */
export const MIGRATIONS: readonly string[] = [
  `
  PRAGMA application_id = ${APPLICATION_ID};

  CREATE TABLE tasks (
    key INTEGER PRIMARY KEY,
    queue TEXT NOT NULL,
    id TEXT NOT NULL,
    state INTEGER NOT NULL,
    score INTEGER NOT NULL,
    pending_since INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    locked_until INTEGER NOT NULL,
    group_key TEXT NOT NULL,
    unique_key TEXT NOT NULL,
    aggregation_set TEXT,
    message BLOB NOT NULL,
    result BLOB
  ) STRICT;
  CREATE UNIQUE INDEX task_by_id ON tasks (queue, id);
  CREATE INDEX task_by_state ON tasks (queue, state, score);
  CREATE INDEX task_by_lock ON tasks (queue, unique_key, locked_until) WHERE locked_until <> 0;
  CREATE INDEX task_by_group ON tasks (queue, group_key, state, score) WHERE group_key <> '';
  CREATE INDEX task_by_set ON tasks (queue, aggregation_set) WHERE aggregation_set IS NOT NULL;

  CREATE TABLE aggregation_sets (
    queue TEXT NOT NULL,
    id TEXT NOT NULL,
    deadline INTEGER NOT NULL,
    PRIMARY KEY (queue, id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE queues (
    name TEXT PRIMARY KEY,
    registered INTEGER NOT NULL,
    paused INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE counts (
    queue TEXT NOT NULL,
    day INTEGER NOT NULL,
    processed INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    PRIMARY KEY (queue, day)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE servers (
    name TEXT PRIMARY KEY,
    info BLOB NOT NULL,
    expires_at INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE workers (
    server TEXT NOT NULL,
    info BLOB NOT NULL
  ) STRICT;
  CREATE INDEX worker_by_server ON workers (server);

  CREATE TABLE cancelations (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id TEXT NOT NULL,
    at INTEGER NOT NULL
  ) STRICT;
  `,
  `
  CREATE TABLE ticks (
    queue TEXT NOT NULL,
    entry TEXT NOT NULL,
    at INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    claim_until INTEGER NOT NULL,
    digest TEXT NOT NULL,
    task_id TEXT NOT NULL,
    forget_at INTEGER NOT NULL,
    PRIMARY KEY (queue, entry)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX tick_by_end ON ticks (forget_at);

  CREATE TABLE scheduler_entries (
    scheduler TEXT NOT NULL,
    position INTEGER NOT NULL,
    entry BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (scheduler, position)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX scheduler_entry_by_end ON scheduler_entries (expires_at);

  CREATE TABLE schedule_events (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    entry TEXT NOT NULL,
    at INTEGER NOT NULL,
    event BLOB NOT NULL
  ) STRICT;
  CREATE INDEX schedule_event_by_entry ON schedule_events (entry, key);
  CREATE INDEX schedule_event_by_age ON schedule_events (at);

  CREATE TABLE schedules (
    id TEXT PRIMARY KEY,
    definition TEXT,
    paused INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE schedules_version (
    only_row INTEGER PRIMARY KEY,
    version INTEGER NOT NULL
  ) STRICT;
  INSERT INTO schedules_version VALUES (1, 0);
  `,
  `
  CREATE TABLE marks (
    place TEXT NOT NULL,
    name TEXT NOT NULL,
    id TEXT NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (place, name, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX mark_by_name ON marks (place, name, value, id);
  CREATE INDEX mark_by_value ON marks (place, value);
  `,
  `
  ALTER TABLE tasks ADD COLUMN log TEXT;
  `,
  `
  CREATE TABLE rollups (
    queue TEXT NOT NULL,
    at INTEGER NOT NULL,
    type TEXT NOT NULL,
    measured TEXT NOT NULL,
    PRIMARY KEY (queue, at, type)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX rollup_by_age ON rollups (at);
  `,
];
