import type { AttemptFacts } from "../server/events.ts";
import type { Verdict } from "../server/verdict.ts";

/** How an attempt ended. */
export type Ending<R = unknown> =
  /** The handler returned. `result` is what it returned, or wrote, as it would be read back from the store. */
  | { readonly outcome: "success"; readonly result: R | undefined }
  /** It failed, and the task is tried again. */
  | (Extract<Verdict, { outcome: "retry" }> & { readonly error: unknown })
  /** It failed for good. */
  | (Extract<Verdict, { outcome: "archive" }> & { readonly error: unknown })
  /** It asked for the task to be dropped: `RevokeTask`. */
  | (Extract<Verdict, { outcome: "drop" }> & { readonly error: unknown });

/** One attempt at a task that the kit ran, and how it ended. */
export type Performed<R = unknown> = AttemptFacts & Ending<R>;

/** What {@link TestQueue.drain} ran: how many attempts ended which way, and all of them in order. */
export interface DrainReport {
  readonly success: number;
  readonly retry: number;
  readonly archive: number;
  readonly drop: number;
  readonly attempts: readonly Performed[];
}

export function drainReport(attempts: readonly Performed[]): DrainReport {
  const count = (outcome: Performed["outcome"]) =>
    attempts.filter((attempt) => attempt.outcome === outcome).length;
  return {
    success: count("success"),
    retry: count("retry"),
    archive: count("archive"),
    drop: count("drop"),
    attempts,
  };
}
