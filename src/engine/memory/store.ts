import type { EmbeddedStore, PresenceRecord, ServerName } from "../embedded/embedded-store.ts";
import { MemoryMarks } from "./memory-marks.ts";
import { MemoryRollups } from "./memory-rollups.ts";
import { MemoryScheduleTables } from "./schedule-tables.ts";
import { StoredQueue } from "./stored-queue.ts";

/** Everything one memory engine, or several of the same name, know. Holds no clock: time is handed in. */
export class MemoryStore implements EmbeddedStore {
  /** By server: what it announced, and until when. */
  readonly presence = new Map<string, PresenceRecord>();
  readonly schedules = new MemoryScheduleTables();
  readonly marks = new MemoryMarks();
  readonly rollups = new MemoryRollups();
  readonly cancelationListeners = new Set<(taskId: string) => void>();
  readonly #queues = new Map<string, StoredQueue>();
  #attempts = 0;

  queue(name: string): StoredQueue {
    let queue = this.#queues.get(name);
    if (queue === undefined) {
      queue = new StoredQueue(name);
      this.#queues.set(name, queue);
    }
    return queue;
  }

  /** The queues that something was enqueued to. */
  registered(): StoredQueue[] {
    return [...this.#queues.values()].filter((queue) => queue.registered);
  }

  /** Forgets every task, lock, count and rollup; servers stay announced. An attempt under way finds its task gone. */
  clear(): void {
    for (const queue of this.#queues.values()) queue.clear();
    this.marks.clearAll();
    this.rollups.clearAll();
  }

  queueNames(): string[] {
    return this.registered().map(({ name }) => name);
  }

  nextAttempt(): number {
    this.#attempts += 1;
    return this.#attempts;
  }

  writeServer(record: PresenceRecord, now: number): void {
    for (const [name, { expiresAt }] of this.presence) if (expiresAt <= now) this.presence.delete(name);
    this.presence.set(nameOf(record.info), record);
  }

  servers(now: number): PresenceRecord[] {
    return [...this.presence.values()].filter(({ expiresAt }) => expiresAt > now);
  }

  clearServer(server: ServerName): void {
    this.presence.delete(nameOf(server));
  }

  /** Tells every listener, each in a microtask of its own, as a message from elsewhere would arrive. */
  publishCancelation(taskId: string): void {
    for (const listener of this.cancelationListeners) {
      queueMicrotask(() => {
        if (this.cancelationListeners.has(listener)) listener(taskId);
      });
    }
  }
}

function nameOf({ host, pid, serverId }: ServerName): string {
  return `${host}:${pid}:${serverId}`;
}
