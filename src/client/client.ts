import type { Broker } from "../broker/broker.ts";
import type { Engine } from "../broker/engine.ts";
import type { EnqueueAnswer } from "../broker/enqueue-entry.ts";
import { resolveEngine } from "../create-engine.ts";
import type { Duration } from "../duration.ts";
import {
  ClosedError,
  DuplicateTaskError,
  EngineUnavailableError,
  InvalidOptionError,
  TaskIdConflictError,
} from "../errors.ts";
import { MAX_PAYLOAD_BYTES } from "../payload.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import { type Runtime, systemRuntime } from "../runtime/runtime.ts";
import { requireKnownNames } from "../suggestion.ts";
import { Task } from "../task.ts";
import { type TaskInfo, taskInfo } from "../task-info.ts";
import type { TaskOptions } from "../task-options.ts";
import { Batcher } from "./batcher.ts";
import { type Composed, type Composer, compose } from "./compose-message.ts";
import type {
  BatchItem,
  BatchItems,
  BatchResult,
  BatchResults,
  EnqueueCallOptions,
  Enqueuer,
} from "./enqueuer.ts";

export interface ClientOptions {
  /**
   * The largest payload and headers accepted together, in bytes. Every server that may run the task needs the
   * memory, several times.
   * @defaultValue 8 MiB
   */
  maxPayloadBytes?: number | undefined;
  /**
   * How long one call may take before it rejects. For a client made from a URL: an engine that is handed in has its
   * own.
   * @defaultValue `"5s"`
   */
  commandTimeout?: Duration | undefined;
  /** Where the engine of a client made from a URL reports. @defaultValue standard error */
  logger?: Logger | undefined;
  /** Time, chance and ids. @defaultValue the real ones */
  runtime?: Runtime | undefined;
}

const OPTIONS = ["maxPayloadBytes", "commandTimeout", "logger", "runtime"] as const;
const CALL_OPTIONS = ["signal"] as const;
/** How often a task is sent whose lock is held by one that is not there any more. */
const MOST_TRIES = 5;
/** Redis takes no value of 512 MB; a message also needs room for its other fields. */
export const LARGEST_MAX_PAYLOAD = 511 * 1_024 * 1_024;

/**
 * Puts tasks in their queues.
 *
 * One client serves a whole process: calls that are made together travel together. It connects with its first call
 * and does not keep the process alive while nothing is under way.
 *
 * @example
 * const client = new Client("redis://127.0.0.1:6379");
 * await client.enqueue(welcomeEmail({ userId: 42 }), { processIn: "10m" });
 * await client.close();
 */
export class Client implements Enqueuer, AsyncDisposable {
  readonly #engine: Engine;
  readonly #release: () => Promise<void>;
  readonly #batcher: Batcher;
  readonly #clock: Clock;
  readonly #composer: Composer;
  #closed: Promise<void> | undefined;
  /** Calls that have not settled. */
  #underWay = 0;
  #onIdle: () => void = () => undefined;

  /**
   * @param source - a URL, or an engine to share with others; without it, the URL in `TITANQUEUE_URL`
   * @throws {@link EngineUrlMissingError} no source, and `TITANQUEUE_URL` is not set.
   * @throws {@link EngineUrlInvalidError} the URL cannot be understood.
   * @throws {@link InvalidOptionError} an option is unknown or not acceptable.
   */
  constructor(source?: string | Engine, options: ClientOptions = {}) {
    requireKnownNames("Client", options, OPTIONS);
    const { maxPayloadBytes = MAX_PAYLOAD_BYTES, runtime = systemRuntime, logger, commandTimeout } = options;
    if (!Number.isInteger(maxPayloadBytes) || maxPayloadBytes < 0 || maxPayloadBytes > LARGEST_MAX_PAYLOAD) {
      throw new InvalidOptionError(
        "maxPayloadBytes",
        `expected a whole number of bytes up to ${LARGEST_MAX_PAYLOAD}; got ${String(maxPayloadBytes)}`,
      );
    }
    const engine = resolveEngine(source, { runtime, logger, commandTimeout });
    this.#engine = engine;
    this.#release = engine.use();
    this.#clock = runtime.clock;
    this.#batcher = new Batcher(engine.broker, runtime.clock);
    this.#composer = { now: () => engine.broker.now(), uuid: () => runtime.uuid(), maxPayloadBytes };
  }

  /**
   * Puts a task in its queue and resolves once the engine has stored it.
   *
   * A stored task runs at least once: if a server dies, another runs it again. Options of the call win over those of
   * the task; headers add up. The payload of a defined task is validated first, as its handler will read it.
   *
   * @throws {@link InvalidOptionError} an option is unknown or not acceptable.
   * @throws {@link InvalidPayloadError} the payload does not fit the schema.
   * @throws {@link PayloadNotSerializableError} the payload holds what JSON cannot carry.
   * @throws {@link PayloadTooLargeError} payload and headers are over `maxPayloadBytes`.
   * @throws {@link DuplicateTaskError} an equal task holds the `unique` lock. Also with `ifDuplicate: "return"` when
   * there is no task to answer: its holder was deleted without freeing the lock, which then lasts until its time is over.
   * @throws {@link TaskIdConflictError} `taskId` is taken in this queue.
   * @throws {@link EngineUnavailableError} the engine did not take the task: surely not stored.
   * @throws {@link AmbiguousEnqueueError} the answer was lost: perhaps stored; it says how to find out.
   * @throws {@link ClosedError} the client is closed.
   * @example await client.enqueue(new Task("email:welcome", { userId: 42 }), { processIn: "10m" });
   */
  async enqueue<R>(
    task: Task<unknown, R>,
    options?: TaskOptions,
    call?: EnqueueCallOptions,
  ): Promise<TaskInfo<R>> {
    this.#requireOpen();
    return this.#enqueueThrough(this.#batcherFor(call), task, options);
  }

  /**
   * Puts many tasks in their queues, in as few round trips as possible, and says what became of each.
   *
   * Any mix of queues and options. It is not atomic: each item succeeds or fails alone, with the errors of
   * {@link Client.enqueue}, and the call never rejects for one of them.
   *
   * @returns an answer for each item, in order
   * @throws {@link ClosedError} the client is closed.
   * @example
   * const [mail, report] = await client.enqueueBatch([
   *   welcomeEmail({ userId: 42 }),
   *   { task: dailyReport(), options: { processIn: "1h" } },
   * ]);
   * if (!mail.ok) console.error(mail.error);
   */
  async enqueueBatch<Rs extends unknown[]>(
    items: BatchItems<Rs>,
    call?: EnqueueCallOptions,
  ): Promise<BatchResults<Rs>> {
    this.#requireOpen();
    if (!Array.isArray(items)) throw new InvalidOptionError("items", "expected an array of tasks");
    const batcher = this.#batcherFor(call);
    const results = await Promise.all(items.map((item: BatchItem) => this.#enqueueItem(item, batcher)));
    return results as BatchResults<Rs>;
  }

  /**
   * Resolves when the engine answers.
   *
   * @throws {@link EngineUnavailableError} it does not; or what else keeps the engine from serving us.
   */
  async ping(): Promise<void> {
    this.#requireOpen();
    await this.#engine.ping();
  }

  /**
   * Waits for the calls under way, then leaves the engine, which closes with its last user. Later calls reject with
   * {@link ClosedError}. Closing twice is harmless.
   */
  close(): Promise<void> {
    this.#closed ??= this.#finish();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #requireOpen(): void {
    if (this.#closed !== undefined) throw new ClosedError("the client");
  }

  async #finish(): Promise<void> {
    if (this.#underWay > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    await this.#release();
  }

  /** A call with a signal travels in batches of its own: giving it up concerns no other. */
  #batcherFor(call: EnqueueCallOptions | undefined): Batcher {
    if (call === undefined) return this.#batcher;
    requireKnownNames("a call", call, CALL_OPTIONS);
    const { signal } = call;
    if (signal === undefined) return this.#batcher;
    if (typeof signal?.addEventListener !== "function") {
      throw new InvalidOptionError("signal", "expected an AbortSignal");
    }
    const enqueue: Broker["enqueue"] = async (entries) => {
      if (!signal.aborted) return this.#engine.broker.enqueue(entries, { signal });
      throw new EngineUnavailableError("the call was given up before it began", { cause: signal.reason });
    };
    return new Batcher({ enqueue }, this.#clock);
  }

  async #enqueueThrough<R>(
    batcher: Batcher,
    task: Task<unknown, R>,
    options: TaskOptions | undefined,
  ): Promise<TaskInfo<R>> {
    this.#underWay += 1;
    try {
      const composing = compose(task, options, this.#composer);
      const composed = "entry" in composing ? composing : await composing;
      for (let tries = 1; ; tries += 1) {
        const answer = await batcher.add(composed.entry);
        if (answer.status !== "duplicate" || composed.ifDuplicate === "throw" || tries === MOST_TRIES) {
          return infoOf<R>(composed, answer);
        }
        const holder = await this.#engine.inspection.taskInfo(composed.entry.message.queue, answer.holder);
        if (holder !== undefined) return taskInfo<R>(holder, true);
        // It has ended since, and freed the lock.
      }
    } finally {
      this.#underWay -= 1;
      if (this.#underWay === 0) this.#onIdle();
    }
  }

  async #enqueueItem(item: BatchItem, batcher: Batcher): Promise<BatchResult> {
    try {
      const { task, options } = readItem(item);
      return { ok: true, info: await this.#enqueueThrough(batcher, task, options) };
    } catch (error) {
      return { ok: false, error: error as Error };
    }
  }
}

function readItem(item: BatchItem): { readonly task: Task; readonly options?: TaskOptions | undefined } {
  if (item instanceof Task) return { task: item };
  if (typeof item !== "object" || item === null) {
    throw new InvalidOptionError("items", "expected tasks, or objects with a task and its options");
  }
  requireKnownNames("an item of a batch", item, ["task", "options"]);
  return item;
}

function infoOf<R>({ entry, processAt }: Composed, answer: EnqueueAnswer): TaskInfo<R> {
  const { message } = entry;
  const { queue, id } = message;
  switch (answer.status) {
    case "enqueued": {
      const { state } = answer;
      return taskInfo<R>(
        state === "aggregating"
          ? { queue, id, state, message }
          : { queue, id, state, message, nextProcessAt: processAt },
      );
    }
    case "duplicate":
      throw new DuplicateTaskError(queue, answer.holder);
    case "conflict":
      throw new TaskIdConflictError(queue, id);
    case "failed":
      throw answer.error;
  }
}
