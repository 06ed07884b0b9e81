import type { Broker } from "../../src/broker/broker.ts";
import { type Engine, engineBrand } from "../../src/broker/engine.ts";
import type { Inspection } from "../../src/broker/inspection.ts";
import type { LimitStore } from "../../src/broker/limits.ts";
import type { Repair } from "../../src/broker/repair.ts";
import type { RollupStore } from "../../src/broker/rollups.ts";
import type { ScheduleStore } from "../../src/broker/schedule-store.ts";
import { EngineUnavailableError } from "../../src/errors.ts";
import type { Clock } from "../../src/runtime/clock.ts";

/**
 * up: as it is. down: refuses at once. frozen: does nothing, and refuses when the time of the command is up.
 * mute: does what it is told, but the answer is lost.
 */
export type Fault = "up" | "down" | "frozen" | "mute";

const COMMAND_TIMEOUT = 5_000;

/** A real engine behind a connection that a test can break. It counts the calls that ran into the fault. */
export class FaultyEngine implements Engine {
  readonly [engineBrand] = true;
  readonly kind = "faulty";
  readonly broker: Broker;
  readonly inspection: Inspection;
  readonly repair: Repair;
  readonly schedules: ScheduleStore;
  readonly limits: LimitStore;
  readonly rollups: RollupStore;
  readonly #inner: Engine;
  readonly #clock: Clock;
  fault: Fault = "up";
  /** Calls that failed, by name. */
  readonly failed: string[] = [];
  /** Calls that were made, by name. */
  readonly calls: string[] = [];
  /** Refuses a call, by name and arguments, with the error that it answers. */
  refuse: (name: string, args: unknown[]) => Error | undefined = () => undefined;
  /** Runs before a call, by name, and may take its time. */
  before: (name: string) => Promise<void> | undefined = () => undefined;

  constructor(inner: Engine, clock: Clock) {
    this.#inner = inner;
    this.#clock = clock;
    this.inspection = inner.inspection;
    this.repair = inner.repair;
    this.schedules = this.#faulty(inner.schedules);
    this.broker = this.#faulty(inner.broker);
    this.limits = this.#faulty(inner.limits);
    this.rollups = this.#faulty(inner.rollups);
  }

  #faulty<T extends object>(door: T): T {
    return new Proxy(door, {
      get: (_, name: string) => {
        const method = door[name as keyof T] as (...args: unknown[]) => unknown;
        if (name === "now" || name === "watch" || name === "tickTime") return method.bind(door);
        return (...args: unknown[]) =>
          this.#call(name, () => {
            const refusal = this.refuse(name, args);
            if (refusal) throw refusal;
            return method.apply(door, args);
          });
      },
    });
  }

  use(): () => Promise<void> {
    return this.#inner.use();
  }

  open(): Promise<void> {
    return this.#call("open", () => this.#inner.open()) as Promise<void>;
  }

  ping(): Promise<void> {
    return this.#call("ping", () => this.#inner.ping()) as Promise<void>;
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #call(name: string, work: () => unknown): Promise<unknown> {
    this.calls.push(name);
    await this.before(name);
    const { fault } = this;
    if (fault === "up") return work();
    if (fault === "frozen") {
      await new Promise<void>((resolve) => this.#clock.setTimer(COMMAND_TIMEOUT, resolve));
    }
    if (fault === "mute") await work();
    this.failed.push(name);
    throw new EngineUnavailableError(`${name}: the engine is ${fault}`, undefined, fault !== "down");
  }
}
