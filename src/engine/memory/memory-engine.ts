import type { Broker } from "../../broker/broker.ts";
import { type Engine, engineBrand } from "../../broker/engine.ts";
import type { Inspection } from "../../broker/inspection.ts";
import { ClosedError } from "../../errors.ts";
import { type Runtime, systemRuntime } from "../../runtime/runtime.ts";
import { LEASE_TIMINGS, type LeaseTimings } from "../timings.ts";
import { memoryBroker } from "./memory-broker.ts";
import { memoryInspection } from "./memory-inspection.ts";
import { MemoryStore } from "./store.ts";

export interface MemoryEngineOptions {
  /** Time and chance. @defaultValue the real ones */
  readonly runtime?: Runtime | undefined;
}

/** For tests. */
export interface MemoryEngineInternals {
  /** Where the tasks lie. @defaultValue a store of its own */
  readonly store?: MemoryStore;
  /** @defaultValue {@link LEASE_TIMINGS} */
  readonly timings?: LeaseTimings;
}

/** Keeps tasks in this process, in a store of its own: nothing survives the process, nothing needs to be installed. */
export function memoryEngine(options: MemoryEngineOptions = {}): Engine {
  return createMemoryEngine(options);
}

/** As {@link memoryEngine}, on the one store of that name in this process, whoever else uses it. */
export function namedMemoryEngine(name: string, options: MemoryEngineOptions = {}): Engine {
  let store = namedStores().get(name);
  if (store === undefined) {
    store = new MemoryStore();
    namedStores().set(name, store);
  }
  return createMemoryEngine(options, { store });
}

export function createMemoryEngine(
  options: MemoryEngineOptions,
  internals: MemoryEngineInternals = {},
): Engine {
  return new MemoryEngine(
    options.runtime ?? systemRuntime,
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
  readonly #closers = new Set<() => void>();
  #users = 0;
  #closed = false;

  constructor(runtime: Runtime, store: MemoryStore, timings: LeaseTimings) {
    const door = {
      check: () => {
        if (this.#closed) throw new ClosedError("the engine");
      },
      onClose: (closer: () => void) => {
        this.#closers.add(closer);
        return () => this.#closers.delete(closer);
      },
    };
    this.broker = memoryBroker(store, runtime.clock, timings, door);
    this.inspection = memoryInspection(store, runtime.clock, door);
  }

  use(): () => Promise<void> {
    this.#users += 1;
    this.#closed = false;
    let used = true;
    return async () => {
      if (!used) return;
      used = false;
      this.#users -= 1;
      if (this.#users === 0) await this.close();
    };
  }

  async open(): Promise<void> {
    this.#closed = false;
  }

  async ping(): Promise<void> {
    if (this.#closed) throw new ClosedError("the engine");
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const closer of this.#closers) closer();
    this.#closers.clear();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
