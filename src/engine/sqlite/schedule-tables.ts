import type { StoredSchedules } from "../../broker/schedule-store.ts";
import {
  decodeSchedulerEnqueueEvent,
  decodeSchedulerEntry,
  encodeSchedulerEnqueueEvent,
  encodeSchedulerEntry,
} from "../../protocol/codec.ts";
import type { SchedulerEnqueueEvent, SchedulerEntry } from "../../protocol/scheduler-entry.ts";
import { timestampMs } from "../../protocol/timestamp.ts";
import type { LastTick, ScheduleTables } from "../embedded/schedule-tables.ts";
import type { Statements } from "./statements.ts";

interface TickRow {
  readonly at: number;
  readonly started_at: number;
  readonly claim_until: number;
  readonly digest: string;
  readonly task_id: string;
}

interface ScheduleRow {
  readonly id: string;
  readonly definition: string | null;
  readonly paused: number;
}

/** What schedulers share, in rows. */
export class SqliteScheduleTables implements ScheduleTables {
  readonly #sql: Statements;

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  lastTick(queue: string, entryId: string, now: number): LastTick | undefined {
    const row = this.#sql.lastTick.get(queue, entryId, Math.floor(now)) as TickRow | undefined;
    return (
      row && {
        at: row.at,
        startedAt: row.started_at,
        claimUntil: row.claim_until,
        digest: row.digest,
        taskId: row.task_id,
      }
    );
  }

  writeTick(queue: string, entryId: string, tick: LastTick, forgetAt: number, now: number): void {
    const { at, startedAt, claimUntil, digest, taskId } = tick;
    this.#sql.forgetTicks.run(Math.floor(now));
    this.#sql.writeTick.run(
      queue,
      entryId,
      Math.floor(at),
      Math.floor(startedAt),
      Math.ceil(claimUntil),
      digest,
      taskId,
      Math.ceil(forgetAt),
    );
  }

  clearTicks(queue: string): void {
    this.#sql.clearTicks.run(queue);
  }

  writeEntries(
    schedulerId: string,
    entries: readonly SchedulerEntry[],
    expiresAt: number,
    now: number,
  ): void {
    this.#sql.forgetSchedulerEntries.run(Math.floor(now));
    this.clearEntries(schedulerId);
    for (const [position, entry] of entries.entries()) {
      this.#sql.writeSchedulerEntry.run(
        schedulerId,
        position,
        encodeSchedulerEntry(entry),
        Math.ceil(expiresAt),
      );
    }
  }

  clearEntries(schedulerId: string): void {
    this.#sql.clearSchedulerEntries.run(schedulerId);
  }

  listEntries(now: number): SchedulerEntry[] {
    const rows = this.#sql.schedulerEntries.all(Math.floor(now)) as { entry: Uint8Array }[];
    return rows.map(({ entry }) => decodeSchedulerEntry(entry));
  }

  recordEvent(entryId: string, event: SchedulerEnqueueEvent, most: number, oldest: number): void {
    const at = Math.floor(timestampMs(event.enqueueTime) ?? 0);
    this.#sql.writeScheduleEvent.run(entryId, at, encodeSchedulerEnqueueEvent(event));
    this.#sql.trimScheduleEvents.run(entryId, most);
    this.#sql.forgetScheduleEvents.run(Math.floor(oldest));
  }

  listEvents(entryId: string, from: number, count: number): SchedulerEnqueueEvent[] {
    const rows = this.#sql.scheduleEvents.all(entryId, count, from) as { event: Uint8Array }[];
    return rows.map(({ event }) => decodeSchedulerEnqueueEvent(event));
  }

  storedSchedules(): StoredSchedules {
    const rows = this.#sql.schedules.all() as unknown as ScheduleRow[];
    const entries = rows.flatMap(({ id, definition }) => (definition === null ? [] : [{ id, definition }]));
    const paused = new Set(rows.filter((row) => row.paused === 1).map(({ id }) => id));
    const { version } = this.#sql.schedulesVersion.get() as { version: number };
    return { version, entries, paused };
  }

  setDefinition(id: string, definition: string | undefined): boolean {
    const before = this.#schedule(id);
    if (before.definition === (definition ?? null)) return false;
    this.#write(id, definition ?? null, before.paused);
    return true;
  }

  setPaused(id: string, paused: boolean): boolean {
    const before = this.#schedule(id);
    if ((before.paused === 1) === paused) return false;
    this.#write(id, before.definition, paused ? 1 : 0);
    return true;
  }

  #schedule(id: string): Omit<ScheduleRow, "id"> {
    const row = this.#sql.schedule.get(id) as ScheduleRow | undefined;
    return row ?? { definition: null, paused: 0 };
  }

  /** An entry that is neither stored nor paused has no row. */
  #write(id: string, definition: string | null, paused: number): void {
    if (definition === null && paused === 0) this.#sql.removeSchedule.run(id);
    else this.#sql.writeSchedule.run(id, definition, paused);
    this.#sql.countSchedulesVersion.run();
  }
}
