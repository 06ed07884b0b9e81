import type { StoredSchedules } from "../../broker/schedule-store.ts";
import type { SchedulerEnqueueEvent, SchedulerEntry } from "../../protocol/scheduler-entry.ts";
import { timestampMs } from "../../protocol/timestamp.ts";
import type { LastTick, ScheduleTables } from "../embedded/schedule-tables.ts";

interface StoredTick {
  readonly queue: string;
  readonly tick: LastTick;
  readonly forgetAt: number;
}

/** What schedulers share, in plain maps. */
export class MemoryScheduleTables implements ScheduleTables {
  readonly #ticks = new Map<string, StoredTick>();
  readonly #entries = new Map<
    string,
    { readonly entries: readonly SchedulerEntry[]; readonly expiresAt: number }
  >();
  /** The newest last. */
  readonly #events = new Map<string, SchedulerEnqueueEvent[]>();
  readonly #definitions = new Map<string, string>();
  readonly #paused = new Set<string>();
  #version = 0;

  lastTick(queue: string, entryId: string, now: number): LastTick | undefined {
    const stored = this.#ticks.get(tickName(queue, entryId));
    return stored !== undefined && stored.forgetAt > now ? stored.tick : undefined;
  }

  writeTick(queue: string, entryId: string, tick: LastTick, forgetAt: number, now: number): void {
    for (const [name, stored] of this.#ticks) if (stored.forgetAt <= now) this.#ticks.delete(name);
    this.#ticks.set(tickName(queue, entryId), { queue, tick, forgetAt });
  }

  clearTicks(queue: string): void {
    for (const [name, stored] of this.#ticks) if (stored.queue === queue) this.#ticks.delete(name);
  }

  writeEntries(
    schedulerId: string,
    entries: readonly SchedulerEntry[],
    expiresAt: number,
    now: number,
  ): void {
    for (const [id, shown] of this.#entries) if (shown.expiresAt <= now) this.#entries.delete(id);
    this.#entries.set(schedulerId, { entries: [...entries], expiresAt });
  }

  clearEntries(schedulerId: string): void {
    this.#entries.delete(schedulerId);
  }

  listEntries(now: number): SchedulerEntry[] {
    const alive = [...this.#entries.values()].filter(({ expiresAt }) => expiresAt > now);
    return alive.flatMap(({ entries }) => entries);
  }

  recordEvent(entryId: string, event: SchedulerEnqueueEvent, most: number, oldest: number): void {
    const events = this.#events.get(entryId) ?? [];
    events.push(event);
    this.#events.set(entryId, events.slice(-most));
    for (const [id, each] of this.#events) {
      const kept = each.filter(({ enqueueTime }) => (timestampMs(enqueueTime) ?? 0) > oldest);
      if (kept.length === 0) this.#events.delete(id);
      else if (kept.length < each.length) this.#events.set(id, kept);
    }
  }

  listEvents(entryId: string, from: number, count: number): SchedulerEnqueueEvent[] {
    return [...(this.#events.get(entryId) ?? [])].reverse().slice(from, from + count);
  }

  storedSchedules(): StoredSchedules {
    const entries = [...this.#definitions].map(([id, definition]) => ({ id, definition }));
    return { version: this.#version, entries, paused: new Set(this.#paused) };
  }

  setDefinition(id: string, definition: string | undefined): boolean {
    if (this.#definitions.get(id) === definition) return false;
    if (definition === undefined) this.#definitions.delete(id);
    else this.#definitions.set(id, definition);
    this.#version += 1;
    return true;
  }

  setPaused(id: string, paused: boolean): boolean {
    if (this.#paused.has(id) === paused) return false;
    if (paused) this.#paused.add(id);
    else this.#paused.delete(id);
    this.#version += 1;
    return true;
  }
}

function tickName(queue: string, entryId: string): string {
  return JSON.stringify([queue, entryId]);
}
