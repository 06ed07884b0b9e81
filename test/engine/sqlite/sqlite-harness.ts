import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect } from "vitest";
import { loadDriver, type SqliteDatabase } from "../../../src/engine/sqlite/driver.ts";
import { STATE } from "../../../src/engine/sqlite/schema.ts";
import { createSqliteEngine, type SqliteEngineOptions } from "../../../src/engine/sqlite/sqlite-engine.ts";
import { silentLogger } from "../../../src/runtime/logger.ts";
import type { EngineHarness } from "../../contract/harness.ts";
import { type FakeClock, fakeRuntime } from "../../support/fake-runtime.ts";

const { DatabaseSync } = await loadDriver();

export interface SqliteHarness extends EngineHarness {
  readonly clock: FakeClock;
  readonly file: string;
  /** A connection of the test's own. */
  readonly database: SqliteDatabase;
  /** Makes the wall clock jump. */
  setWall(ms: number): void;
}

/** Not a whole second, so that rounding shows. */
const START = Date.UTC(2024, 1, 29, 12, 34, 56, 789);

/** A directory that goes with the test. */
export function directory(): string {
  const path = mkdtempSync(join(tmpdir(), "titanqueue-"));
  directories.push(path);
  return path;
}

const directories: string[] = [];
afterEach(() => {
  for (const path of directories.splice(0)) rmSync(path, { recursive: true, force: true });
});

/** Another connection to the file, which waits for whoever is writing. */
export function connect(file: string): SqliteDatabase {
  const database = new DatabaseSync(file);
  database.exec("PRAGMA busy_timeout = 5000");
  return database;
}

export async function openSqlite(options: SqliteEngineOptions = {}): Promise<SqliteHarness> {
  const runtime = fakeRuntime({ now: START });
  const file = join(directory(), "tasks.db");
  const open = () => createSqliteEngine(file, { runtime, logger: silentLogger, ...options });
  const engine = open();
  await engine.open();
  const engines = [engine];
  const database = connect(file);
  const insert =
    database.prepare(`INSERT INTO tasks (queue, id, state, score, pending_since, attempt, locked_until,
    group_key, unique_key, message) VALUES (?, ?, ?, ?, ?, 0, 0, '', '', ?)`);
  let queues = 0;

  return {
    engine,
    broker: engine.broker,
    inspection: engine.inspection,
    clock: runtime.clock,
    file,
    database,
    setWall: (ms) => runtime.clock.setWall(ms),
    another: async () => {
      const other = open();
      await other.open();
      engines.push(other);
      return other;
    },
    inject: async (queue, id, bytes, state = "pending") => {
      const now = runtime.clock.now();
      database.prepare("INSERT INTO queues VALUES (?, 1, 0) ON CONFLICT DO NOTHING").run(queue);
      const { last } = database
        .prepare("SELECT max(score) AS last FROM tasks WHERE queue = ? AND state = ?")
        .get(queue, STATE.pending) as { last: number | null };
      const score = {
        pending: (last ?? now) + 1,
        active: now + 30_000,
        scheduled: now,
        retry: now,
        archived: now,
      };
      insert.run(queue, id, STATE[state], score[state], now, bytes);
    },
    queue: () => {
      queues += 1;
      return `queue-${queues}`;
    },
    close: async () => {
      checkInvariants(database);
      database.close();
      for (const each of engines) await each.close();
    },
  };
}

/** The file is sound, and its rows say nothing that contradicts them. */
function checkInvariants(database: SqliteDatabase): void {
  const all = (sql: string) =>
    database
      .prepare(sql)
      .all()
      .map((row) => ({ ...(row as object) }));
  expect(all("PRAGMA integrity_check")).toEqual([{ integrity_check: "ok" }]);
  expect(
    all("SELECT id FROM tasks WHERE queue NOT IN (SELECT name FROM queues WHERE registered = 1)"),
  ).toEqual([]);
  expect(all("SELECT id FROM tasks WHERE state NOT BETWEEN 2 AND 9")).toEqual([]);
  expect(all("SELECT id FROM tasks WHERE (state IN (8, 9)) AND group_key = ''")).toEqual([]);
  expect(all("SELECT id FROM tasks WHERE (state = 9) <> (aggregation_set IS NOT NULL)")).toEqual([]);
  expect(all("SELECT queue, score FROM tasks WHERE state = 2 GROUP BY 1, 2 HAVING count(*) > 1")).toEqual([]);
  expect(all("SELECT id FROM tasks WHERE locked_until > 0 AND unique_key = ''")).toEqual([]);
  expect(all("SELECT server FROM workers WHERE server NOT IN (SELECT name FROM servers)")).toEqual([]);
  expect(all("SELECT queue FROM counts WHERE failed > processed OR processed <= 0")).toEqual([]);
}
