import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { SqliteDatabase } from "../../../src/engine/sqlite/driver.ts";
import { migrate } from "../../../src/engine/sqlite/migrate.ts";
import { connect, directory } from "./sqlite-harness.ts";

const FIRST = "CREATE TABLE a (x INTEGER); INSERT INTO a VALUES (1)";
const SECOND = "ALTER TABLE a ADD COLUMN y INTEGER DEFAULT 2; CREATE TABLE b (x INTEGER)";

function opened(): SqliteDatabase {
  return connect(join(directory(), "a.db"));
}

function all(database: SqliteDatabase, sql: string): object[] {
  return database
    .prepare(sql)
    .all()
    .map((row) => ({ ...(row as object) }));
}

describe("bringing a file's schema up to date", () => {
  it("takes the steps that it lacks, and keeps what is in it", () => {
    const database = opened();
    migrate(database, "a.db", [FIRST]);
    expect(all(database, "PRAGMA user_version")).toEqual([{ user_version: 1 }]);
    migrate(database, "a.db", [FIRST, SECOND]);
    migrate(database, "a.db", [FIRST, SECOND]);
    expect(all(database, "PRAGMA user_version")).toEqual([{ user_version: 2 }]);
    expect(all(database, "SELECT * FROM a")).toEqual([{ x: 1, y: 2 }]);
    database.close();
  });

  it("takes all of them or none", () => {
    const database = opened();
    migrate(database, "a.db", [FIRST]);
    expect(() => migrate(database, "a.db", [FIRST, SECOND, "CREATE TABLE a (x INTEGER)"])).toThrow(
      "already exists",
    );
    expect(all(database, "PRAGMA user_version")).toEqual([{ user_version: 1 }]);
    expect(all(database, "SELECT * FROM a")).toEqual([{ x: 1 }]);
    expect(all(database, "SELECT name FROM sqlite_schema")).toEqual([{ name: "a" }]);
    database.close();
  });

  it("leaves a step alone that another process has taken while it waited for the lock", () => {
    const two = opened();
    two.exec("CREATE TABLE a (x INTEGER)");
    // What the first look shows is old by the time the lock is there.
    const stale: SqliteDatabase = {
      exec: (sql) => {
        if (sql === "BEGIN IMMEDIATE") two.exec("PRAGMA user_version = 1");
        two.exec(sql);
      },
      prepare: (sql) => two.prepare(sql),
      close: () => two.close(),
    };
    migrate(stale, "a.db", ["CREATE TABLE a (x INTEGER)"]);
    expect(all(two, "PRAGMA user_version")).toEqual([{ user_version: 1 }]);
    two.close();
  });

  it("refuses a file that has taken more steps than are known", () => {
    const database = opened();
    migrate(database, "a.db", [FIRST, SECOND]);
    expect(() => migrate(database, "a.db", [FIRST])).toThrow(
      "its schema has version 2, this titanqueue knows 1",
    );
    database.close();
  });
});
