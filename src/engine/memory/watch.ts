import type { QueueWatch, Wake, WatchKind } from "../../broker/broker.ts";
import type { MemoryStore } from "./store.ts";

/** Wakes in the microtask after whatever gave reason to. */
export class MemoryWatch implements QueueWatch {
  /** There are no other processes. */
  readonly live = true;
  readonly #store: MemoryStore;
  readonly #wake: Wake;
  readonly #onClose: () => void;
  readonly #armed = new Map<string, { set: Set<() => void>; fire: () => void }>();
  #closed = false;

  constructor(store: MemoryStore, wake: Wake, onClose: () => void) {
    this.#store = store;
    this.#wake = wake;
    this.#onClose = onClose;
  }

  arm(name: string, kind: WatchKind): void {
    const key = `${kind}:${name}`;
    if (this.#closed || this.#armed.has(key)) return;
    const queue = this.#store.queue(name);
    const fire = () => {
      if (this.#armed.delete(key)) this.#wake(name, kind);
    };
    this.#armed.set(key, { set: queue.armed[kind], fire });
    queue.armed[kind].add(fire);
    if (kind === "pending" && !queue.paused && queue.sets.pending.size > 0) queue.wake("pending");
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const { set, fire } of this.#armed.values()) set.delete(fire);
    this.#armed.clear();
    this.#onClose();
  }
}
