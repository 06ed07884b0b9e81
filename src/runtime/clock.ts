/**
 * Time as a value that is handed in. Everything of ours that waits or asks what time it is asks a Clock, so a test
 * turns the hands instead of sleeping.
 */
export interface Clock {
  /** Wall clock: milliseconds since the Unix epoch. May jump. Only for instants that are stored or shown. */
  now(): number;
  /** Milliseconds that never go back, from an arbitrary start. For lengths of time. */
  monotonic(): number;
  /** Calls `callback` once after `ms`; the answer cancels. A timer does not keep the process alive by itself. */
  setTimer(ms: number, callback: () => void): () => void;
}

/** Node's longest timer; a longer wait is cut into pieces. */
const LONGEST_TIMER = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(ms, callback) {
    let left = ms;
    let timer: NodeJS.Timeout;
    const arm = () => {
      const part = Math.min(left, LONGEST_TIMER);
      left -= part;
      timer = setTimeout(() => (left > 0 ? arm() : callback()), part);
      timer.unref();
    };
    arm();
    return () => clearTimeout(timer);
  },
};

/** Resolves after `ms`, or at once when `signal` aborts; never rejects. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      cancel();
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const cancel = clock.setTimer(ms, done);
    signal?.addEventListener("abort", done, { once: true });
  });
}
