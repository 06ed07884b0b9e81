import type { MemoryStore } from "./store.ts";

/** Tells every listener, each in a microtask of its own, as a message from elsewhere would arrive. */
export function publishCancelation({ cancelationListeners }: MemoryStore, taskId: string): void {
  for (const listener of cancelationListeners) {
    queueMicrotask(() => {
      if (cancelationListeners.has(listener)) listener(taskId);
    });
  }
}
