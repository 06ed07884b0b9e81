import { EngineUnavailableError } from "../../errors.ts";
import type { RedisCallOptions, RedisReply } from "./redis-commands.ts";
import type { RedisContext } from "./redis-context.ts";

/** Between what instants, by the store's clock, a script may act. Milliseconds. */
export interface ClockWindow {
  readonly now: number;
  readonly deadline: number;
}

export interface ClockedCallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Instant of the monotonic clock. @defaultValue the command timeout from now */
  readonly giveUpAt?: number | undefined;
}

/** One wrong measurement is met by a second one; a third refusal means that the clock does not keep still. */
const ATTEMPTS = 3;

/**
 * Runs a script that refuses to act outside its window, `docs/protocol.md` 18.3. On a refusal, nothing was done: the
 * clock is measured again and the script repeated, until it is time to give up.
 */
export async function withinClock(
  { clock, runtime, commandTimeout }: Pick<RedisContext, "clock" | "runtime" | "commandTimeout">,
  run: (window: ClockWindow, options: RedisCallOptions) => Promise<RedisReply>,
  { signal, giveUpAt = runtime.clock.monotonic() + commandTimeout }: ClockedCallOptions = {},
): Promise<RedisReply> {
  for (let attempt = 1; ; attempt += 1) {
    const timeout = Math.max(1, giveUpAt - runtime.clock.monotonic());
    const now = Math.floor(clock.now());
    const options = signal === undefined ? { timeout } : { timeout, signal };
    const reply = await run({ now, deadline: now + Math.ceil(timeout) }, options);
    if (!isRefusal(reply)) return reply;
    if (attempt === ATTEMPTS || runtime.clock.monotonic() >= giveUpAt) {
      throw new EngineUnavailableError("Redis refused a script: its clock and ours do not agree");
    }
    await clock.measure();
  }
}

function isRefusal(reply: RedisReply): boolean {
  return Array.isArray(reply) && Buffer.isBuffer(reply[0]) && reply[0].equals(REFUSAL);
}

const REFUSAL = Buffer.from("clock");
