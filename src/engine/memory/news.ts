import type { News } from "../embedded/embedded-broker.ts";
import type { EngineDoor } from "../embedded/engine-door.ts";
import type { MemoryStore } from "./store.ts";
import { MemoryWatch } from "./watch.ts";

/** News of the store, which all engines on it tell each other by calling each other. */
export function memoryNews(store: MemoryStore, door: EngineDoor): News {
  return {
    watch: (wake) => {
      door.check();
      const watch = new MemoryWatch(store, wake, () => forget());
      const forget = door.onClose(() => watch.close());
      return watch;
    },
    subscribeCancelations: async (onCancel) => {
      door.check();
      // A function of its own, so that one callback may be subscribed twice.
      const listener = (taskId: string) => onCancel(taskId);
      store.cancelationListeners.add(listener);
      const forget = door.onClose(() => store.cancelationListeners.delete(listener));
      return async () => {
        forget();
        store.cancelationListeners.delete(listener);
      };
    },
  };
}
