import { systemClock } from "../runtime/clock.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { Leaving } from "./leaving.ts";
import type { Output } from "./output.ts";
import { count, Progress, type Steps } from "./progress.ts";

/** What long work is handed to be watched and stopped by. */
export interface Watch {
  readonly signal: AbortSignal;
  readonly onProgress: (steps: Steps) => void;
}

/**
 * Does long work: shows how far it is, and lets Ctrl+C end it between two steps, a second one at once. Work that rejects
 * because it was stopped answers `undefined`.
 *
 * @param what - as in `deleting`
 */
export async function watched<R>(
  out: Output,
  what: string,
  work: (watch: Watch) => Promise<R>,
): Promise<{ readonly result: R | undefined; readonly steps: Steps }> {
  const stop = new AbortController();
  const progress = new Progress(out, systemClock, what);
  let steps: Steps = { done: 0, total: 0 };
  new Leaving(systemClock, {
    first: () => stop.abort(),
    second: () => process.exit(EXIT.failed),
    third: () => process.exit(EXIT.failed),
  });
  const onProgress = (now: Steps): void => {
    steps = now;
    progress.show(now);
  };
  try {
    return { result: await work({ signal: stop.signal, onProgress }), steps };
  } catch (error) {
    if (!stop.signal.aborted || error !== stop.signal.reason) throw error;
    return { result: undefined, steps };
  } finally {
    progress.end();
  }
}

/** Tells that work was stopped, and how to go on. */
export function tellStopped(out: Output, { done, total }: Steps): ExitCode {
  out.error({
    code: "STOPPED",
    message: `stopped after ${count(done)} of ${count(total)}; what was done is done`,
    remedy: "the same command goes on from there",
    exit: EXIT.failed,
  });
  return EXIT.failed;
}
