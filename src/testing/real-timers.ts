/**
 * Refuses to begin while the test runner's fake timers are in place: client and server would wait for immediates and
 * ticks that never come, and the test would only say that it took too long.
 *
 * @throws Error they are.
 */
export function requireRealTimers(): void {
  // The mark of the library that vitest, jest and sinon use. Promises of ours need immediates.
  if ((globalThis.setImmediate as { clock?: unknown }).clock === undefined) return;
  throw new Error(
    "fake timers are in place, so nothing here would ever answer; titanqueue/testing has a clock of its own, which " +
      "q.advance() turns. For dates, fake nothing but Date (toFake in vitest, doNotFake in jest)",
  );
}
