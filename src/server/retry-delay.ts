import { MAX_DURATION } from "../duration.ts";

/**
 * asynq's formula, `docs/protocol.md` 6.3, in milliseconds: about 15 s after the first failure, a quarter of an hour
 * after the fifth, four days after the 25th, with a random part that keeps failures of one moment apart.
 *
 * @param retried - retries before this failure
 * @param random - a number in [0, 1)
 */
export function defaultRetryDelay(retried: number, random: number): number {
  const seconds = retried ** 4 + 15 + Math.floor(random * 30) * (retried + 1);
  return Math.min(seconds * 1_000, MAX_DURATION);
}
