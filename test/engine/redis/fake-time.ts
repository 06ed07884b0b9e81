import type { Redis } from "ioredis";

/** Microseconds, as text. Outside every queue, so that no dump of one shows it. */
export const FAKE_TIME_KEY = "tq:test:clock";

const REAL = "redis.call('TIME')";
const FAKE = `(function()
local micros = redis.call('GET', '${FAKE_TIME_KEY}')
return { string.sub(micros, 1, -7), string.sub(micros, -6) }
end)()`;

/** The script with a clock that a test turns: pass as the engine's `scriptSource`. */
export function fakeTime(source: string): string {
  const parts = source.split(REAL);
  if (parts.length > 2) throw new Error("a script asks for the time more than once");
  return parts.join(FAKE);
}

/** What time it is for scripts that went through {@link fakeTime}. */
export async function setFakeTime(client: Pick<Redis, "set">, ms: number): Promise<void> {
  await client.set(FAKE_TIME_KEY, String(Math.round(ms * 1_000)));
}
