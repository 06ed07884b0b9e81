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
    let found = 0;
    const { script, text, instead = "" } = guard;
    const engine = await openRedis(redis, {
      scriptSource(source, name) {
        if (name !== script) return source;
        const parts = source.split(text);
        found = parts.length - 1;
        return parts.join(instead);
      },
    });
    try {
      await expect(scenario(engine)).rejects.toMatchObject({ name: "AssertionError" });
      // Not in `scriptSource`: a scenario may take what is thrown there for an answer of the engine.
      expect(found, `how often ${script} has its guard: ${text}`).toBe(1);
    } finally {
      await engine.close();
      await redis.flush();
    }
  });
}
