import type { Engine, EngineOptions } from "../../broker/engine.ts";
import { embeddedBroker } from "../embedded/embedded-broker.ts";
import { EmbeddedEngine } from "../embedded/embedded-engine.ts";
import { embeddedInspection } from "../embedded/embedded-inspection.ts";
import { embeddedLimits } from "../embedded/embedded-limits.ts";
import type { EmbeddedStore } from "../embedded/embedded-store.ts";
import { EngineDoor } from "../embedded/engine-door.ts";
import { embeddedRollups } from "../embedded/rollups.ts";
import { embeddedSchedules } from "../embedded/schedules.ts";
import { checkEngineOptions } from "../engine-options.ts";
import { LEASE_TIMINGS, type LeaseTimings } from "../timings.ts";
import { memoryRepair } from "./memory-repair.ts";
import { memoryNews } from "./news.ts";
import { MemoryStore } from "./store.ts";

/** For tests. */
export interface MemoryEngineInternals {
  /** Where the tasks lie. @defaultValue a store of its own */
  readonly store?: MemoryStore;
  /** @defaultValue {@link LEASE_TIMINGS} */
  readonly timings?: LeaseTimings;
}

/**
 * Keeps tasks in this process, in a store of its own: nothing survives the process, nothing needs to be installed.
 * Every call is answered at once, so of the options only `runtime` concerns it.
 *
 * @throws {@link InvalidOptionError} an option is unknown or not acceptable.
 */
export function memoryEngine(options: EngineOptions = {}): Engine {
  return createMemoryEngine(options);
}

/** As {@link memoryEngine}, on the one store of that name in this process, whoever else uses it. */
export function namedMemoryEngine(name: string, options: EngineOptions = {}): Engine {
  return createMemoryEngine(options, { store: namedStore(name) });
}

/** The one store of that name in this process. */
export function namedStore(name: string): MemoryStore {
  let store = namedStores().get(name);
  if (store === undefined) {
    store = new MemoryStore();
    namedStores().set(name, store);
  }
  return store;
}

export function createMemoryEngine(options: EngineOptions, internals: MemoryEngineInternals = {}): Engine {
  const { clock } = checkEngineOptions(options).runtime;
  const { store = new MemoryStore(), timings = LEASE_TIMINGS } = internals;
  const door = new EngineDoor();
  const run = async <T>(work: (store: EmbeddedStore) => T): Promise<T> => {
    door.check();
    return work(store);
  };
  const transactions = { read: run, write: run };
  return new EmbeddedEngine({
    kind: "memory",
    schedules: embeddedSchedules(transactions, clock),
    broker: embeddedBroker(transactions, memoryNews(store, door), clock, timings),
    inspection: embeddedInspection(transactions, clock),
    repair: memoryRepair(transactions),
    limits: embeddedLimits(transactions, clock),
    rollups: embeddedRollups(transactions, clock),
    door,
    ready: async () => undefined,
  });
}

const registry = Symbol.for("titanqueue.memory");

/** Shared by every copy of the package in the process. */
function namedStores(): Map<string, MemoryStore> {
  const home = globalThis as { [registry]?: Map<string, MemoryStore> };
  home[registry] ??= new Map();
  return home[registry];
}
