import { expect } from "vitest";
import { createMemoryEngine } from "../../../src/engine/memory/memory-engine.ts";
import { MemoryStore } from "../../../src/engine/memory/store.ts";
import type { StoredQueue } from "../../../src/engine/memory/stored-queue.ts";
import type { EngineHarness } from "../../contract/harness.ts";
import { fakeRuntime } from "../../support/fake-runtime.ts";

export interface MemoryHarness extends EngineHarness {
  readonly store: MemoryStore;
  /** Makes the wall clock jump. */
  setWall(ms: number): void;
}

/** Not a whole second, so that rounding shows. */
const START = Date.UTC(2024, 1, 29, 12, 34, 56, 789);

export async function openMemory(): Promise<MemoryHarness> {
  const runtime = fakeRuntime({ now: START });
  const store = new MemoryStore();
  const open = () => createMemoryEngine({ runtime }, { store });
  const engine = open();
  const engines = [engine];
  let queues = 0;

  return {
    engine,
    broker: engine.broker,
    inspection: engine.inspection,
    clock: runtime.clock,
    store,
    setWall: (ms) => runtime.clock.setWall(ms),
    another: async () => {
      const other = open();
      engines.push(other);
      return other;
    },
    inject: async (name, id, bytes, state = "pending") => {
      const queue = store.queue(name);
      const task = queue.create({ id, message: bytes, group: "", uniqueKey: "", lockedUntil: undefined });
      const now = runtime.clock.now();
      if (state === "pending") queue.toTail(task, now);
      else if (state === "active") queue.toActive(task, store.nextAttempt(), now + 30_000);
      else if (state === "archived") queue.toFinished(task, state, now);
      else queue.toDelayed(task, state, now);
    },
    queue: () => {
      queues += 1;
      return `queue-${queues}`;
    },
    close: async () => {
      for (const queue of store.registered()) checkInvariants(queue);
      for (const each of engines) await each.close();
    },
  };
}

/** Every task lies in the set that its state names, and in no other. */
function checkInvariants(queue: StoredQueue): void {
  const sets = [...Object.values(queue.sets), ...queue.groups.values()];
  sets.push(...[...queue.aggregationSets.values()].map(({ members }) => members));
  const placed = sets.flatMap((set) => set.slice(0, set.size));
  expect(placed).toHaveLength(queue.tasks.size);
  expect(new Set(placed)).toEqual(new Set(queue.tasks.values()));
  for (const [state, set] of Object.entries(queue.sets)) {
    for (const task of set.slice(0, set.size)) expect(task.state).toBe(state);
  }
  for (const [group, set] of queue.groups) {
    expect(set.size).toBeGreaterThan(0);
    for (const task of set.slice(0, set.size)) expect(task).toMatchObject({ state: "aggregating", group });
  }
}
