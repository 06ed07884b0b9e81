import { accessSync, type BigIntStats, constants, realpathSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { SqliteDirectoryMissingError, SqliteForeignFileError, SqliteReadOnlyError } from "../../errors.ts";

function look(path: string): BigIntStats | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false });
}

/** Which file lies at a path; `undefined`: none. Another file there has another identity as long as the first is open. */
export function identityOf(path: string): string | undefined {
  const found = look(path);
  return found && `${found.dev}:${found.ino}`;
}

/** Bytes that every database begins with. SQLite takes a shorter file for an empty database, and would fill it. */
const BEGINNING = "SQLite format 3\0".length;

/** Bytes at a path; 0 where there is nothing. */
export function sizeOf(path: string): number {
  return Number(look(path)?.size ?? 0);
}

/**
 * Checks that a database can lie at `file`. SQLite itself would say "unable to open" to most of this, and would open a
 * file that it cannot write to, to fail at the first task.
 *
 * Nothing here may open the file: closing it again would take away the locks that other connections of this process hold
 * on it (POSIX has them go with the first descriptor), and another process would then remove the log under their feet.
 *
 * @throws SqliteDirectoryMissingError, SqliteForeignFileError, SqliteReadOnlyError
 */
export function checkPlace(file: string): void {
  const directory = dirname(file);
  if (look(directory)?.isDirectory() !== true) {
    throw new SqliteDirectoryMissingError(file, `the directory ${directory} does not exist`);
  }
  const found = look(file);
  if (found !== undefined && !found.isFile()) {
    throw new SqliteForeignFileError(file, found.isDirectory() ? "is a directory" : "is not a plain file");
  }
  if (found !== undefined) requireWritable(file, file, "cannot be read and written");
  if (found !== undefined && found.size > 0 && found.size < BEGINNING) {
    throw new SqliteForeignFileError(file, "is not a SQLite database");
  }
  // The log lies beside the file itself, not beside a link to it.
  const home = found === undefined ? directory : dirname(realpathSync(file));
  requireWritable(file, home, `the directory ${home} cannot be written`);
}

function requireWritable(file: string, path: string, problem: string): void {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new SqliteReadOnlyError(file, `${problem} by this process (${code})`, { cause: error });
  }
}
