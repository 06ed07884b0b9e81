import type { Engine } from "../broker/engine.ts";
import { resolveEngine } from "../create-engine.ts";
import type { Duration } from "../duration.ts";
import { ClosedError, InvalidOptionError } from "../errors.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { shown } from "../shown-value.ts";
import { requireKnownNames } from "../suggestion.ts";
import { requireNonBlank } from "../task-options.ts";

export interface SemaphoreOptions {
  /**
   * How long one call may take before it rejects. For a semaphore made from a URL: an engine that is handed in has its
   * own.
   * @defaultValue `"5s"`
   */
  commandTimeout?: Duration | undefined;
  /** Where the engine of a semaphore made from a URL reports. @defaultValue standard error */
  logger?: Logger | undefined;
  /** Time and chance. @defaultValue the real ones */
  runtime?: Runtime | undefined;
}

/** What a semaphore needs to know of a task: the context of a handler has it. */
export interface TokenHolder {
  readonly taskId: string;
  /** The token is free again from then on, whatever has become of the task. */
  readonly deadline: Date | undefined;
}

const OPTIONS = ["commandTimeout", "logger", "runtime"] as const;
/** Go counts tokens in an int. */
const MOST_TOKENS = 2 ** 31 - 1;

/**
 * Lets at most `maxTokens` tasks hold a token of `scope` at once, whatever their queues and types, on however many servers:
 * TitanQueue's and, on Redis, those of Go's `x/rate`, which share the semaphore of the same scope.
 *
 * A task that gets none should come back later: it has already been started, so this costs an attempt's overhead.
 * `limits` of a server hold tasks back before they start.
 *
 * @example
 * const reports = new Semaphore("redis://127.0.0.1:6379", "reports", 3);
 * mux.handle(report, async (task, ctx) => {
 *   if (!(await reports.acquire(ctx))) throw new RetryLater("5s");
 *   try { await build(task.payload); } finally { await reports.release(ctx); }
 * });
 */
export class Semaphore implements AsyncDisposable {
  readonly scope: string;
  readonly maxTokens: number;
  readonly #engine: Engine;
  readonly #release: () => Promise<void>;
  #closed: Promise<void> | undefined;

  /**
   * @param source - a URL, or an engine to share with others; `undefined`: the URL in `TITANQUEUE_URL`
   * @param scope - what the tokens are for; whoever uses the same one shares them
   * @param maxTokens - how many tasks may hold one at once; every user of the scope should say the same
   * @throws {@link EngineUrlMissingError} no source, and `TITANQUEUE_URL` is not set.
   * @throws {@link EngineUrlInvalidError} the URL cannot be understood.
   * @throws {@link InvalidOptionError} the scope is blank, `maxTokens` no whole number of at least 1, or an option not acceptable.
   */
  constructor(
    source: string | Engine | undefined,
    scope: string,
    maxTokens: number,
    options: SemaphoreOptions = {},
  ) {
    requireKnownNames("Semaphore", options, OPTIONS);
    requireNonBlank("scope", scope);
    if (!Number.isInteger(maxTokens) || maxTokens < 1 || maxTokens > MOST_TOKENS) {
      throw new InvalidOptionError("maxTokens", `expected a whole number from 1; got ${shown(maxTokens)}`);
    }
    this.scope = scope;
    this.maxTokens = maxTokens;
    this.#engine = resolveEngine(source, options);
    this.#release = this.#engine.use();
  }

  /**
   * Takes a token for the task, until it is released or the task's deadline has passed. False: all are taken. Never waits.
   * A task that holds one already keeps it.
   *
   * @param task - the handler's context. Its deadline is why a crash gives the token back
   * @throws {@link InvalidOptionError} the task has no deadline (`timeout: "none"`): its token might be taken for ever.
   * @throws {@link EngineUnavailableError} the engine did not answer: perhaps taken. Release it, or let it lapse.
   * @throws {@link ClosedError} the semaphore is closed.
   */
  async acquire(task: TokenHolder): Promise<boolean> {
    this.#requireOpen();
    const { taskId, deadline } = task;
    requireNonBlank("taskId", taskId);
    if (deadline === undefined || Number.isNaN(deadline.getTime())) {
      throw new InvalidOptionError(
        "deadline",
        "a token lasts until the deadline of its task, and this task has none",
      );
    }
    return this.#engine.limits.acquireToken(this.scope, taskId, this.maxTokens, deadline.getTime());
  }

  /**
   * Gives the task's token back. False: it held none; perhaps its deadline had passed.
   *
   * @throws {@link EngineUnavailableError} the engine did not answer. The token lapses at the task's deadline.
   * @throws {@link ClosedError} the semaphore is closed.
   */
  async release(task: Pick<TokenHolder, "taskId">): Promise<boolean> {
    this.#requireOpen();
    return this.#engine.limits.releaseToken(this.scope, task.taskId);
  }

  /** Lets the engine go. Tokens that are held stay. */
  close(): Promise<void> {
    this.#closed ??= this.#release();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #requireOpen(): void {
    if (this.#closed !== undefined) throw new ClosedError("the semaphore");
  }
}
