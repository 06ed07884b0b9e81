import { type Clock, systemClock } from "./clock.ts";
import { timeOrderedUuid } from "./uuid.ts";

/** Time and chance, handed in. The default is the real thing; tests hand in their own. */
export interface Runtime {
  readonly clock: Clock;
  /** A number in [0, 1). */
  random(): number;
  /** A fresh UUID in the form of version 4, in lower case. Best if later ones sort later. */
  uuid(): string;
}

export const systemRuntime: Runtime = {
  clock: systemClock,
  random: () => Math.random(),
  uuid: () => timeOrderedUuid(systemClock.now()),
};
