import type { Broker, Leased, Settlement } from "../broker/broker.ts";
import {
  InvalidPayloadError,
  LeaseLostError,
  PayloadNotJsonError,
  ShuttingDownError,
  TaskCanceledError,
  TaskTimeoutError,
} from "../errors.ts";
import type { TaskMessage } from "../protocol/task-message.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { isThenable } from "../runtime/thenable.ts";
import { receivedTask } from "../task.ts";
import { LAST_INSTANT } from "../task-options.ts";
import { Alarm } from "./alarm.ts";
import type { ErrorHandler } from "./error-handler.ts";
import { errorFields } from "./error-text.ts";
import type { ServerEvents, SettleCause } from "./events.ts";
import { guarded } from "./guarded.ts";
import { attemptFacts, Finished } from "./outcome.ts";
import type { Route, Router } from "./serve-mux.ts";
import { type Judge, REQUEUE, type Verdict } from "./verdict.ts";
import { type AbortReason, Worker } from "./worker.ts";
import type { Workers } from "./workers.ts";

export interface TaskRunnerOptions {
  readonly broker: Pick<Broker, "now" | "writeResult">;
  readonly workers: Workers;
  readonly router: Router;
  readonly judge: Judge;
  readonly events: ServerEvents;
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly errorHandler: ErrorHandler | undefined;
  /** Milliseconds a handler has to end after its abort. */
  readonly abortGrace: number;
  /** Milliseconds after the last renewal was sent when an attempt is given up for lost. */
  readonly leaseLimit: number;
  /** Takes how an attempt ended. */
  readonly onFinished: (outcome: Finished) => void;
  /** A slot became free, or the end of an attempt was decided. */
  readonly onChange: () => void;
}

/**
 * Runs tasks: calls their handlers, aborts those whose time is over, and decides how each attempt ended. An attempt
 * has one end: its handler's, or its abort's if the handler does not heed its signal in time.
 */
export class TaskRunner {
  readonly #options: TaskRunnerOptions;
  readonly #alarm: Alarm;

  constructor(options: TaskRunnerOptions) {
    this.#options = options;
    this.#alarm = new Alarm(options.runtime.clock, (now) => this.#look(now));
  }

  /**
   * Begins an attempt.
   *
   * @param sentAt - monotonic instant at which the lease was asked for, so that it cannot have begun earlier
   */
  start(leased: Leased, queue: string, sentAt: number): void {
    const { workers, events, runtime, broker } = this.#options;
    const { message } = leased;
    const now = broker.now();
    const deadline = deadlineOf(message, now);
    const begunAt = runtime.clock.monotonic();
    const times = {
      startedAt: now,
      deadline,
      begunAt,
      deadlineAt: begunAt + (deadline - now),
      leaseEndsAt: sentAt + this.#options.leaseLimit,
    };
    const worker = new Worker(leased, queue, times, this.#options);
    workers.add(worker);
    if (events.heard("taskStarted")) events.emit("taskStarted", attemptFacts(leased));
    this.#begin(worker);
  }

  /** Tells the handler to end; after `grace` the abort decides. */
  abort(worker: Worker, reason: AbortReason, grace = this.#options.abortGrace): void {
    if (worker.decided) return;
    const now = this.#options.runtime.clock.monotonic();
    worker.abort(reason);
    // Nothing that the handler does can count any more.
    const left = reason instanceof LeaseLostError ? 0 : grace;
    worker.graceEndsAt = Math.min(worker.graceEndsAt, now + left);
    if (reason instanceof LeaseLostError) this.#leaseLost(worker);
    else if (worker.graceEndsAt <= now) this.#abortDecides(worker);
    else this.#alarm.at(worker.graceEndsAt);
  }

  /** Cancels whatever runs under this id; false = nothing does. */
  cancel(taskId: string): boolean {
    let found = false;
    for (const worker of this.#options.workers.running) {
      if (worker.message.id !== taskId) continue;
      found = true;
      this.abort(worker, new TaskCanceledError());
    }
    return found;
  }

  stop(): void {
    this.#alarm.stop();
  }

  // The way of a handler, without a promise for one that is not asynchronous: it is walked for every task.

  #begin(worker: Worker): void {
    let route: Route;
    let payload: unknown;
    try {
      route = this.#options.router.route(worker.message.type);
      worker.policy = route.options;
      if (worker.deadline <= worker.startedAt) {
        this.#tooLate(worker);
        return;
      }
      this.#alarm.at(Math.min(worker.deadlineAt, worker.leaseEndsAt));
      payload = route.definition?.decode(worker.message.payload);
      if (isThenable(payload)) {
        payload.then(
          (value) => this.#callDecoded(worker, route, value),
          (error) => this.#undecoded(worker, error),
        );
        return;
      }
    } catch (error) {
      this.#undecoded(worker, error);
      return;
    }
    if (route.definition === undefined) this.#call(worker, route);
    else this.#callDecoded(worker, route, payload);
  }

  /** The deadline passed before the attempt began. */
  #tooLate(worker: Worker): void {
    const reason = new TaskTimeoutError();
    worker.abort(reason);
    this.#failed(worker, reason);
  }

  #callDecoded(worker: Worker, route: Route, value: unknown): void {
    if (worker.decided) {
      this.#ended(worker);
      return;
    }
    worker.task = receivedTask(worker.message, { value });
    this.#call(worker, route);
  }

  #call(worker: Worker, route: Route): void {
    let value: unknown;
    try {
      value = route.handler(worker.task, worker.ctx);
      // Whether it can be awaited is for the value to say, which may throw, too.
      if (isThenable(value)) {
        value.then(
          (result) => this.#succeeded(worker, result),
          (error) => this.#failed(worker, error),
        );
        return;
      }
    } catch (error) {
      this.#failed(worker, error);
      return;
    }
    this.#succeeded(worker, value);
  }

  #undecoded(worker: Worker, error: unknown): void {
    worker.invalid = error instanceof InvalidPayloadError || error instanceof PayloadNotJsonError;
    this.#failed(worker, error);
  }

  #succeeded(worker: Worker, value: unknown): void {
    if (!worker.decided) {
      const settlement = this.#options.judge.success(worker.message, value);
      this.#decide(worker, settlement, "success");
    }
    this.#ended(worker);
  }

  #failed(worker: Worker, thrown: unknown): void {
    if (!worker.decided) {
      const { reason } = worker;
      const heeded = reason !== undefined && isAbortOf(thrown, reason);
      if (heeded && reason instanceof ShuttingDownError) this.#requeue(worker);
      else this.#judge(worker, heeded ? reason : thrown);
    }
    this.#ended(worker);
  }

  // What may happen meanwhile.

  /** Aborts what is overdue, and answers when the next one is. */
  #look(now: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const worker of this.#options.workers.running) {
      if (worker.leaseEndsAt <= now) this.abort(worker, new LeaseLostError());
      else if (worker.graceEndsAt <= now) this.#abortDecides(worker);
      else if (worker.reason === undefined && worker.deadlineAt <= now) {
        this.abort(worker, new TaskTimeoutError());
      }
      if (worker.decided) continue;
      next = Math.min(next, worker.leaseEndsAt, worker.graceEndsAt);
      if (worker.reason === undefined) next = Math.min(next, worker.deadlineAt);
    }
    return next;
  }

  /** The handler had its time; it goes on in its slot, but nothing that it does counts. */
  #abortDecides(worker: Worker): void {
    const { reason } = worker;
    if (reason === undefined) return;
    this.#options.logger.warn(
      { ...attemptFacts(worker.leased), reason: reason.code },
      "the handler ignores its abort signal; it keeps its slot until it ends",
    );
    if (reason instanceof ShuttingDownError) this.#requeue(worker);
    else this.#judge(worker, reason);
    this.#options.workers.outlive(worker);
    this.#options.onChange();
  }

  #leaseLost(worker: Worker): void {
    const { events, logger, workers } = this.#options;
    const facts = attemptFacts(worker.leased);
    worker.decided = true;
    workers.outlive(worker);
    logger.warn(facts, "lease lost: the task may run elsewhere, and nothing is recorded of this attempt");
    events.emit("leaseLost", facts);
    this.#options.onChange();
  }

  #judge(worker: Worker, error: unknown): void {
    const { judge, errorHandler, logger, runtime } = this.#options;
    const { message, task, ctx, reason, policy } = worker;
    const { settlement, verdict, cause } = judge.failure({
      message,
      task,
      error,
      reason,
      policy,
      invalid: worker.invalid || isUnreadable(error, message),
      duration: runtime.clock.monotonic() - worker.begunAt,
    });
    this.#decide(worker, settlement, cause);
    const [level, text] = LOGGED[verdict.outcome];
    logger[level]({ ...attemptFacts(worker.leased), ...errorFields(error), cause }, text);
    if (errorHandler !== undefined) {
      guarded(logger, "errorHandler", () => errorHandler(error, task, ctx, verdict));
    }
  }

  #requeue(worker: Worker): void {
    this.#decide(worker, REQUEUE, "shutdown");
  }

  #decide(worker: Worker, settlement: Settlement, cause: SettleCause): void {
    worker.decided = true;
    const { runtime, onFinished } = this.#options;
    const { leased, queue } = worker;
    const durationMs = runtime.clock.monotonic() - worker.begunAt;
    onFinished(new Finished(leased, queue, settlement, cause, durationMs, waitOf(worker)));
  }

  #ended(worker: Worker): void {
    this.#options.workers.remove(worker);
    this.#options.onChange();
  }
}

/** How a verdict is told: what fails for good wants somebody, what is tried again may, what was asked for does not. */
const LOGGED = {
  retry: ["warn", "attempt failed"],
  archive: ["error", "task archived"],
  drop: ["debug", "task dropped"],
} as const satisfies Record<Verdict["outcome"], readonly [level: keyof Logger, text: string]>;

const DEFAULT_TIMEOUT = 30 * 60_000;

/** When the time of an attempt that begins now is over, in milliseconds, `docs/protocol.md` 6.4. */
export function deadlineOf(message: Pick<TaskMessage, "timeout" | "deadline">, now: number): number {
  const timeout = Number(message.timeout) * 1_000;
  const deadline = Number(message.deadline) * 1_000;
  if (timeout <= 0 && deadline <= 0) return now + DEFAULT_TIMEOUT;
  const earlier = Math.min(timeout > 0 ? now + timeout : Infinity, deadline > 0 ? deadline : Infinity);
  // The last instant stands for "no limit".
  return earlier >= LAST_INSTANT ? Number.POSITIVE_INFINITY : earlier;
}

/** Whether a handler that was told to end threw just that: the reason, or the `AbortError` of what it waited for. */
function isAbortOf(thrown: unknown, reason: AbortReason): boolean {
  if (thrown === reason) return true;
  try {
    const { name, cause } = thrown as Error;
    return name === "AbortError" || cause === reason;
  } catch {
    return false;
  }
}

/** A handler without a definition asked for a payload that is not JSON: no retry will change that. */
function isUnreadable(error: unknown, message: TaskMessage): boolean {
  return error instanceof PayloadNotJsonError && error.taskType === message.type;
}

function waitOf({ leased: { pendingSince }, startedAt }: Worker): number | undefined {
  return pendingSince === undefined ? undefined : Math.max(0, startedAt - pendingSince);
}
