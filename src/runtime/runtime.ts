import { randomUUID } from "node:crypto";
import { type Clock, systemClock } from "./clock.ts";

/** Time and chance, handed in. The default is the real thing; tests hand in their own. */
export interface Runtime {
  readonly clock: Clock;
  /** A number in [0, 1). */
  random(): number;
  /** A fresh UUID v4 in lower case. */
  uuid(): string;
}

export const systemRuntime: Runtime = {
  clock: systemClock,
  random: () => Math.random(),
  uuid: () => randomUUID(),
};
