import {
  loadDriver,
  type SqliteDatabase,
  type SqliteDriver,
  type SqliteStatement,
} from "../../../src/engine/sqlite/driver.ts";

export interface ObservedDriver {
  readonly loadDriver: () => Promise<SqliteDriver>;
  /** How often that statement was run. */
  runs(sql: string): number;
  /** Runs `fault` after that statement, the next time it is run; what it throws, the statement throws. */
  after(sql: string, fault: () => void): void;
  /** Does something on every connection that was opened through it. */
  exec(sql: string): void;
  /** What each of those connections answers to a statement. */
  ask(sql: string): unknown[];
}

/** The real driver, watched: what is run through it, and what is to go wrong. */
export function observedDriver(): ObservedDriver {
  const counts = new Map<string, number>();
  const faults = new Map<string, () => void>();
  const connections: SqliteDatabase[] = [];

  function observed(sql: string, statement: SqliteStatement): SqliteStatement {
    const seen = <T>(answer: T): T => {
      counts.set(sql, (counts.get(sql) ?? 0) + 1);
      const fault = faults.get(sql);
      faults.delete(sql);
      fault?.();
      return answer;
    };
    return {
      run: (...values) => seen(statement.run(...values)),
      get: (...values) => seen(statement.get(...values)),
      all: (...values) => seen(statement.all(...values)),
    };
  }

  return {
    runs: (sql) => counts.get(sql) ?? 0,
    after: (sql, fault) => faults.set(sql, fault),
    exec: (sql) => {
      for (const connection of connections) connection.exec(sql);
    },
    ask: (sql) => connections.map((connection) => ({ ...(connection.prepare(sql).get() as object) })),
    loadDriver: async () => {
      const { DatabaseSync } = await loadDriver();
      class Observed extends DatabaseSync {
        constructor(file: string) {
          super(file);
          connections.push(this);
        }

        override prepare(sql: string): SqliteStatement {
          return observed(sql, super.prepare(sql));
        }
      }
      return { DatabaseSync: Observed };
    },
  };
}

/** An error as SQLite's drivers throw it. */
export function sqliteFailure(errcode: number, message: string): Error {
  return Object.assign(new Error(message), { code: "ERR_SQLITE_ERROR", errcode });
}
