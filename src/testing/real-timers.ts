/**
 * Refuses to begin while the test runner's fake timers are in place: client and server would wait for immediates and
 * ticks that never come, and the test would only say that it took too long.
 *
 * @throws Error they are.
 */
export function requireRealTimers(): void {
  const needed = [globalThis.setImmediate, globalThis.queueMicrotask, process.nextTick];
  // The mark of the library that vitest, jest and sinon use.
  if (!needed.some((timer) => "clock" in timer)) return;
  throw new Error(
    "fake timers are in place, so nothing here would ever answer; titanqueue/testing has a clock of its own, which " +
      "q.advance() turns. For dates, fake nothing but Date (toFake in vitest, doNotFake in jest)",
  );
}
