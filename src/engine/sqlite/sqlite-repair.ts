import type { Finding, FsckCall, FsckEnd, Repair } from "../../broker/repair.ts";
import { DecodeError, SqliteCorruptError } from "../../errors.ts";
import { decodeTaskMessage } from "../../protocol/codec.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { LeaseTimings } from "../timings.ts";
import type { SqlValue } from "./driver.ts";
import { PICKED, STATE } from "./schema.ts";
import { sqliteDiagnose } from "./sqlite-diagnose.ts";
import type { SqliteStore } from "./sqlite-store.ts";
import type { Turns } from "./turns.ts";

/** Tasks looked at in one transaction: about a millisecond. */
const ROWS_A_TURN = 250;
/** The most of SQLite's own complaints that are listed. */
const COMPLAINTS = 100;

const KNOWN_STATES: ReadonlySet<number> = new Set([...Object.values(STATE), PICKED]);

interface Row {
  readonly key: number;
  readonly queue: string;
  readonly id: string;
  readonly state: number;
  readonly score: number;
  readonly locked_until: number;
  readonly group_key: string;
  readonly unique_key: string;
  readonly is_listed: number;
  readonly message: Uint8Array;
}

/**
 * What can be damaged in a file whose tables refuse most of it: the file itself, and rows that somebody else has
 * written. A task is one row, so there are no ghosts and no orphans.
 */
export function sqliteRepair(
  turns: Turns,
  clock: Clock,
  { lease, file }: Pick<LeaseTimings, "lease"> & { readonly file: string },
): Repair {
  return {
    fsck: (call) => new SqliteFsck(turns, clock, lease, call).run(),
    diagnose: () => sqliteDiagnose(turns, clock, file),
  };
}

class SqliteFsck {
  readonly #turns: Turns;
  readonly #clock: Clock;
  /** Milliseconds. */
  readonly #lease: number;
  readonly #call: FsckCall;
  readonly #queues = new Set<string>();
  #tasks = 0;

  constructor(turns: Turns, clock: Clock, lease: number, call: FsckCall) {
    this.#turns = turns;
    this.#clock = clock;
    this.#lease = lease;
    this.#call = call;
  }

  async run(): Promise<FsckEnd> {
    const { queues, signal, onProgress } = this.#call;
    for (const name of queues ?? (await this.#turns.read((store) => store.queueNames())))
      this.#queues.add(name);
    if (!signal?.aborted) await this.#file();
    if (!signal?.aborted) await this.#sets();
    const total = await this.#turns.read((store) =>
      Number(one(store, "SELECT count(*) AS value FROM tasks")),
    );
    let key: number | undefined = Number.MIN_SAFE_INTEGER;
    while (key !== undefined && !signal?.aborted) {
      key = await this.#rows(key);
      onProgress(Math.min(this.#tasks, total), total);
    }
    if (!signal?.aborted) await this.#registrations();
    return { queues: [...this.#queues].sort(), tasks: this.#tasks, stopped: signal?.aborted === true };
  }

  /** One piece of work, which writes only where it may repair. */
  #turn<T>(work: (store: SqliteStore) => T): Promise<T> {
    return this.#call.repair ? this.#turns.write(work) : this.#turns.read(work);
  }

  // ---- the file -----------------------------------------------------------------------------------------------

  async #file(): Promise<void> {
    const complaints = await this.#turn((store) => integrityOf(store));
    if (complaints.length === 0) return;
    const repaired = this.#call.repair && (await this.#reindex()) ? "indexes built anew" : undefined;
    for (const problem of complaints) this.#found("FILE_DAMAGED", "", "the file", problem, repaired);
  }

  /** Indexes can be built from their tables; whether that was all. */
  async #reindex(): Promise<boolean> {
    try {
      return await this.#turns.write((store) => {
        store.prepare("REINDEX").run();
        return integrityOf(store).length === 0;
      });
    } catch (error) {
      // The tables themselves are damaged.
      if (error instanceof SqliteCorruptError) return false;
      throw error;
    }
  }

  async #sets(): Promise<void> {
    const missing = await this.#turn((store) => {
      const rows = store
        .prepare(
          `SELECT queue, id FROM aggregation_sets AS sets WHERE NOT EXISTS
            (SELECT 1 FROM tasks WHERE queue = sets.queue AND aggregation_set = sets.id)`,
        )
        .all() as { queue: string; id: string }[];
      const mine = rows.filter(({ queue }) => this.#isWanted(queue));
      if (this.#call.repair) {
        const remove = store.prepare("DELETE FROM aggregation_sets WHERE queue = ? AND id = ?");
        for (const { queue, id } of mine) remove.run(queue, id);
      }
      return mine;
    });
    for (const { queue, id } of missing) {
      this.#found("SET_MISSING", queue, id, "is listed, and has no tasks", "unlisted");
    }
  }

  async #registrations(): Promise<void> {
    const names = await this.#turn((store) => {
      const rows = store
        .prepare(
          "SELECT DISTINCT queue FROM tasks WHERE queue NOT IN (SELECT name FROM queues WHERE registered = 1)",
        )
        .all() as { queue: string }[];
      const mine = rows.map(({ queue }) => queue).filter((queue) => this.#isWanted(queue));
      if (this.#call.repair) for (const name of mine) register(store, name);
      return mine;
    });
    for (const name of names) {
      this.#found("QUEUE_NOT_LISTED", name, name, "has tasks, and is not among the queues", "listed");
    }
  }

  // ---- tasks --------------------------------------------------------------------------------------------------

  /** Looks at the next tasks; answers where to go on. */
  #rows(after: number): Promise<number | undefined> {
    return this.#turn((store) => {
      const rows = store
        .prepare(
          `SELECT key, queue, id, state, score, locked_until, group_key, unique_key, message,
            EXISTS (SELECT 1 FROM aggregation_sets AS sets
              WHERE sets.queue = tasks.queue AND sets.id = tasks.aggregation_set) AS is_listed
            FROM tasks WHERE key > ? ORDER BY key LIMIT ${ROWS_A_TURN}`,
        )
        .all(after) as unknown as Row[];
      for (const row of rows) if (this.#isWanted(row.queue)) this.#row(store, row);
      return rows.length < ROWS_A_TURN ? undefined : rows.at(-1)?.key;
    });
  }

  #row(store: SqliteStore, row: Row): void {
    this.#tasks += 1;
    this.#queues.add(row.queue);
    const now = Math.ceil(this.#clock.now());
    const set = (sql: string, ...values: SqlValue[]) => {
      if (this.#call.repair) store.prepare(`UPDATE tasks SET ${sql} WHERE key = ?`).run(...values, row.key);
    };
    const found = (code: Finding["code"], problem: string, repaired?: string) =>
      this.#found(code, row.queue, row.id, problem, repaired);

    if (!KNOWN_STATES.has(row.state)) {
      found("WRONG_STATE", `is in a state that does not exist (${row.state})`, "archived");
      set(`state = ${STATE.archived}, score = ?`, now);
    }
    if (row.state === PICKED && row.is_listed === 0) {
      found("SET_NOT_LISTED", "is in an aggregation set that is not listed", "returned to its group");
      set(`state = ${STATE.aggregating}, aggregation_set = NULL`);
    }
    if ((row.state === STATE.aggregating || row.state === PICKED) && row.group_key === "") {
      found("WRONG_GROUP", "waits in a group and names none", "put into pending");
      set(`state = ${STATE.pending}, aggregation_set = NULL, score = ?, pending_since = ?`, now, now);
    }
    if (row.state === STATE.active && row.score > now + 4 * this.#lease) {
      found("LEASE_TOO_LONG", "has a lease that ends later than any server could have set it", "shortened");
      set("score = ?", now + this.#lease);
    }
    if (row.locked_until !== 0 && (row.unique_key === "" || row.state === STATE.completed)) {
      const why = row.unique_key === "" ? "is not unique" : "has completed";
      found("LOCK_LEAKED", `holds a unique lock, and ${why}`, "lock freed");
      set("locked_until = 0");
    }
    if (!isReadable(row)) {
      found("UNDECODABLE", "has a message that cannot be decoded, or is another task's");
    }
  }

  #isWanted(queue: string): boolean {
    return this.#call.queues === undefined || this.#call.queues.includes(queue);
  }

  #found(code: Finding["code"], queue: string, subject: string, problem: string, done?: string): void {
    const repaired = this.#call.repair && done !== undefined ? { repaired: done } : {};
    this.#call.onFinding({ code, queue, subject, problem, ...repaired });
  }
}

function isReadable({ id, queue, message }: Row): boolean {
  try {
    const read = decodeTaskMessage(message);
    return read.id === id && read.queue === queue;
  } catch (error) {
    if (error instanceof DecodeError) return false;
    throw error;
  }
}

/** What SQLite itself finds wrong with the file. */
function integrityOf(store: SqliteStore): string[] {
  const rows = store.prepare(`PRAGMA integrity_check(${COMPLAINTS})`).all() as { integrity_check: string }[];
  return rows.map((row) => row.integrity_check).filter((text) => text !== "ok");
}

function register(store: SqliteStore, name: string): void {
  store
    .prepare(
      `INSERT INTO queues (name, registered, paused) VALUES (?, 1, 0) ON CONFLICT DO UPDATE SET registered = 1`,
    )
    .run(name);
}

function one(store: SqliteStore, sql: string): SqlValue {
  return (store.prepare(sql).get() as { value: SqlValue }).value;
}
