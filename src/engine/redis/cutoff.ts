import type { RedisContext } from "./redis-context.ts";

/** Milliseconds by which the two clocks may differ before neither is trusted. */
const TOLERANCE = 5_000;
/** How long the work is left to other servers, whose clocks may be better. */
const PATIENCE = 60_000;

/**
 * What may count as due: the earlier of the store's clock and our own, `docs/protocol.md` 18.3.3. A jump of either
 * must not set off every lease and every schedule of a queue at once.
 */
export class Cutoff {
  readonly #context: Pick<RedisContext, "clock" | "runtime" | "logger">;
  #differsSince: number | undefined;

  constructor(context: Pick<RedisContext, "clock" | "runtime" | "logger">) {
    this.#context = context;
  }

  /** Milliseconds; `undefined`: leave the work to another server for now. */
  at(): number | undefined {
    const { clock, runtime, logger } = this.#context;
    const now = clock.now();
    const wall = runtime.clock.now();
    if (Math.abs(now - wall) <= TOLERANCE) {
      this.#differsSince = undefined;
      return Math.min(now, wall);
    }
    const monotonic = runtime.clock.monotonic();
    if (this.#differsSince === undefined) {
      this.#differsSince = monotonic;
      logger.warn(
        { differenceMs: Math.round(now - wall) },
        "this machine's clock differs from Redis's: due tasks and lost leases are left to other servers for a minute",
      );
    }
    return monotonic - this.#differsSince >= PATIENCE ? now : undefined;
  }
}
