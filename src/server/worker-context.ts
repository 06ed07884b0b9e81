import type { Broker, Leased } from "../broker/broker.ts";
import { LeaseLostError } from "../errors.ts";
import type { TaskMessage } from "../protocol/task-message.ts";
import type { Logger } from "../runtime/logger.ts";
import { type Headers, headersOf } from "../task.ts";
import { tickOf } from "../tick-header.ts";
import { attemptFacts } from "./outcome.ts";
import { encodeResult } from "./result.ts";
import type { ResultWriter, TaskContext } from "./task-context.ts";

export interface ContextTools {
  readonly broker: Pick<Broker, "writeResult">;
  readonly logger: Logger;
}

/** What a context shows of its attempt. */
interface Attempt {
  readonly leased: Leased;
  /** The queue it was leased from. */
  readonly queue: string;
  readonly message: TaskMessage;
  /** Milliseconds; infinite = never. */
  readonly deadline: number;
  readonly signal: AbortSignal;
  readonly stopping: AbortSignal;
}

/** Built for every task: what few handlers ask for is made when they do. */
export class WorkerContext implements TaskContext {
  readonly #attempt: Attempt;
  readonly #tools: ContextTools;

  constructor(attempt: Attempt, tools: ContextTools) {
    this.#attempt = attempt;
    this.#tools = tools;
  }

  get signal(): AbortSignal {
    return this.#attempt.signal;
  }

  get stopping(): AbortSignal {
    return this.#attempt.stopping;
  }

  get taskId(): string {
    return this.#attempt.message.id;
  }

  get queue(): string {
    return this.#attempt.queue;
  }

  get attempt(): number {
    return this.#attempt.message.retried + 1;
  }

  get retried(): number {
    return this.#attempt.message.retried;
  }

  get maxRetry(): number {
    return this.#attempt.message.retry;
  }

  get deadline(): Date | undefined {
    const { deadline } = this.#attempt;
    return deadline === Number.POSITIVE_INFINITY ? undefined : new Date(deadline);
  }

  get tick(): Date | undefined {
    return tickOf(this.#attempt.message);
  }

  get headers(): Headers {
    return headersOf(this.#attempt.message);
  }

  get result(): ResultWriter<unknown> {
    return { write: (value) => this.#writeResult(value) };
  }

  get log(): Logger {
    const { logger } = this.#tools;
    const facts = attemptFacts(this.#attempt.leased);
    return {
      debug: (fields, text) => logger.debug({ ...facts, ...fields }, text),
      info: (fields, text) => logger.info({ ...facts, ...fields }, text),
      warn: (fields, text) => logger.warn({ ...facts, ...fields }, text),
      error: (fields, text) => logger.error({ ...facts, ...fields }, text),
    };
  }

  async #writeResult(value: unknown): Promise<void> {
    const bytes = encodeResult(value) ?? new Uint8Array(0);
    const answer = await this.#tools.broker.writeResult(this.#attempt.leased, bytes);
    if (answer !== "settled") throw new LeaseLostError();
  }
}
