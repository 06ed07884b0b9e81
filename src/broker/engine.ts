import type { Duration } from "../duration.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Broker } from "./broker.ts";
import type { Inspection } from "./inspection.ts";
import type { LimitStore } from "./limits.ts";
import type { Repair } from "./repair.ts";
import type { RollupStore } from "./rollups.ts";
import type { ScheduleStore } from "./schedule-store.ts";

/** Marks engines, so that two copies of the package know each other's. */
export const engineBrand: unique symbol = Symbol.for("titanqueue.engine") as never;

/**
 * A store of tasks. Opens lazily, may be shared by any number of clients, servers and inspectors, and closes with
 * its last user; a later user opens it again.
 */
export interface Engine extends AsyncDisposable {
  readonly [engineBrand]: true;
  /** `"redis"`, `"memory"`. */
  readonly kind: string;
  readonly broker: Broker;
  readonly inspection: Inspection;
  readonly repair: Repair;
  readonly schedules: ScheduleStore;
  readonly limits: LimitStore;
  readonly rollups: RollupStore;

  /** Counts a user. Call the answer once, when done: the last one closes the engine. */
  use(): () => Promise<void>;

  /**
   * Connects, and checks that the store is one we can use. Repeated calls share one attempt; after a failure the
   * next call tries again.
   *
   * @throws EngineUnavailableError nobody answers (worth another try); every other error is a wrong configuration.
   */
  open(): Promise<void>;

  /** Resolves when the store answers. */
  ping(): Promise<void>;

  /** Closes now, whoever still uses it. Calls under way reject. */
  close(): Promise<void>;
}

/** What every engine takes. */
export interface EngineOptions {
  /** Time and chance. @defaultValue the real ones */
  readonly runtime?: Runtime | undefined;
  /** @defaultValue the console, warnings and errors only */
  readonly logger?: Logger | undefined;
  /** How long one call may take, waiting for a connection included. @defaultValue `"5s"` */
  readonly commandTimeout?: Duration | undefined;
}
