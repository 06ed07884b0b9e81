import { ClosedError, SqliteFileGoneError } from "../../errors.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { UnderWay } from "../../runtime/under-way.ts";
import { givenUp } from "../embedded/embedded-broker.ts";
import type { Transactions } from "../embedded/embedded-store.ts";
import type { EngineDoor } from "../embedded/engine-door.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";
import type { SqliteDriver } from "./driver.ts";
import { listenToFile, tellFile } from "./file-news.ts";
import { Piece } from "./piece.ts";
import { identityOf } from "./place.ts";
import { isBroken, isBusy, typedError } from "./sqlite-errors.ts";
import { SqliteStore } from "./sqlite-store.ts";

export interface TurnsOptions extends ConnectionOptions {
  readonly loadDriver: () => Promise<SqliteDriver>;
  readonly door: EngineDoor;
  readonly runtime: Runtime;
  /** Milliseconds that a piece of work may wait for a locked file. */
  readonly commandTimeout: number;
  /** An engine of this process has written to the file: this one or another. */
  readonly onNews: () => void;
}

/** Milliseconds between two attempts at a locked file, on average. They do not grow, so that nobody is starved. */
const REST = 2;

/**
 * Runs pieces of work on the file. All that are handed in during one turn of the event loop share one transaction, which
 * costs more than most of them; each is answered by itself, and one that fails undoes nothing but itself.
 *
 * The file is opened for the first piece, and closed with the engine's door. While another process has it locked, the
 * pieces wait, and this process goes on.
 */
export class Turns implements Transactions {
  readonly #options: TurnsOptions;
  readonly #underWay = new UnderWay();
  #waiting: Piece[] = [];
  #scheduled = false;
  #cancelRest: (() => void) | undefined;
  #driver: SqliteDriver | undefined;
  #connection: Connection | undefined;
  #leaveFile: () => void = () => undefined;
  /** The file was there: from now on, one that is missing was taken from us. */
  #found = false;
  #isEndedByDoor = false;

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  read<T>(work: (store: SqliteStore) => T): Promise<T> {
    return this.#add(work, false, undefined);
  }

  write<T>(work: (store: SqliteStore) => T, signal?: AbortSignal): Promise<T> {
    return this.#add(work, true, signal);
  }

  /**
   * Whether somebody else may have written since this was last asked: at once, since nothing is read for it.
   *
   * @throws SQLite's errors
   */
  hasNews(): boolean {
    return this.#connection?.hasNews() ?? true;
  }

  // ---- waiting ------------------------------------------------------------------------------------------------

  #add<T>(work: (store: SqliteStore) => T, writes: boolean, signal: AbortSignal | undefined): Promise<T> {
    const { door, runtime, commandTimeout } = this.#options;
    if (door.closed) return Promise.reject(new ClosedError("the engine"));
    if (!this.#isEndedByDoor) {
      this.#isEndedByDoor = true;
      door.onClose(() => this.#end());
    }
    const piece = new Piece(work, { writes, signal, giveUpAt: runtime.clock.monotonic() + commandTimeout });
    this.#waiting.push(piece as Piece);
    this.#schedule();
    return piece.answered;
  }

  #schedule(): void {
    if (this.#scheduled || this.#waiting.length === 0) return;
    this.#scheduled = true;
    setImmediate(this.#turn);
  }

  /** The file is locked: those whose time is up leave, the others try again. */
  #rest(error: unknown): void {
    const { file, runtime } = this.#options;
    const { clock, random } = runtime;
    const now = clock.monotonic();
    this.#leave(
      ({ giveUpAt }) => giveUpAt <= now,
      () => typedError(error, file),
    );
    if (this.#waiting.length === 0) return;
    this.#scheduled = true;
    this.#underWay.begin();
    const cancel = clock.setTimer(REST * (0.5 + random()), () => {
      this.#endRest();
      this.#turn();
    });
    this.#cancelRest = () => {
      cancel();
      this.#underWay.end();
    };
  }

  #endRest(): void {
    this.#cancelRest?.();
    this.#cancelRest = undefined;
  }

  #leave(isOver: (options: Piece["options"]) => boolean, why: (options: Piece["options"]) => Error): void {
    const staying: Piece[] = [];
    for (const piece of this.#waiting) {
      if (isOver(piece.options)) piece.reject(why(piece.options));
      else staying.push(piece);
    }
    this.#waiting = staying;
  }

  // ---- one turn -----------------------------------------------------------------------------------------------

  readonly #turn = (): void => {
    this.#scheduled = false;
    this.#leave(
      ({ signal }) => signal?.aborted === true,
      ({ signal }) => givenUp(signal as AbortSignal),
    );
    if (this.#waiting.length === 0) return;
    if (this.#driver === undefined) {
      void this.#load();
      return;
    }
    let connection: Connection;
    try {
      connection = this.#open(this.#driver);
      connection.begin(this.#waiting.some(({ options }) => options.writes));
    } catch (error) {
      if (isBusy(error)) this.#rest(error);
      else this.#failed(this.#waiting.splice(0), error);
      return;
    }
    this.#run(connection, this.#waiting.splice(0));
    this.#schedule();
  };

  #run(connection: Connection, pieces: readonly Piece[]): void {
    const store = new SqliteStore(connection.sql, this.#options.runtime.random, (sql) =>
      connection.prepare(sql),
    );
    for (const piece of pieces) {
      try {
        this.#runPiece(connection, store, piece, pieces.length > 1);
      } catch (error) {
        this.#lost(connection, pieces, piece, error);
        return;
      }
    }
    try {
      connection.commit();
    } catch (error) {
      this.#undo(connection);
      this.#failed(pieces, error);
      return;
    }
    for (const piece of pieces) piece.answer();
    if (connection.hasWritten()) tellFile(connection.path);
  }

  /** @throws when the transaction cannot go on */
  #runPiece({ sql }: Connection, store: SqliteStore, piece: Piece, hasNeighbours: boolean): void {
    if (!hasNeighbours) {
      piece.run(store);
      return;
    }
    sql.setPoint.run();
    try {
      piece.run(store);
    } catch (error) {
      if (isBusy(error)) throw error;
      store.forget();
      try {
        sql.returnToPoint.run();
      } catch {
        // SQLite has ended the transaction by itself, and this is why.
        throw error;
      }
      piece.failed(typedError(error, this.#options.file));
    }
    sql.releasePoint.run();
  }

  /** The whole transaction is lost by one piece. The others did nothing wrong: they begin once more, without it. */
  #lost(connection: Connection, pieces: readonly Piece[], by: Piece, error: unknown): void {
    this.#undo(connection);
    if (isBusy(error)) {
      this.#waiting.unshift(...pieces);
      this.#rest(error);
      return;
    }
    this.#failed([by], error);
    this.#waiting.unshift(...pieces.filter((piece) => piece !== by));
  }

  #undo(connection: Connection): void {
    try {
      connection.rollback();
    } catch {
      // Closing undoes as well, and whoever waits hears of the error that came first.
      this.#disconnect();
    }
  }

  #failed(pieces: readonly Piece[], error: unknown): void {
    if (isBroken(error)) this.#disconnect();
    for (const piece of pieces) piece.reject(typedError(error, this.#options.file));
  }

  // ---- the file -----------------------------------------------------------------------------------------------

  async #load(): Promise<void> {
    this.#scheduled = true;
    this.#underWay.begin();
    try {
      this.#driver = await this.#options.loadDriver();
    } catch (error) {
      this.#failed(this.#waiting.splice(0), error);
    }
    this.#underWay.end();
    this.#scheduled = false;
    this.#schedule();
  }

  #open(driver: SqliteDriver): Connection {
    if (this.#connection !== undefined) return this.#connection;
    const { file, onNews } = this.#options;
    if (this.#found && identityOf(file) === undefined) {
      throw new SqliteFileGoneError(file, "was deleted or moved while it was used");
    }
    this.#connection = new Connection(driver, this.#options);
    this.#found = true;
    this.#leaveFile = listenToFile(this.#connection.path, onNews);
    return this.#connection;
  }

  #disconnect(): void {
    this.#leaveFile();
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.close();
  }

  /** The door was closed. */
  #end(): void {
    this.#isEndedByDoor = false;
    this.#found = false;
    if (this.#cancelRest !== undefined) {
      this.#endRest();
      this.#scheduled = false;
    }
    for (const piece of this.#waiting.splice(0)) piece.reject(new ClosedError("the engine"));
    this.#disconnect();
  }
}
