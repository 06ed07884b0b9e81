import { EdgeRuntimeError, SqliteDriverMissingError } from "../../errors.ts";

/** What a value in SQLite is to us. Integers stay below 2^53. */
export type SqlValue = string | number | Uint8Array | null;

/** All we need of a prepared statement. Rows are objects without a prototype. */
export interface SqliteStatement {
  run(...values: SqlValue[]): { readonly lastInsertRowid: number | bigint };
  get(...values: SqlValue[]): unknown;
  all(...values: SqlValue[]): unknown[];
}

/** All we need of `DatabaseSync`, which `node:sqlite` and `@photostructure/sqlite` both have. */
export interface SqliteDatabase {
  exec(sql: string): void;
  prepare(sql: string): SqliteStatement;
  close(): void;
  /** Absent before Node 22.16. */
  readonly isTransaction?: boolean;
}

export interface SqliteDriver {
  readonly DatabaseSync: new (file: string) => SqliteDatabase;
}

/** As much of the global scope as tells what SQLite there is in it. */
export interface Scope {
  readonly process?: {
    readonly versions?: { readonly node?: string };
    getBuiltinModule?(name: string): unknown;
  };
}

/**
 * The SQLite that Node brings (from 22.13 on), else the package that brings the same one to older versions.
 *
 * @throws SqliteDriverMissingError there is neither.
 * @throws EdgeRuntimeError there are no files here.
 */
export async function loadDriver(
  scope: Scope = globalThis as Scope,
  load: (specifier: string) => Promise<unknown> = (specifier) => import(specifier),
): Promise<SqliteDriver> {
  if (typeof scope.process?.versions?.node !== "string") {
    throw new EdgeRuntimeError("SQLite needs files, which this runtime does not have; use Node.js");
  }
  const builtIn = scope.process.getBuiltinModule?.("node:sqlite");
  if (isDriver(builtIn)) return builtIn;
  // Computed, so that bundlers of code that never opens SQLite leave the package out.
  const specifier = ["@photostructure", "sqlite"].join("/");
  try {
    const loaded = await load(specifier);
    if (isDriver(loaded)) return loaded;
  } catch (error) {
    throw new SqliteDriverMissingError({ cause: error });
  }
  throw new SqliteDriverMissingError();
}

function isDriver(module: unknown): module is SqliteDriver {
  return typeof (module as Partial<SqliteDriver> | undefined)?.DatabaseSync === "function";
}
