import type { Broker } from "../broker/broker.ts";
import { LeaseLostError } from "../errors.ts";
import { encodePayload } from "../payload.ts";
import type { Logger } from "../runtime/logger.ts";
import { type Headers, headersOf } from "../task.ts";
import { attemptFacts } from "./outcome.ts";
import type { Worker } from "./worker.ts";

/** What a handler knows about its task, and can do for it, beside the payload. */
export interface TaskContext<R = unknown> {
  /**
   * Aborts when the handler should end: its time is over, the task was canceled, its lease is lost, or the server's
   * shutdown no longer waits. `signal.reason` is an error whose `code` is `TASK_TIMEOUT`, `TASK_CANCELED`,
   * `LEASE_LOST` or `SHUTTING_DOWN`. Hand it on to whatever you wait for.
   *
   * A handler then has the server's `abortGrace` to return or throw, and that counts; but nothing counts any more
   * once the lease is lost.
   */
  readonly signal: AbortSignal;
  /** Aborts when the server begins to shut down: a good moment to save how far a long task has come. */
  readonly stopping: AbortSignal;
  readonly taskId: string;
  readonly queue: string;
  /** Which attempt this is, from 1: one more than the retries so far. */
  readonly attempt: number;
  /** Retries so far. */
  readonly retried: number;
  readonly maxRetry: number;
  /** When this attempt's time is over; `undefined` = no limit. */
  readonly deadline: Date | undefined;
  /** The task's headers; an object without prototype. */
  readonly headers: Headers;
  readonly result: ResultWriter<R>;
  /** Logs with the task's type, id, queue and attempt. */
  readonly log: Logger;
}

export interface ResultWriter<R> {
  /**
   * Stores an interim result, which shows while the task runs; each replaces the one before. It is kept after
   * success if the task has a retention, unless the handler returns a value, which then wins.
   *
   * @throws {@link PayloadNotSerializableError} JSON cannot hold the value.
   * @throws {@link LeaseLostError} the attempt is no longer ours; nothing was written.
   */
  write(value: R): Promise<void>;
}

export interface ContextTools {
  readonly broker: Pick<Broker, "writeResult">;
  readonly logger: Logger;
}

/** Built for every task: what few handlers ask for is made when they do. */
export class WorkerContext implements TaskContext {
  readonly #worker: Worker;
  readonly #tools: ContextTools;

  constructor(worker: Worker, tools: ContextTools) {
    this.#worker = worker;
    this.#tools = tools;
  }

  get signal(): AbortSignal {
    return this.#worker.signal;
  }

  get stopping(): AbortSignal {
    return this.#worker.stopping;
  }

  get taskId(): string {
    return this.#worker.message.id;
  }

  get queue(): string {
    return this.#worker.queue;
  }

  get attempt(): number {
    return this.#worker.message.retried + 1;
  }

  get retried(): number {
    return this.#worker.message.retried;
  }

  get maxRetry(): number {
    return this.#worker.message.retry;
  }

  get deadline(): Date | undefined {
    const { deadline } = this.#worker;
    return deadline === Number.POSITIVE_INFINITY ? undefined : new Date(deadline);
  }

  get headers(): Headers {
    return headersOf(this.#worker.message);
  }

  get result(): ResultWriter<unknown> {
    return { write: (value) => this.#writeResult(value) };
  }

  get log(): Logger {
    const { logger } = this.#tools;
    const facts = attemptFacts(this.#worker.leased);
    return {
      debug: (fields, text) => logger.debug({ ...facts, ...fields }, text),
      info: (fields, text) => logger.info({ ...facts, ...fields }, text),
      warn: (fields, text) => logger.warn({ ...facts, ...fields }, text),
      error: (fields, text) => logger.error({ ...facts, ...fields }, text),
    };
  }

  async #writeResult(value: unknown): Promise<void> {
    const bytes = encodePayload(value, "result") ?? new Uint8Array(0);
    const answer = await this.#tools.broker.writeResult(this.#worker.leased, bytes);
    if (answer !== "settled") throw new LeaseLostError();
  }
}
