import type { Measured } from "../protocol/rollup.ts";

/** Keeps what servers have measured, for 49 hours. Instants are milliseconds of `Broker.now`. */
export interface RollupStore {
  /**
   * Adds to what others have measured since `at`, the beginning of a rollup. Not to be repeated where it may have been
   * done. At most 50 types of a queue are kept apart in a rollup; the others count under the empty name.
   */
  add(queue: string, at: number, measured: ReadonlyMap<string, Measured>): Promise<void>;

  /** Rollups that begin at `from` or later and before `to`, in no order. */
  read(queue: string, from: number, to: number): Promise<Rollup[]>;
}

export interface Rollup {
  readonly at: number;
  /** Empty: of several types. */
  readonly type: string;
  readonly measured: Measured;
}
