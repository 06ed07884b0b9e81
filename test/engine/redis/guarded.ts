import { expect, it } from "vitest";
import type { RedisRig } from "../../support/redis-rig.ts";
import { openRedis, type RedisHarness } from "./harness.ts";

/** A piece of a script without which the engine would break a promise. */
export interface Guard {
  readonly script: string;
  /** Occurs once in the script as Redis gets it, without comments and indentation. */
  readonly text: string;
  /** What stands there instead when the guard is removed. @defaultValue nothing */
  readonly instead?: string;
}

/**
 * Two tests: the scenario holds, and it fails an assertion once the guard is removed, so it is this guard that makes
 * it hold.
 */
export function guarded(
  redis: RedisRig,
  title: string,
  guard: Guard,
  scenario: (engine: RedisHarness) => Promise<void>,
): void {
  it(title, async () => {
    const engine = await openRedis(redis);
    try {
      await scenario(engine);
    } finally {
      await engine.close();
    }
  });

  it(`${title}: only by its guard`, async () => {
    const engine = await openRedis(redis, { scriptSource: without(guard) });
    try {
      await expect(scenario(engine)).rejects.toMatchObject({ name: "AssertionError" });
    } finally {
      await engine.close();
      await redis.flush();
    }
  });
}

function without({ script, text, instead = "" }: Guard) {
  return (source: string, name: string): string => {
    if (name !== script) return source;
    const parts = source.split(text);
    if (parts.length !== 2) throw new Error(`${script} has its guard ${parts.length - 1} times: ${text}`);
    return parts.join(instead);
  };
}
