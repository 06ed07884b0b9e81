import type { Broker } from "../../broker/broker.ts";
import { type Engine, type EngineOptions, engineBrand } from "../../broker/engine.ts";
import type { Inspection } from "../../broker/inspection.ts";
import type { Clock } from "../../runtime/clock.ts";
import { checkEngineOptions } from "../engine-options.ts";
import { LEASE_TIMINGS, type LeaseTimings } from "../timings.ts";
import { EngineDoor } from "./engine-door.ts";
import { memoryBroker } from "./memory-broker.ts";
import { memoryInspection } from "./memory-inspection.ts";
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
  return new MemoryEngine(
    checkEngineOptions(options).runtime.clock,
    internals.store ?? new MemoryStore(),
    internals.timings ?? LEASE_TIMINGS,
  );
}

const registry = Symbol.for("titanqueue.memory");

/** Shared by every copy of the package in the process. */
function namedStores(): Map<string, MemoryStore> {
  const home = globalThis as { [registry]?: Map<string, MemoryStore> };
  home[registry] ??= new Map();
  return home[registry];
}

class MemoryEngine implements Engine {
  readonly [engineBrand] = true;
  readonly kind = "memory";
  readonly broker: Broker;
  readonly inspection: Inspection;
  readonly #door = new EngineDoor();
  #users = 0;

  constructor(clock: Clock, store: MemoryStore, timings: LeaseTimings) {
    this.broker = memoryBroker(store, clock, timings, this.#door);
    this.inspection = memoryInspection(store, clock, this.#door);
  }

  use(): () => Promise<void> {
    this.#users += 1;
    this.#door.open();
    let used = true;
    return async () => {
      if (!used) return;
      used = false;
      this.#users -= 1;
      if (this.#users === 0) await this.close();
    };
  }

  async open(): Promise<void> {
    this.#door.open();
  }

  async ping(): Promise<void> {
    this.#door.check();
  }

  async close(): Promise<void> {
    this.#door.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
