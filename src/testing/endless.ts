import { AssertionError } from "node:assert";

/** Attempts that one call runs at most, unless it says otherwise. */
export const MOST_ATTEMPTS = 10_000;

export function endless(attempts: number): AssertionError {
  return new AssertionError({
    message: `${attempts} attempts have run, and tasks are still pending: does one enqueue itself, or retry at once?`,
  });
}
