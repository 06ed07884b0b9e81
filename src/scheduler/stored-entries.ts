import type { ScheduleStore, StoredSchedules } from "../broker/schedule-store.ts";
import { TitanQueueError } from "../errors.ts";
import { decodeStoredSchedule, encodeStoredSchedule } from "../protocol/stored-schedule.ts";
import type { Logger } from "../runtime/logger.ts";
import { Task } from "../task.ts";
import { checkEntry, type Entry, type EntryDefaults } from "./entry.ts";
import type { MissedPolicy } from "./missed-ticks.ts";

/** A stored entry after its check. */
export interface StoredEntryAtWork {
  readonly entry: Entry;
  readonly definition: string;
  /** When it was stored, in milliseconds. */
  readonly since: number;
}

export interface StoredEntriesOptions {
  readonly store: ScheduleStore;
  readonly defaults: EntryDefaults;
  readonly logger: Logger;
}

/** What the store holds for all schedulers: entries, and which of all are paused. As of the last look. */
export class StoredEntries {
  readonly #options: StoredEntriesOptions;
  #version: number | undefined;
  #entries: ReadonlyMap<string, StoredEntryAtWork> = new Map();
  #paused: ReadonlySet<string> = new Set();

  constructor(options: StoredEntriesOptions) {
    this.#options = options;
  }

  get entries(): ReadonlyMap<string, StoredEntryAtWork> {
    return this.#entries;
  }

  isPaused(id: string): boolean {
    return this.#paused.has(id);
  }

  /** Looks again; false: nothing has changed. */
  async look(): Promise<boolean> {
    const stored = await this.#options.store.storedSchedules(this.#version);
    if (stored === undefined) return false;
    this.#entries = await this.#read(stored);
    this.#paused = stored.paused;
    this.#version = stored.version;
    return true;
  }

  async #read({ entries }: StoredSchedules): Promise<Map<string, StoredEntryAtWork>> {
    const { defaults, logger } = this.#options;
    const read = new Map<string, StoredEntryAtWork>();
    for (const { id, definition } of entries) {
      const known = this.#entries.get(id);
      try {
        read.set(id, known?.definition === definition ? known : await readStored(id, definition, defaults));
      } catch (error) {
        // A newer version may have stored what this one does not understand; the others are to go on.
        if (!(error instanceof TitanQueueError)) throw error;
        logger.error({ entryId: id, error }, "a stored entry cannot be understood, and is left out");
      }
    }
    return read;
  }
}

async function readStored(
  id: string,
  definition: string,
  defaults: EntryDefaults,
): Promise<StoredEntryAtWork> {
  const { spec, type, payload, options, missed, since } = decodeStoredSchedule(definition);
  const task = new Task(type, payload, options);
  const entry = await checkEntry(spec, task, { id, missed: missed as MissedPolicy }, defaults);
  return { entry, definition, since };
}

/** As the store keeps it. Everything is settled now: time zone, payload, keys that are functions. */
export function definitionOf({ spec, task, payload, plain, missed }: Entry, since: number): string {
  return encodeStoredSchedule({
    spec: spec.text,
    type: task.type,
    payload,
    options: plain as Record<string, unknown>,
    missed,
    since,
  });
}
