import { SqliteForeignFileError, SqliteSchemaNewerError } from "../../errors.ts";
import type { SqliteDatabase } from "./driver.ts";
import { APPLICATION_ID, MIGRATIONS } from "./schema.ts";

/**
 * Looks whether the database is one that we can use, before anything is written to it.
 *
 * @returns true: there is nothing in it yet
 * @throws SqliteForeignFileError it is another program's.
 * @throws SqliteSchemaNewerError it has taken steps that nobody here knows.
 */
export function requireOurs(database: SqliteDatabase, file: string): boolean {
  const { tables } = database.prepare("SELECT count(*) AS tables FROM sqlite_schema").get() as {
    tables: number;
  };
  if (tables === 0) return true;
  if (pragma(database, "application_id") !== APPLICATION_ID) {
    throw new SqliteForeignFileError(file, "is the database of another program");
  }
  version(database, file, MIGRATIONS);
  return false;
}

/**
 * Takes the steps that the file has not taken yet, all or none of them. Two processes may try at once: the second finds
 * nothing left to do.
 *
 * @throws SqliteSchemaNewerError it has taken steps that nobody here knows.
 */
export function migrate(database: SqliteDatabase, file: string, steps: readonly string[] = MIGRATIONS): void {
  if (version(database, file, steps) === steps.length) return;
  database.exec("BEGIN IMMEDIATE");
  try {
    const taken = version(database, file, steps);
    for (const step of steps.slice(taken)) database.exec(step);
    database.exec(`PRAGMA user_version = ${steps.length}`);
    database.exec("COMMIT");
  } catch (error) {
    if (database.isTransaction !== false) database.exec("ROLLBACK");
    throw error;
  }
}

function version(database: SqliteDatabase, file: string, steps: readonly string[]): number {
  const taken = pragma(database, "user_version");
  if (taken > steps.length) throw new SqliteSchemaNewerError(file, taken, steps.length);
  return taken;
}

function pragma(database: SqliteDatabase, name: "application_id" | "user_version"): number {
  return (database.prepare(`PRAGMA ${name}`).get() as Record<string, number>)[name] as number;
}
