import { realpathSync } from "node:fs";
import {
  SqliteCorruptError,
  SqliteError,
  SqliteFileGoneError,
  SqliteSchemaNewerError,
} from "../../errors.ts";
import type { SqliteDatabase, SqliteDriver, SqliteStatement } from "./driver.ts";
import { migrate, requireOurs } from "./migrate.ts";
import { checkPlace, identityOf, sizeOf } from "./place.ts";
import { MIGRATIONS } from "./schema.ts";
import { isNoTransaction, leavesDoubt } from "./sqlite-errors.ts";
import { prepare, type Statements } from "./statements.ts";

export interface ConnectionOptions {
  readonly file: string;
  readonly synchronous: Synchronous;
}

/** What a power cut may cost: the last moments, or nothing. A killed process loses nothing either way. */
export type Synchronous = "normal" | "full";

/** Pages of 4 KiB in the log before they are moved to the file: many changes of one page are then moved once. */
const CHECKPOINT = 4_000;
/** KiB of pages kept in this process. */
const CACHE = 16_000;
/** Bytes that the log is cut back to after it had to grow. */
const LOG_SIZE = 4 * CHECKPOINT * 4_096;

/**
 * One connection to the file. It waits for nobody: whoever finds the file locked tries again later, and this process
 * goes on meanwhile.
 */
export class Connection {
  readonly sql: Statements;
  /** The file's path without links: what all who use it in this process call it. */
  readonly path: string;
  readonly #database: SqliteDatabase;
  readonly #file: string;
  readonly #identity: string | undefined;
  #version = 0;
  #changes = 0;

  /**
   * Opens the file, or makes it, and brings its schema up to date.
   *
   * @throws the typed errors of a file that cannot be used, or SQLite's own: the file is locked, say.
   */
  constructor({ DatabaseSync }: SqliteDriver, { file, synchronous }: ConnectionOptions) {
    checkPlace(file);
    this.#file = file;
    this.#database = new DatabaseSync(file);
    try {
      this.#configure(synchronous);
      migrate(this.#database, file);
      this.sql = prepare(this.#database);
      this.path = realpathSync(file);
      this.#requireWhole();
      this.#identity = identityOf(file);
      this.hasNews();
      this.hasWritten();
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  #configure(synchronous: Synchronous): void {
    const database = this.#database;
    database.exec("PRAGMA busy_timeout = 0");
    const isNew = requireOurs(database, this.#file);
    // So that space can be given back piece by piece; later on it would only be written again.
    if (isNew) database.exec("PRAGMA auto_vacuum = INCREMENTAL");
    const { journal_mode: mode } = database.prepare("PRAGMA journal_mode = WAL").get() as {
      journal_mode: string;
    };
    if (mode !== "wal") {
      throw new SqliteError(this.#file, "lies on a file system that cannot share memory; use a local disk");
    }
    database.exec(`
      PRAGMA synchronous = ${synchronous};
      PRAGMA wal_autocheckpoint = ${CHECKPOINT};
      PRAGMA journal_size_limit = ${LOG_SIZE};
      PRAGMA cache_size = -${CACHE};
    `);
  }

  /**
   * SQLite would notice only when it reads what is missing. As long as this transaction lasts, nobody shortens the file
   * or its log; pages that are not in the one are in the other.
   */
  #requireWhole(): void {
    this.begin(false);
    const { page_count: pages } = this.#database.prepare("PRAGMA page_count").get() as { page_count: number };
    const { page_size: size } = this.#database.prepare("PRAGMA page_size").get() as { page_size: number };
    const logged = Math.floor(sizeOf(`${this.path}-wal`) / size);
    const present = Math.floor(sizeOf(this.path) / size);
    this.sql.commit.run();
    if (present + logged < pages) {
      throw new SqliteCorruptError(this.#file, `was cut off: ${present} of ${pages} pages are there`);
    }
  }

  /**
   * @throws SQLite's error when another connection is writing
   * @throws SqliteSchemaNewerError a newer version of this package has brought the file up to date meanwhile.
   */
  begin(writes: boolean): void {
    (writes ? this.sql.beginWrite : this.sql.beginRead).run();
    const { user_version: version } = this.sql.schemaVersion.get() as { user_version: number };
    if (version === MIGRATIONS.length) return;
    this.rollback();
    throw new SqliteSchemaNewerError(this.#file, version, MIGRATIONS.length);
  }

  /**
   * Ends the transaction, and makes sure that it was written where others find it.
   *
   * @throws SqliteFileGoneError it went to a file that nobody can find any more.
   * @throws SqliteError with `inDoubt`: perhaps it was written, or nobody can tell where to.
   * @throws SQLite's own error: nothing was written.
   */
  commit(): void {
    try {
      this.sql.commit.run();
    } catch (error) {
      if (!leavesDoubt(error)) throw error;
      throw this.#inDoubt("the disk failed during a commit", error);
    }
    if (this.#identityAfterCommit() === this.#identity) return;
    throw new SqliteFileGoneError(this.#file, "was deleted or replaced while it was used");
  }

  #identityAfterCommit(): string | undefined {
    try {
      return identityOf(this.#file);
    } catch (error) {
      // Permission to look was taken away, say, which undoes nothing.
      throw this.#inDoubt("cannot be found after a commit", error);
    }
  }

  #inDoubt(problem: string, cause: unknown): SqliteError {
    return new SqliteError(this.#file, `${problem} (${String(cause)})`, { cause }, true);
  }

  /** Ends a transaction that came to nothing, unless SQLite has ended it already. */
  rollback(): void {
    if (this.#database.isTransaction === false) return;
    try {
      this.sql.rollback.run();
    } catch (error) {
      if (!isNoTransaction(error)) throw error;
    }
  }

  /** A statement that is not run again and again. */
  prepare(sql: string): SqliteStatement {
    return this.#database.prepare(sql);
  }

  /** Whether this connection has written anything since this was last asked. */
  hasWritten(): boolean {
    const { changes } = this.sql.totalChanges.get() as { changes: number };
    const hasWritten = changes !== this.#changes;
    this.#changes = changes;
    return hasWritten;
  }

  /** Whether another connection has written since this was last asked. Not within a transaction. */
  hasNews(): boolean {
    const { data_version: version } = this.sql.dataVersion.get() as { data_version: number };
    const isNew = version !== this.#version;
    this.#version = version;
    return isNew;
  }

  /** Leaves everything in the one file that has a name, if nobody else uses it; the log is empty then. */
  close(): void {
    try {
      // SQLite does so by itself, but the package's only when its statements have been collected as garbage.
      this.#database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    } catch {
      // Nothing is lost by it: what could not be moved stays in the log, where the next one to open the file finds it.
    }
    this.#database.close();
  }
}
