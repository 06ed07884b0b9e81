import {
  EngineUnavailableError,
  SqliteCorruptError,
  SqliteError,
  SqliteFileGoneError,
  SqliteForeignFileError,
  SqliteFullError,
  SqliteReadOnlyError,
  SqliteSchemaNewerError,
} from "../../errors.ts";

/** SQLite's result codes that concern us; the primary code is the lowest byte. */
const ERROR = 1;
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const READONLY_DBMOVED = 1_032;
const IOERR = 10;
const IOERR_SHMSIZE = 4_874;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;

/** The result code that an error carries; `undefined`: it is none of SQLite's. */
function resultCode(error: unknown): number | undefined {
  const { code, errcode } = (error ?? {}) as { code?: unknown; errcode?: unknown };
  return code === "ERR_SQLITE_ERROR" && typeof errcode === "number" ? errcode : undefined;
}

function primaryCode(error: unknown): number | undefined {
  const code = resultCode(error);
  return code === undefined ? undefined : code & 0xff;
}

/** Somebody else is writing: worth waiting for. */
export function isBusy(error: unknown): boolean {
  const code = primaryCode(error);
  return code === BUSY || code === LOCKED;
}

/** There was no transaction to end; the code stands for mistakes in a statement as well, of which that one has none. */
export function isNoTransaction(error: unknown): boolean {
  return resultCode(error) === ERROR;
}

/** The connection is of no more use; a new one may be. */
export function isBroken(error: unknown): boolean {
  if (error instanceof SqliteFileGoneError || error instanceof SqliteSchemaNewerError) return true;
  if (error instanceof SqliteError && error.inDoubt) return true;
  const code = primaryCode(error);
  return code === IOERR || code === CORRUPT || code === NOTADB || code === CANTOPEN;
}

/** A commit that failed like this may have reached the disk all the same. */
export function leavesDoubt(error: unknown): boolean {
  return primaryCode(error) === IOERR;
}

/** The typed error for one of SQLite's; every other error is answered as it is. */
export function typedError(error: unknown, file: string): Error {
  const code = resultCode(error);
  const text = error instanceof Error ? error.message : String(error);
  if (code === undefined) return error instanceof Error ? error : new Error(text);
  const options = { cause: error };
  if (code === READONLY_DBMOVED) {
    return new SqliteFileGoneError(file, "was moved or deleted while it was used", options);
  }
  // Memory that is shared through a file, for which there is no space.
  if (code === IOERR_SHMSIZE) return new SqliteFullError(file, `the disk is full (${text})`, options);
  switch (code & 0xff) {
    case BUSY:
    case LOCKED:
      return new EngineUnavailableError(`${file}: another process keeps it locked`, options);
    case CANTOPEN:
      return new EngineUnavailableError(`${file}: cannot be opened now (${text})`, options);
    case READONLY:
      return new SqliteReadOnlyError(file, `cannot be written (${text})`, options);
    case FULL:
      return new SqliteFullError(file, `the disk is full (${text})`, options);
    case NOTADB:
      return new SqliteForeignFileError(file, `is not a SQLite database (${text})`, options);
    case CORRUPT:
      return new SqliteCorruptError(file, `is damaged (${text})`, options);
    default:
      return new SqliteError(file, `${text} (SQLite's code ${code})`, options);
  }
}
