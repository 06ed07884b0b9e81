import type { Leased } from "../broker/broker.ts";
import type { LeaseLostError, ShuttingDownError, TaskCanceledError, TaskTimeoutError } from "../errors.ts";
import type { TaskMessage } from "../protocol/task-message.ts";
import { receivedTask, type Task } from "../task.ts";
import type { HandlerOptions } from "./handler.ts";
import type { TaskContext } from "./task-context.ts";
import { type ContextTools, WorkerContext } from "./worker-context.ts";

/** Why an attempt is cut short. */
export type AbortReason = TaskTimeoutError | TaskCanceledError | LeaseLostError | ShuttingDownError;

export interface WorkerTimes {
  /** Milliseconds of the engine's clock. */
  readonly startedAt: number;
  /** When the time of the attempt is over, by the engine's clock; infinite = never. */
  readonly deadline: number;
  /** Monotonic, as all that follow. */
  readonly begunAt: number;
  readonly deadlineAt: number;
  /** Unless the lease is renewed before, the attempt is not ours any more from then on. */
  readonly leaseEndsAt: number;
}

const NO_POLICY: HandlerOptions = Object.freeze({});

/** One attempt at a task that is being run now. Exists once per task, so it is small and makes little in advance. */
export class Worker {
  readonly leased: Leased;
  /** The queue it was leased from. */
  readonly queue: string;
  readonly ctx: TaskContext;
  /** As the handler gets it: with its payload decoded, once that is done. */
  task: Task;
  /** Policies of the handler, once it is found. */
  policy: HandlerOptions = NO_POLICY;
  /** The payload does not fit its definition. */
  invalid = false;
  readonly startedAt: number;
  readonly deadline: number;
  readonly begunAt: number;
  readonly deadlineAt: number;
  leaseEndsAt: number;
  /** When the abort decides, if the handler does not. */
  graceEndsAt = Number.POSITIVE_INFINITY;
  /** How the attempt ends is settled: by its handler or, for one that ignores its signal, by its abort. */
  decided = false;
  #reason: AbortReason | undefined;
  #controller: AbortController | undefined;
  #stopping: AbortController | undefined;
  #serverStops = false;

  constructor(leased: Leased, queue: string, times: WorkerTimes, tools: ContextTools) {
    this.leased = leased;
    this.queue = queue;
    this.ctx = new WorkerContext(this, tools);
    this.task = receivedTask(leased.message);
    this.startedAt = times.startedAt;
    this.deadline = times.deadline;
    this.begunAt = times.begunAt;
    this.deadlineAt = times.deadlineAt;
    this.leaseEndsAt = times.leaseEndsAt;
  }

  get message(): TaskMessage {
    return this.leased.message;
  }

  /** Why the handler was told to end; the first reason stays. */
  get reason(): AbortReason | undefined {
    return this.#reason;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  get stopping(): AbortSignal {
    if (this.#stopping === undefined) {
      this.#stopping = new AbortController();
      if (this.#serverStops) this.#stopping.abort();
    }
    return this.#stopping.signal;
  }

  abort(reason: AbortReason): void {
    this.#reason ??= reason;
    this.#controller?.abort(this.#reason);
  }

  serverStops(): void {
    this.#serverStops = true;
    this.#stopping?.abort();
  }
}
