import type { MemoryStore } from "../engine/memory/store.ts";
import type { Clock } from "../runtime/clock.ts";
import type { TaskInfo } from "../task-info.ts";
import type { Attempts } from "./attempts.ts";
import { endless, MOST_ATTEMPTS } from "./endless.ts";
import type { Performed } from "./performed.ts";
import { queuesIn, readyQueue } from "./store-view.ts";

export interface InlineOptions {
  readonly store: MemoryStore;
  readonly clock: Pick<Clock, "now">;
  readonly attempts: Attempts;
  readonly onPerformed: (performed: Performed) => void;
}

/**
 * Runs every task as soon as it is pending, as a server with enough free slots would, and lets whoever enqueued it wait
 * for its end. What a handler enqueues runs within that handler's call.
 */
export class Inline {
  readonly #store: MemoryStore;
  readonly #clock: Pick<Clock, "now">;
  readonly #attempts: Attempts;
  readonly #onPerformed: (performed: Performed) => void;
  readonly #running = new Map<string, Promise<void>>();
  /** Attempts that {@link runAll} has run while the clock stood at one instant. */
  #ran = { at: 0, attempts: 0 };

  constructor({ store, clock, attempts, onPerformed }: InlineOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#attempts = attempts;
    this.#onPerformed = onPerformed;
  }

  /** Runs these tasks, as far as they are to run now, and waits for their ends. */
  async run(infos: readonly TaskInfo[]): Promise<void> {
    await this.#begin();
    // Nobody waits for the holder of a duplicate: it may be the task whose handler enqueues.
    await Promise.all(infos.map((info) => (info.duplicate ? undefined : this.#running.get(nameOf(info)))));
  }

  /**
   * Runs what is pending until nothing is.
   *
   * @throws AssertionError there is no end to it, however often it is called while the clock stands still.
   */
  async runAll(): Promise<void> {
    for (let begun = await this.#begin(); begun.length > 0; begun = await this.#begin()) {
      await Promise.all(begun);
      const at = this.#clock.now();
      if (at !== this.#ran.at) this.#ran = { at, attempts: 0 };
      this.#ran.attempts += begun.length;
      if (this.#ran.attempts >= MOST_ATTEMPTS) throw endless(this.#ran.attempts);
    }
  }

  async #begin(): Promise<Promise<void>[]> {
    const begun: Promise<void>[] = [];
    const queues = queuesIn(this.#store, undefined);
    for (let name = readyQueue(queues); name !== undefined; name = readyQueue(queues)) {
      const free = MOST_ATTEMPTS - this.#running.size;
      if (free === 0) throw endless(MOST_ATTEMPTS);
      for (const leased of await this.#attempts.lease(name, free)) {
        const key = nameOf({ queue: name, id: leased.message.id });
        const attempt = this.#attempts.run(leased, name).then((performed) => {
          this.#running.delete(key);
          this.#onPerformed(performed);
        });
        this.#running.set(key, attempt);
        begun.push(attempt);
      }
    }
    return begun;
  }
}

/** No queue's name holds a brace. */
function nameOf({ queue, id }: { readonly queue: string; readonly id: string }): string {
  return `{${queue}}${id}`;
}
