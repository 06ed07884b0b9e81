import type { PresenceRecord } from "./presence.ts";
import { StoredQueue } from "./stored-queue.ts";

/** Everything one memory engine, or several of the same name, know. Holds no clock: time is handed in. */
export class MemoryStore {
  /** By server: what it announced, and until when. */
  readonly presence = new Map<string, PresenceRecord>();
  readonly cancelationListeners = new Set<(taskId: string) => void>();
  readonly #queues = new Map<string, StoredQueue>();
  #attempts = 0;

  /** The queue of that name, empty if nobody has mentioned it yet. */
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

  /** Forgets every task, lock and count; servers stay announced. An attempt under way finds its task gone. */
  clear(): void {
    for (const queue of this.#queues.values()) queue.clear();
  }

  /** A number that no other attempt at any task has. */
  nextAttempt(): number {
    this.#attempts += 1;
    return this.#attempts;
  }
}
