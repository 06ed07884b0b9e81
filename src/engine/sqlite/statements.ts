import type { SqliteDatabase, SqliteStatement } from "./driver.ts";
import { SCHEDULE_SQL } from "./schedule-statements.ts";
import { PICKED, STATE } from "./schema.ts";

/** All of a task but its message and result, which may be large. */
const HEAD = "key, id, state, score, pending_since, attempt, group_key, unique_key";
const AGGREGATING = STATE.aggregating;
const IN_STATE = "FROM tasks WHERE queue = ?1 AND state = ?2 ORDER BY score";
/** As a bare parameter, a limit would have the statement prepared anew each time: it counts in SQLite's plans. */
const PAGE = "LIMIT ?3 + 0 OFFSET ?4 + 0";

/** Every statement that the engine runs again and again. A test holds each to an index. */
export const SQL = {
  beginRead: "BEGIN",
  beginWrite: "BEGIN IMMEDIATE",
  commit: "COMMIT",
  rollback: "ROLLBACK",
  setPoint: "SAVEPOINT piece",
  releasePoint: "RELEASE piece",
  returnToPoint: "ROLLBACK TO piece",
  schemaVersion: "PRAGMA user_version",
  /** Changes when another connection has written. */
  dataVersion: "PRAGMA data_version",
  totalChanges: "SELECT total_changes() AS changes",
  pages: "PRAGMA page_count",
  freePages: "PRAGMA freelist_count",
  shorten: "PRAGMA incremental_vacuum(1000)",

  find: `SELECT ${HEAD} FROM tasks WHERE queue = ? AND id = ?`,
  slice: `SELECT ${HEAD} ${IN_STATE}, key ${PAGE}`,
  sliceWithMessages: `SELECT ${HEAD}, message ${IN_STATE}, key ${PAGE}`,
  sliceGroup: `SELECT ${HEAD} FROM tasks WHERE queue = ?1 AND group_key = ?2 AND group_key <> ''
    AND state = ${AGGREGATING} ORDER BY score, key ${PAGE}`,
  last: `SELECT ${HEAD} ${IN_STATE} DESC, key DESC LIMIT 1`,
  ends: `SELECT (SELECT min(score) FROM tasks WHERE queue = ?1 AND state = ?2) AS first,
    (SELECT max(score) FROM tasks WHERE queue = ?1 AND state = ?2) AS last`,
  has: "SELECT EXISTS (SELECT 1 FROM tasks WHERE queue = ? AND state = ?) AS has",
  size: "SELECT count(*) AS size FROM tasks WHERE queue = ? AND state = ?",
  sizes: "SELECT state, count(*) AS size FROM tasks WHERE queue = ? GROUP BY state",
  groups: `SELECT count(DISTINCT group_key) AS size FROM tasks WHERE queue = ? AND group_key <> ''
    AND state = ${AGGREGATING}`,
  scan: `SELECT ${HEAD}, message FROM tasks WHERE queue = ?1 AND state = ?2 AND (score, key) > (?3, ?4)
    ORDER BY score, key LIMIT ?5 + 0`,
  message: "SELECT message FROM tasks WHERE key = ?",
  code: "SELECT state AS code FROM tasks WHERE key = ?",
  result: "SELECT result FROM tasks WHERE key = ?",
  log: "SELECT log FROM tasks WHERE key = ?",

  insert: `INSERT INTO tasks (queue, id, state, score, pending_since, attempt, locked_until, group_key, unique_key,
    message) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  move: "UPDATE tasks SET state = ?, score = ?, pending_since = ?, attempt = ? WHERE key = ?",
  moveAndRewrite: `UPDATE tasks SET state = ?, score = ?, pending_since = ?, attempt = ?, message = ?,
    result = coalesce(?, result), log = coalesce(?, log) WHERE key = ?`,
  writeResult: "UPDATE tasks SET result = ? WHERE key = ?",
  remove: "DELETE FROM tasks WHERE key = ?",
  rewrite: "UPDATE tasks SET message = ?, unique_key = ? WHERE key = ?",

  lock: `SELECT id AS holder, locked_until AS until FROM tasks WHERE queue = ? AND unique_key = ? AND locked_until <> 0
    AND locked_until > ?`,
  releaseLock: "UPDATE tasks SET locked_until = 0 WHERE key = ?",

  groupsAfter: `SELECT group_key AS "group", count(*) AS size, min(score) AS oldestAt, max(score) AS newestAt
    FROM tasks WHERE queue = ?1 AND group_key <> '' AND group_key > ?2 AND state = ${AGGREGATING}
    GROUP BY group_key ORDER BY group_key LIMIT ?3 + 0`,
  groupStatus: `SELECT count(*) AS size, min(score) AS oldestAt, max(score) AS newestAt
    FROM tasks WHERE queue = ? AND group_key = ? AND group_key <> '' AND state = ${AGGREGATING}`,
  writeSet: "INSERT INTO aggregation_sets (queue, id, deadline) VALUES (?, ?, ?)",
  enterSet: `UPDATE tasks SET state = ${PICKED}, aggregation_set = ? WHERE key = ?`,
  leaveSet: "UPDATE tasks SET aggregation_set = NULL WHERE key = ?",
  setDeadline: "SELECT deadline FROM aggregation_sets WHERE queue = ? AND id = ?",
  anySet: "SELECT 1 FROM aggregation_sets WHERE queue = ? LIMIT 1",
  setMembers: `SELECT ${HEAD} FROM tasks WHERE queue = ? AND aggregation_set = ? AND aggregation_set IS NOT NULL`,
  overdueSets: "SELECT id FROM aggregation_sets WHERE queue = ? AND deadline <= ?",
  reclaimSet: `UPDATE tasks SET state = ${AGGREGATING}, aggregation_set = NULL
    WHERE queue = ? AND aggregation_set = ? AND aggregation_set IS NOT NULL AND state = ${PICKED}`,
  removeSet: "DELETE FROM aggregation_sets WHERE queue = ? AND id = ?",

  queues: "SELECT name FROM queues WHERE registered = 1",
  queue: "SELECT registered, paused FROM queues WHERE name = ?",
  register: `INSERT INTO queues (name, registered, paused) VALUES (?, 1, 0)
    ON CONFLICT DO UPDATE SET registered = 1`,
  setPaused: `INSERT INTO queues (name, registered, paused) VALUES (?, 0, ?)
    ON CONFLICT DO UPDATE SET paused = excluded.paused`,

  count: `INSERT INTO counts (queue, day, processed, failed) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE
    SET processed = processed + excluded.processed, failed = failed + excluded.failed`,
  counted: `SELECT coalesce(sum(processed), 0) AS processedTotal, coalesce(sum(failed), 0) AS failedTotal,
    coalesce(sum(processed) FILTER (WHERE day = ?2), 0) AS processed,
    coalesce(sum(failed) FILTER (WHERE day = ?2), 0) AS failed FROM counts WHERE queue = ?1`,

  history: "SELECT day, processed, failed FROM counts WHERE queue = ? AND day > ?",

  forgetTasks: "DELETE FROM tasks WHERE queue = ?",
  forgetSets: "DELETE FROM aggregation_sets WHERE queue = ?",
  forgetCounts: "DELETE FROM counts WHERE queue = ?",
  forgetQueue: "DELETE FROM queues WHERE name = ?",

  servers: "SELECT name, info, expires_at FROM servers WHERE expires_at > ?",
  workers: "SELECT info FROM workers WHERE server = ?",
  expiredServers: "SELECT name FROM servers WHERE expires_at <= ?",
  writeServer: `INSERT INTO servers (name, info, expires_at) VALUES (?, ?, ?) ON CONFLICT DO UPDATE
    SET info = excluded.info, expires_at = excluded.expires_at`,
  removeServer: "DELETE FROM servers WHERE name = ?",
  writeWorker: "INSERT INTO workers (server, info) VALUES (?, ?)",
  removeWorkers: "DELETE FROM workers WHERE server = ?",

  mark: "SELECT value FROM marks WHERE place = ? AND name = ? AND id = ?",
  setMark: `INSERT INTO marks (place, name, id, value) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE
    SET value = excluded.value`,
  removeMark: "DELETE FROM marks WHERE place = ? AND name = ? AND id = ?",
  clearMarks: "DELETE FROM marks WHERE place = ?",
  countMarks: "SELECT count(*) AS size FROM marks WHERE place = ? AND name = ?",
  listMarks: "SELECT name, id, value FROM marks WHERE place = ? AND name = ? ORDER BY value, id LIMIT ? + 0",
  lastMark: `SELECT name, id, value FROM marks WHERE place = ? AND name = ?
    ORDER BY value DESC, id DESC LIMIT 1`,
  lowestMarks: "SELECT name, id, value FROM marks WHERE place = ? ORDER BY value LIMIT ? + 0",

  rollup: "SELECT measured FROM rollups WHERE queue = ? AND at = ? AND type = ?",
  setRollup: `INSERT INTO rollups (queue, at, type, measured) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE
    SET measured = excluded.measured`,
  rollupTypes: "SELECT count(*) AS types FROM rollups WHERE queue = ? AND at = ? AND type <> ''",
  rollups: "SELECT at, type, measured AS text FROM rollups WHERE queue = ? AND at >= ? AND at < ?",
  pruneRollups: "DELETE FROM rollups WHERE at < ?",
  clearRollups: "DELETE FROM rollups WHERE queue = ?",

  publish: "INSERT INTO cancelations (task_id, at) VALUES (?, ?)",
  forget: "DELETE FROM cancelations WHERE at <= ?",
  lastCancelation: "SELECT coalesce(max(number), 0) AS number FROM cancelations",
  cancelationsAfter: "SELECT number, task_id FROM cancelations WHERE number > ? ORDER BY number",

  ...SCHEDULE_SQL,
} as const;

export type Statements = Readonly<Record<keyof typeof SQL, SqliteStatement>>;

export function prepare(database: SqliteDatabase): Statements {
  const prepared = Object.entries(SQL).map(([name, sql]) => [name, database.prepare(sql)] as const);
  return Object.fromEntries(prepared) as Record<keyof typeof SQL, SqliteStatement>;
}
