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
 * script is repeated by a better clock, until it is time to give up.
 */
export async function withinClock(
  context: Pick<RedisContext, "clock" | "runtime" | "commandTimeout" | "cluster">,
  run: (window: ClockWindow, options: RedisCallOptions) => Promise<RedisReply>,
  { signal, giveUpAt = context.runtime.clock.monotonic() + context.commandTimeout }: ClockedCallOptions = {},
): Promise<RedisReply> {
  const { clock, runtime } = context;
  let now = Math.floor(clock.now());
  for (let attempt = 1; ; attempt += 1) {
    const timeout = Math.max(1, giveUpAt - runtime.clock.monotonic());
    const options = signal === undefined ? { timeout } : { timeout, signal };
    const reply = await run({ now, deadline: now + Math.ceil(timeout) }, options);
    const refusedAt = refusalTime(reply);
    if (refusedAt === undefined) return reply;
    if (attempt === ATTEMPTS || runtime.clock.monotonic() >= giveUpAt) {
      throw new EngineUnavailableError("Redis refused a script: its clock and ours do not agree");
    }
    now = Math.floor(await timeAfter(refusedAt, context));
  }
}

/**
 * Measures the clock again, and answers what time it is for a script that was refused at `refusedAt`, the store's time
 * in milliseconds. In a Cluster, what is measured may be the clock of another node than the one that refused.
 */
export async function timeAfter(
  refusedAt: number,
  { clock, runtime, cluster }: Pick<RedisContext, "clock" | "runtime" | "cluster">,
): Promise<number> {
  const heardAt = runtime.clock.monotonic();
  await clock.measure();
  return cluster ? Math.floor(refusedAt + runtime.clock.monotonic() - heardAt) : clock.now();
}

/** Milliseconds by the store's clock; `undefined`: the script was not refused. */
function refusalTime(reply: RedisReply): number | undefined {
  if (!Array.isArray(reply) || !Buffer.isBuffer(reply[0]) || !reply[0].equals(REFUSAL)) return undefined;
  return Number(reply[1]) * 1_000 + Number(reply[2]) / 1_000;
}

const REFUSAL = Buffer.from("clock");
