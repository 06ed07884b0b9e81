import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { RedisCommands } from "./redis-commands.ts";

/** The engine's clock: this process's wall clock, corrected by Redis's (docs/protocol.md 18.3). */
export interface ServerClock {
  /** Milliseconds since the Unix epoch, whole. */
  now(): number;
  /** Milliseconds to add to the wall clock. */
  readonly offset: number;
  /** Asks Redis for its time, on the connection given or its own. Called on every new connection and with heartbeats. */
  measure(on?: Pick<RedisCommands, "command">): Promise<void>;
}

export interface ServerClockOptions {
  readonly commands: Pick<RedisCommands, "command">;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Of so many samples at the most, the one with the smallest round trip counts. */
const SAMPLES = 3;
/** Half of a round trip, in milliseconds, below which one sample will do. */
const GOOD = 5;
/** An offset that an operator should know of. */
const NOTABLE = 5_000;

export function serverClock({ commands, clock, logger }: ServerClockOptions): ServerClock {
  let offset: number | undefined;
  let warned = false;

  /** Redis answered somewhere between asking and hearing: in the middle, give or take half of it. */
  async function sample(on: Pick<RedisCommands, "command">): Promise<{ offset: number; error: number }> {
    const wall = clock.now();
    const start = clock.monotonic();
    const reply = await on.command(undefined, "TIME", []);
    const error = (clock.monotonic() - start) / 2;
    const [seconds, micros] = (reply as Buffer[]).map(Number);
    return { offset: Number(seconds) * 1_000 + Number(micros) / 1_000 - (wall + error), error };
  }

  async function measure(on: Pick<RedisCommands, "command"> = commands): Promise<void> {
    let best = await sample(on);
    for (let i = 1; i < SAMPLES && best.error > GOOD; i += 1) {
      const next = await sample(on);
      if (next.error < best.error) best = next;
    }
    // What may be an error of measurement does not move the clock to and fro.
    if (offset === undefined || Math.abs(best.offset - offset) > best.error) offset = Math.round(best.offset);
    const notable = Math.abs(offset) > NOTABLE;
    if (notable && !warned) {
      logger.warn(
        { offsetMs: offset },
        "this machine's clock and Redis's differ by more than 5 s; Redis's counts",
      );
    }
    warned = notable;
  }

  return {
    now: () => Math.round(clock.now() + (offset ?? 0)),
    get offset() {
      return offset ?? 0;
    },
    measure,
  };
}

/** A clock that does not ask: the wall clock and a fixed offset. */
export function fixedServerClock(clock: Clock, offset = 0): ServerClock {
  return { now: () => Math.round(clock.now() + offset), offset, measure: async () => undefined };
}
