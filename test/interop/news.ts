import type { RedisRig } from "../support/redis-rig.ts";

/**
 * How the tests beside Go wait: a condition is looked at again when something has happened that may have changed it, and
 * not before. Keys that are written tell so themselves ({@link hearKeys}), a peer by each of its lines, what happens in
 * this process by {@link tell}.
 */
const waiting = new Set<() => void>();

/** Less than a test may take here, so that what was waited for is told. */
const PATIENCE = 100_000;

/** Something has happened. */
export function tell(): void {
  for (const resolve of waiting) resolve();
  waiting.clear();
}

/** Every key that is written from now on is news, whoever writes it; one that expires, too. */
export async function hearKeys(redis: RedisRig): Promise<void> {
  const client = redis.client();
  await client.config("SET", "notify-keyspace-events", "EA");
  client.on("pmessage", tell);
  await client.psubscribe("__keyevent@*__:*");
}

/** Waits until `condition` holds, and fails with `what` when nothing that happens makes it hold. */
export async function eventually(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const over = AbortSignal.timeout(PATIENCE);
  over.addEventListener("abort", tell);
  for (;;) {
    // Before the look: what happens during it is news, too.
    const news = new Promise<void>((resolve) => waiting.add(resolve));
    if (await condition()) return;
    if (over.aborted) throw new Error(`waited in vain: ${what}`);
    await news;
  }
}
