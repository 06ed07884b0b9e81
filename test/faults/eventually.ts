import { setTimeout as wait } from "node:timers/promises";

/** Asks again and again until `condition` holds, and fails with `what` when it does not in time. */
export async function eventually(
  what: string,
  condition: () => boolean | Promise<boolean>,
  within = 10_000,
): Promise<void> {
  const deadline = performance.now() + within;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${within} ms in vain: ${what}`);
    await wait(10);
  }
}
