import {
  decodeServerInfo,
  decodeWorkerInfo,
  encodeServerInfo,
  encodeWorkerInfo,
} from "../../protocol/codec.ts";
import type { EmbeddedStore, PresenceRecord, ServerName } from "../embedded/embedded-store.ts";
import type { SqliteStatement } from "./driver.ts";
import { SqliteScheduleTables } from "./schedule-tables.ts";
import { SqliteMarks } from "./sqlite-marks.ts";
import { FIRST_ATTEMPT, SqliteQueue } from "./sqlite-queue.ts";
import { SqliteRollups } from "./sqlite-rollups.ts";
import type { Statements } from "./statements.ts";

/** How long a cancelation is kept for servers that have yet to read it. Milliseconds. */
const CANCELATION_TTL = 60_000;

/** Fewer empty pages than this (8 MiB) are kept for what comes next. */
const SPARE_PAGES = 2_000;

export interface Cancelation {
  /** Ever higher. */
  readonly number: number;
  readonly taskId: string;
}

/** Everything in a file, for the length of a transaction. */
export class SqliteStore implements EmbeddedStore {
  readonly marks: SqliteMarks;
  readonly rollups: SqliteRollups;
  readonly schedules: SqliteScheduleTables;
  /** A statement that is not run again and again. */
  readonly prepare: (sql: string) => SqliteStatement;
  readonly #sql: Statements;
  readonly #random: () => number;
  readonly #queues = new Map<string, SqliteQueue>();

  constructor(sql: Statements, random: () => number, prepare: (sql: string) => SqliteStatement) {
    this.prepare = prepare;
    this.marks = new SqliteMarks(sql);
    this.rollups = new SqliteRollups(sql);
    this.#sql = sql;
    this.schedules = new SqliteScheduleTables(sql);
    this.#random = random;
  }

  queue(name: string): SqliteQueue {
    let queue = this.#queues.get(name);
    if (queue === undefined) {
      queue = new SqliteQueue(name, this.#sql);
      this.#queues.set(name, queue);
    }
    return queue;
  }

  queueNames(): string[] {
    return (this.#sql.queues.all() as { name: string }[]).map(({ name }) => name);
  }

  /** By chance: whatever has become of the file since, no attempt is taken for another. */
  nextAttempt(): number {
    return FIRST_ATTEMPT + Math.floor(this.#random() * FIRST_ATTEMPT);
  }

  /** A piece of work is done: what it has yet to write is written. */
  flush(): void {
    for (const queue of this.#queues.values()) queue.flush();
  }

  /** A piece of work was undone: nothing that is known is true any more. */
  forget(): void {
    this.#queues.clear();
  }

  /** Gives a bounded part of the file back to the disk, if most of it is empty: a backlog was worked off. */
  giveBack(): void {
    const { freelist_count: free } = this.#sql.freePages.get() as { freelist_count: number };
    if (free < SPARE_PAGES) return;
    const { page_count: pages } = this.#sql.pages.get() as { page_count: number };
    if (free > pages / 2) this.#sql.shorten.all();
  }

  // ---- presence -----------------------------------------------------------------------------------------------

  writeServer({ info, workers, expiresAt }: PresenceRecord, now: number): void {
    const expired = this.#sql.expiredServers.all(Math.floor(now)) as { name: string }[];
    for (const { name } of expired) this.#removeServer(name);
    const name = nameOf(info);
    this.#sql.writeServer.run(name, encodeServerInfo(info), Math.ceil(expiresAt));
    this.#sql.removeWorkers.run(name);
    for (const worker of workers) this.#sql.writeWorker.run(name, encodeWorkerInfo(worker));
  }

  servers(now: number): PresenceRecord[] {
    type Row = { readonly name: string; readonly info: Uint8Array; readonly expires_at: number };
    return (this.#sql.servers.all(Math.floor(now)) as Row[]).map((row) => {
      const workers = this.#sql.workers.all(row.name) as { info: Uint8Array }[];
      return {
        info: decodeServerInfo(row.info),
        workers: workers.map(({ info }) => decodeWorkerInfo(info)),
        expiresAt: row.expires_at,
      };
    });
  }

  clearServer(server: ServerName): void {
    this.#removeServer(nameOf(server));
  }

  #removeServer(name: string): void {
    this.#sql.removeWorkers.run(name);
    this.#sql.removeServer.run(name);
  }

  // ---- cancelations -------------------------------------------------------------------------------------------

  publishCancelation(taskId: string, now: number): void {
    this.#sql.forget.run(Math.floor(now - CANCELATION_TTL));
    this.#sql.publish.run(taskId, Math.ceil(now));
  }

  lastCancelation(): number {
    return (this.#sql.lastCancelation.get() as { number: number }).number;
  }

  cancelationsAfter(number: number): Cancelation[] {
    const rows = this.#sql.cancelationsAfter.all(number) as { number: number; task_id: string }[];
    return rows.map((row) => ({ number: row.number, taskId: row.task_id }));
  }
}

function nameOf({ host, pid, serverId }: ServerName): string {
  return `${host}:${pid}:${serverId}`;
}
