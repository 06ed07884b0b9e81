import type { Broker } from "../../src/broker/broker.ts";
import type { Engine } from "../../src/broker/engine.ts";
import type { Inspection, TaskState } from "../../src/broker/inspection.ts";

/** An open engine on an empty store of its own, and the hands of its clock. */
export interface EngineHarness {
  readonly engine: Engine;
  readonly broker: Broker;
  readonly inspection: Inspection;
  readonly clock: HarnessClock;

  /** Another open engine on the same store, as a second process would have. `close` closes it too. */
  another(): Promise<Engine>;

  /**
   * Puts a task into the store with `bytes` as its message, whatever they are: as a damaged or foreign writer
   * would. It is `pending` unless told otherwise; an `active` one has a lease that nobody holds, `scheduled` and
   * `retry` are due now.
   */
  inject(queue: string, id: string, bytes: Uint8Array, state?: InjectedState): Promise<void>;

  /** A queue name that was not used before. */
  queue(): string;

  close(): Promise<void>;
}

export type InjectedState = Extract<TaskState, "pending" | "active" | "scheduled" | "retry" | "archived">;

/** The clock of the engines and of their store. */
export interface HarnessClock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Moves time on for engines, store and whatever the store expires by itself; due timers fire. */
  advance(ms: number): Promise<void>;
}

/** Opens an engine for one test. */
export type OpenEngine = () => Promise<EngineHarness>;
