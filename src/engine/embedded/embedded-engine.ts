import type { Broker } from "../../broker/broker.ts";
import { type Engine, engineBrand } from "../../broker/engine.ts";
import type { Inspection } from "../../broker/inspection.ts";
import type { LimitStore } from "../../broker/limits.ts";
import type { Repair } from "../../broker/repair.ts";
import type { RollupStore } from "../../broker/rollups.ts";
import type { ScheduleStore } from "../../broker/schedule-store.ts";
import type { EngineDoor } from "./engine-door.ts";

export interface EmbeddedEngineParts {
  readonly kind: string;
  readonly schedules: ScheduleStore;
  readonly broker: Broker;
  readonly inspection: Inspection;
  readonly repair: Repair;
  readonly limits: LimitStore;
  readonly rollups: RollupStore;
  readonly door: EngineDoor;
  /** Resolves when the store can be used. Called while the door is open. */
  ready(): Promise<void>;
}

/** An engine whose store is within this process's own reach: open or closed is a matter of its door alone. */
export class EmbeddedEngine implements Engine {
  readonly [engineBrand] = true;
  readonly kind: string;
  readonly schedules: ScheduleStore;
  readonly broker: Broker;
  readonly inspection: Inspection;
  readonly repair: Repair;
  readonly limits: LimitStore;
  readonly rollups: RollupStore;
  readonly #door: EngineDoor;
  readonly #ready: () => Promise<void>;
  #users = 0;

  constructor(parts: EmbeddedEngineParts) {
    this.kind = parts.kind;
    this.schedules = parts.schedules;
    this.broker = parts.broker;
    this.inspection = parts.inspection;
    this.repair = parts.repair;
    this.limits = parts.limits;
    this.rollups = parts.rollups;
    this.#door = parts.door;
    this.#ready = parts.ready;
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
    await this.#ready();
  }

  async ping(): Promise<void> {
    this.#door.check();
    await this.#ready();
  }

  async close(): Promise<void> {
    this.#door.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
