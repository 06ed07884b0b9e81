import type { Redis } from "ioredis";
import type { GoldenKey, GoldenStore } from "../../engine/redis/golden-store.ts";
import type { OurSide } from "./our-side.ts";

const LEASES = /^asynq:\{(.*)\}:lease$/;

/** Makes what `ours` holds what Go's holds, but for the tokens in leases, which our attempts are known by. */
export async function mend(
  ours: Redis,
  gos: Redis,
  stored: GoldenStore,
  wanted: GoldenStore,
  { fraction }: Pick<OurSide, "fraction">,
): Promise<void> {
  for (const key of new Set([...Object.keys(stored), ...Object.keys(wanted)])) {
    const have = stored[key];
    const want = wanted[key];
    if (JSON.stringify(have) === JSON.stringify(want)) continue;
    const [, queue] = LEASES.exec(key) ?? [];
    if (want === undefined) await ours.del(key);
    else if (queue !== undefined) await mendLeases(ours, key, want, (id) => fraction(queue, id) ?? 0);
    else await gos.call("COPY", key, key, "DB", "1", "REPLACE");
  }
}

async function mendLeases(ours: Redis, key: string, want: GoldenKey, fraction: (id: string) => number) {
  await ours.del(key);
  for (const [id, score] of want.zset ?? []) await ours.zadd(key, String(Number(score) + fraction(id)), id);
}
