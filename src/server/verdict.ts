import type { Settlement } from "../broker/broker.ts";
import { parseDuration } from "../duration.ts";
import { LeaseLostError, RevokeTask, SkipRetry, TaskCanceledError, TaskTimeoutError } from "../errors.ts";
import type { AttemptRecord } from "../protocol/attempt-log.ts";
import type { TaskMessage } from "../protocol/task-message.ts";
import { floorSeconds } from "../protocol/units.ts";
import { RetryLater } from "../retry-later.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Task } from "../task.ts";
import { errorText } from "./error-text.ts";
import type { SettleCause } from "./events.ts";
import { guarded } from "./guarded.ts";
import type { HandlerOptions, IsFailure, RetryDelay } from "./handler.ts";
import { encodeResult } from "./result.ts";
import { defaultRetryDelay } from "./retry-delay.ts";
import type { AbortReason } from "./worker.ts";

/** What becomes of a task whose attempt failed. */
export type Verdict =
  | { readonly outcome: "retry"; readonly at: Date }
  | {
      readonly outcome: "archive";
      readonly reason: "exhausted" | "skip-retry" | "invalid" | "canceled";
    }
  | { readonly outcome: "drop" };

export interface Judgement {
  readonly settlement: Settlement;
  readonly verdict: Verdict;
  readonly cause: SettleCause;
}

/** An attempt that failed. */
export interface Failure {
  readonly message: TaskMessage;
  readonly task: Task;
  readonly error: unknown;
  /** Why the handler had been told to end, if it had. */
  readonly reason: AbortReason | undefined;
  /** The payload does not fit the definition. */
  readonly invalid: boolean;
  /** Policies of its handler, before those of the server. */
  readonly policy: HandlerOptions;
  /** How long its handler ran here, milliseconds; absent: it was run by a server that is dead now. */
  readonly duration?: number;
}

export interface JudgeOptions {
  /** Milliseconds of the engine's clock. */
  readonly now: () => number;
  readonly random: () => number;
  readonly logger: Logger;
  readonly retryDelay: RetryDelay | undefined;
  readonly isFailure: IsFailure | undefined;
  readonly cancelPolicy: "retry" | "archive";
  /** `host:pid`, as it is noted with failed attempts. */
  readonly server?: string;
}

export const DONE: Settlement = { kind: "done" };
export const REQUEUE: Settlement = { kind: "requeue" };

/** Decides what becomes of tasks, `docs/protocol.md` 10. The order of the tests is part of the protocol. */
export class Judge {
  readonly #options: JudgeOptions;

  constructor(options: JudgeOptions) {
    this.#options = options;
  }

  /** The handler returned `value`. */
  success(message: TaskMessage, value: unknown): Settlement {
    const retention = Number(message.retention);
    if (retention <= 0) return DONE;
    const now = this.#options.now();
    const result = this.#resultOf(message, value);
    return {
      kind: "complete",
      message: { ...message, completedAt: floorSeconds(now) },
      expireAt: now + retention * 1_000,
      ...(result && { result }),
    };
  }

  failure(failure: Failure): Judgement {
    const { message, error } = failure;
    const control = controlIn(error);
    if (failure.invalid) return this.#archive(failure, "invalid");
    if (control instanceof RevokeTask) {
      return { settlement: DONE, verdict: { outcome: "drop" }, cause: "revoked" };
    }
    if (control instanceof SkipRetry) return this.#archive(failure, "skip-retry");
    const snooze = control instanceof RetryLater ? control : undefined;
    if (snooze && !snooze.countAsFailure) return this.#retry(failure, snooze.delay, false, "retry-later");
    if (failure.reason instanceof TaskCanceledError && !snooze && this.#options.cancelPolicy === "archive") {
      return this.#archive(failure, "canceled");
    }
    if (message.retried >= message.retry) return this.#archive(failure, "exhausted");
    if (snooze) return this.#retry(failure, snooze.delay, true, "retry-later");
    return this.#retry(failure, this.#retryDelay(failure), this.#isFailure(failure), causeOf(failure));
  }

  #archive(failure: Failure, reason: Extract<Verdict, { outcome: "archive" }>["reason"]): Judgement {
    const now = this.#options.now();
    const message = withError(failure, now, false);
    const attempt = this.#attempt(failure, now, "archive", reason, message.errorMsg);
    return {
      settlement: { kind: "archive", message, attempt },
      verdict: { outcome: "archive", reason },
      cause: reason,
    };
  }

  #retry(failure: Failure, delay: number, isFailure: boolean, cause: SettleCause): Judgement {
    const now = this.#options.now();
    const retryAt = now + delay;
    const message = withError(failure, now, isFailure);
    const attempt = this.#attempt(failure, now, "retry", cause, message.errorMsg);
    return {
      settlement: { kind: "retry", message, retryAt, isFailure, attempt },
      verdict: { outcome: "retry", at: new Date(retryAt) },
      cause,
    };
  }

  #attempt(
    { duration }: Failure,
    at: number,
    outcome: AttemptRecord["outcome"],
    cause: SettleCause,
    error: string,
  ): AttemptRecord {
    const server = duration === undefined ? undefined : this.#options.server;
    return { at, outcome, cause, duration, server, error };
  }

  #retryDelay({ message, error, task, policy: own }: Failure): number {
    const { logger, random } = this.#options;
    const policy = own.retryDelay ?? this.#options.retryDelay;
    if (policy !== undefined) {
      const asked = guarded(logger, "retryDelay", () => policy(message.retried, error, task));
      if (asked !== undefined) {
        const delay = guarded(logger, "retryDelay", () => parseDuration("retryDelay", asked));
        if (delay !== undefined) return delay;
      }
    }
    return defaultRetryDelay(message.retried, random());
  }

  #isFailure({ error, policy: own }: Failure): boolean {
    const policy = own.isFailure ?? this.#options.isFailure;
    if (policy === undefined) return true;
    const answer: unknown = guarded(this.#options.logger, "isFailure", () => policy(error));
    if (typeof answer === "boolean") return answer;
    if (answer !== undefined) {
      this.#options.logger.error({ answer: typeof answer }, "isFailure must answer true or false");
    }
    return true;
  }

  /** A result that cannot be stored does not make a failure of what succeeded. */
  #resultOf(message: TaskMessage, value: unknown): Uint8Array | undefined {
    try {
      return encodeResult(value);
    } catch (error) {
      const facts = { type: message.type, taskId: message.id, queue: message.queue };
      this.#options.logger.warn({ ...facts, error }, "the result cannot be stored and is left out");
      return undefined;
    }
  }
}

/** The error is written for what is no failure, too; only failures count as retries. */
function withError({ message, error }: Failure, now: number, counts: boolean): TaskMessage {
  return {
    ...message,
    errorMsg: errorText(error),
    lastFailedAt: floorSeconds(now),
    retried: counts ? message.retried + 1 : message.retried,
  };
}

function causeOf({ reason }: Failure): SettleCause {
  if (reason instanceof TaskCanceledError) return "canceled";
  if (reason instanceof TaskTimeoutError) return "timeout";
  return reason instanceof LeaseLostError ? "lease-expired" : "error";
}

/** How deep a control error may lie within others, as `cause`. */
const DEEPEST = 10;

/** The control error that was thrown, itself or as the cause of another. */
function controlIn(error: unknown): RevokeTask | SkipRetry | RetryLater | undefined {
  try {
    let each = error;
    for (let depth = 0; depth < DEEPEST && typeof each === "object" && each !== null; depth++) {
      if (each instanceof RevokeTask || each instanceof SkipRetry || each instanceof RetryLater) return each;
      each = (each as { cause?: unknown }).cause;
    }
  } catch {
    // An object that does not let itself be looked at is an ordinary error.
  }
  return undefined;
}
