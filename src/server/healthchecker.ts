import type { Engine } from "../broker/engine.ts";
import type { Logger } from "../runtime/logger.ts";
import { type PeriodicComponent, periodic } from "../runtime/periodic.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { guarded } from "./guarded.ts";

/** Told regularly whether the engine answers: `undefined`, or why not. */
export type HealthCheck = (error: Error | undefined) => unknown;

export interface HealthcheckerOptions {
  readonly engine: Pick<Engine, "ping">;
  readonly healthCheck: HealthCheck;
  /** Milliseconds between pings. */
  readonly interval: number;
  readonly runtime: Runtime;
  readonly logger: Logger;
}

/** Pings the engine and tells the user's function how it went. */
export function healthchecker(options: HealthcheckerOptions): PeriodicComponent {
  const { engine, healthCheck, interval, runtime, logger } = options;
  return periodic("healthchecker", {
    every: interval,
    tick: async () => {
      const error = await engine.ping().then(
        () => undefined,
        (error: Error) => error,
      );
      guarded(logger, "healthCheck", () => healthCheck(error));
    },
    runtime,
    logger,
  });
}
