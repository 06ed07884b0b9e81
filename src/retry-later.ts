import { type Duration, parseDuration } from "./duration.ts";
import { TitanQueueError } from "./errors.ts";

export interface RetryLaterOptions extends ErrorOptions {
  /** Count this as one of the task's retries, and as a failure in the statistics. @defaultValue false */
  countAsFailure?: boolean | undefined;
}

/** Throw it from a handler: run the task again after `delay`, without (by default) using up one of its retries. */
export class RetryLater extends TitanQueueError {
  static readonly code = "RETRY_LATER";
  override readonly name: string = "RetryLater";
  readonly code = RetryLater.code;
  /** Milliseconds. */
  readonly delay: number;
  readonly countAsFailure: boolean;

  constructor(delay: Duration, options: RetryLaterOptions = {}) {
    super("retry later", options);
    this.delay = parseDuration("delay", delay);
    this.countAsFailure = options.countAsFailure ?? false;
  }
}
