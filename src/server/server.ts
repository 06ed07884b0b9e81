import type { Engine } from "../broker/engine.ts";
import { resolveEngine } from "../create-engine.ts";
import { type Duration, parseLongDuration } from "../duration.ts";
import { EngineUnavailableError, QueueNotServedError, ServerStateError } from "../errors.ts";
import type { ServerStatus } from "../protocol/server-info.ts";
import { sleep } from "../runtime/clock.ts";
import { keepAlive } from "../runtime/keep-alive.ts";
import { onSignals, type SignalSource } from "../runtime/signals.ts";
import { requireKnownNames } from "../suggestion.ts";
import { onCrash } from "./crash.ts";
import { EngineState } from "./engine-state.ts";
import { type ServerEvent, type ServerEventMap, ServerEvents } from "./events.ts";
import type { Handler } from "./handler.ts";
import { assemble, type Parts } from "./parts.ts";
import { type Router, routerOf, type ServeMux } from "./serve-mux.ts";
import { checkServerOptions, type ServerConfig, type ServerOptions } from "./server-options.ts";
import { SERVER_TIMINGS, type ServerTimings } from "./server-timings.ts";
import { ShutdownClock, type ShutdownResult } from "./shutdown-clock.ts";

export interface ShutdownOptions {
  /** Instead of the server's `shutdownTimeout`. A shutdown under way can only be shortened. */
  timeout?: Duration | undefined;
  /** Hurries when it aborts: what runs is aborted and handed back at once, and the shutdown ends within 2 s. */
  signal?: AbortSignal | undefined;
}

export interface ServerHealth {
  /**
   * `starting`: not reached the engine yet. `degraded`: the engine is lost, or refuses what the server asks, and the
   * server tries again; or every slot is kept by a handler that ignores its abort. `stopping`: shutting down, or
   * taking no more work.
   */
  readonly status: "starting" | "ready" | "degraded" | "stopping" | "stopped";
  /** Since when the server, or its engine, has been in this state. */
  readonly since: Date;
  /** Why the last call to the engine failed. */
  readonly error?: Error;
  /** Tasks that run. */
  readonly running: number;
  /** Handlers that go on although their abort was final. Each keeps its slot. */
  readonly zombies: number;
}

/** For tests. */
export interface ServerInternals {
  readonly timings?: Partial<ServerTimings>;
  readonly signals?: SignalSource;
}

type State = "new" | "starting" | "running" | "stopping" | "stopped";

/**
 * Takes tasks from queues and runs their handlers.
 *
 * Any number of servers may serve the same queues, asynq's Go servers too. A task that was being run by a server that
 * died is run again by another one.
 *
 * @example
 * const server = new Server("redis://127.0.0.1:6379", {
 *   concurrency: 10,
 *   queues: { critical: 6, default: 3, low: 1 },
 * });
 * process.exit(await server.run(mux));
 */
export class Server implements AsyncDisposable {
  readonly #engine: Engine;
  readonly #config: ServerConfig;
  readonly #timings: ServerTimings;
  readonly #signals: SignalSource;
  readonly #events: ServerEvents;
  readonly #engineState: EngineState;
  readonly #shutdownClock: ShutdownClock;
  readonly #leaving = new AbortController();
  readonly #ended: Promise<ShutdownResult>;
  #end: (result: ShutdownResult) => void = () => undefined;
  #state: State = "new";
  #paused = false;
  #since: number;
  #parts: Parts | undefined;
  #release: () => Promise<void> = async () => undefined;
  #letGo: () => void = () => undefined;
  #shutdown: Promise<ShutdownResult> | undefined;

  /**
   * @param source - a URL, or an engine to share with others; without it, the URL in `TITANQUEUE_URL`
   * @throws {@link EngineUrlMissingError} no source, and `TITANQUEUE_URL` is not set.
   * @throws {@link EngineUrlInvalidError} the URL cannot be understood.
   * @throws {@link InvalidOptionError} an option is unknown or not acceptable.
   */
  constructor(source?: string | Engine, options?: ServerOptions);
  /** @internal */
  constructor(source: string | Engine | undefined, options: ServerOptions, internals: ServerInternals);
  constructor(source?: string | Engine, options: ServerOptions = {}, internals: ServerInternals = {}) {
    this.#config = checkServerOptions(options);
    const { runtime, logger, commandTimeout } = this.#config;
    this.#engine = resolveEngine(source, { runtime, logger, commandTimeout });
    this.#timings = { ...SERVER_TIMINGS, ...internals.timings };
    this.#signals = internals.signals ?? process;
    this.#events = new ServerEvents(logger);
    this.#engineState = new EngineState(this.#events, logger, runtime.clock);
    this.#shutdownClock = new ShutdownClock(runtime.clock);
    this.#since = runtime.clock.now();
    this.#ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /**
   * Calls `listener` for each event of this kind; the answer ends that. A listener runs on the spot, so be quick.
   * What it throws is logged.
   *
   * @throws {@link InvalidOptionError} there is no such event, or `listener` is no function.
   * @example const off = server.on("taskSettled", ({ type, outcome }) => count(type, outcome));
   */
  on<E extends ServerEvent>(event: E, listener: (event: ServerEventMap[E]) => unknown): () => void {
    return this.#events.on(event, listener);
  }

  /**
   * Begins to take tasks and hand them to `handler`: a {@link ServeMux}, or one function for all types.
   *
   * Resolves when the server works, or when the engine cannot be reached: it then goes on trying in the background,
   * see {@link Server.health}. The process stays alive until {@link Server.shutdown}.
   *
   * @throws {@link ServerStateError} it was started before, or shut down.
   * @throws {@link QueueNotServedError} with `strictQueues`: a definition's queue is not served.
   * @throws {@link RedisAuthError} {@link RedisVersionError} … what trying again would not mend.
   */
  async start(handler: Handler | ServeMux): Promise<void> {
    this.#requireNew();
    const router = routerOf(handler);
    this.#checkQueues(router);
    this.#enter("starting");
    this.#letGo = keepAlive();
    this.#release = this.#engine.use();
    const parts = this.#assemble(router);
    this.#parts = parts;
    this.#obeySignal();
    this.#requireStarting();
    try {
      await this.#engine.open();
    } catch (error) {
      this.#requireStarting();
      if (error instanceof EngineUnavailableError) {
        this.#engineState.down(error);
        void this.#connect(parts);
        return;
      }
      this.#enter("stopped");
      this.#letGo();
      await this.#release();
      throw error;
    }
    this.#requireStarting();
    await this.#begin(parts);
  }

  /** Takes no more tasks; those that run go on. Follow it with {@link Server.shutdown}. */
  stop(): void {
    if (this.#paused || (this.#state !== "running" && this.#state !== "starting")) return;
    this.#paused = true;
    this.#enter(this.#state);
    this.#parts?.processor.pause();
    this.#config.logger.info({}, "taking no more tasks");
  }

  /**
   * Lets running tasks finish, puts back those that take too long, and leaves the engine. Resolves at most 5 s after
   * the timeout, whatever state the engine is in; never rejects for that.
   *
   * Calling it again answers the same promise. A handler may call it, but must not wait for it: it waits for the
   * handler.
   *
   * @throws {@link InvalidOptionError} an option is unknown or not acceptable.
   */
  shutdown(options: ShutdownOptions = {}): Promise<ShutdownResult> {
    try {
      requireKnownNames("shutdown", options, ["timeout", "signal"]);
      const { timeout, signal } = options;
      this.#shutdownClock.begin(
        timeout === undefined ? this.#config.shutdownTimeout : parseLongDuration("timeout", timeout),
      );
      if (signal?.aborted) this.#hurry();
      else signal?.addEventListener("abort", () => this.#hurry(), { once: true });
    } catch (error) {
      return Promise.reject(error);
    }
    this.#shutdown ??= this.#shutDown();
    return this.#shutdown;
  }

  /**
   * Starts, and serves until a signal comes, or someone calls {@link Server.shutdown}. SIGTERM and SIGINT shut down;
   * a second one hurries; SIGTSTP only ends the taking of tasks.
   *
   * Resolves at most 5 s after the signal and the `shutdownTimeout`, with the exit code, which is also set as
   * `process.exitCode`: 0, or 3 if something is left for other servers to recover. It does not exit; a handler that
   * ignores its signal would keep the process alive, so exit yourself.
   *
   * An error that nobody caught, in whatever part of the program, is thrown here at most 2 s later, so that the process
   * ends as it would have: what has ended is stored by then, and what still runs is left to the recoverers, as a
   * failure. A listener of your own for `uncaughtException` keeps it from that.
   *
   * @throws as {@link Server.start}; an error that nobody caught.
   * @example process.exit(await server.run(mux));
   */
  async run(handler: Handler | ServeMux): Promise<0 | 3> {
    this.#requireNew();
    const { logger } = this.#config;
    const off = onSignals(this.#signals, {
      stop: () => this.stop(),
      shutdown: (signal) => {
        logger.info({ signal }, "shutting down; a second signal hurries");
        void this.shutdown();
      },
      hurry: (signal) => {
        logger.warn({ signal }, "hurrying");
        this.#hurry();
      },
    });
    const crashes: unknown[] = [];
    const offCrash = onCrash((error) => {
      crashes.push(error);
      logger.error({ error }, "nobody caught this error: stopping within 2 s, then the process is to end");
      void this.shutdown();
      this.#shutdownClock.crash();
    });
    try {
      const started = this.start(handler).catch((error: unknown) => {
        // A signal that came while it started is no error.
        if (this.#shutdown === undefined || !(error instanceof ServerStateError)) throw error;
      });
      const { exitCode } = await Promise.race([started.then(() => this.#ended), this.#ended]);
      if (crashes.length > 0) throw crashes[0];
      process.exitCode = exitCode === 0 ? (process.exitCode ?? 0) : exitCode;
      return exitCode;
    } finally {
      off();
      offCrash();
    }
  }

  /** Resolves when the engine answers. @throws {@link EngineUnavailableError} it does not. */
  async ping(): Promise<void> {
    await this.#engine.ping();
  }

  /** How the server does; asks nobody. */
  health(): ServerHealth {
    const { problem: error, changedAt } = this.#engineState;
    const working = this.#state === "running";
    return {
      status: this.#healthStatus(),
      since: new Date(working ? Math.max(this.#since, changedAt) : this.#since),
      ...(error && { error }),
      running: this.#parts?.workers.running.size ?? 0,
      zombies: this.#parts?.workers.zombies ?? 0,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  // ---- the way in -----------------------------------------------------------------------------------------

  #requireNew(): void {
    if (this.#state !== "new") throw new ServerStateError("a server starts once; make a new one");
  }

  #checkQueues(router: Router): void {
    const { queues, strictQueues, logger } = this.#config;
    for (const { type, options } of router.definitions()) {
      const queue = options.queue ?? "default";
      if (queues.has(queue)) continue;
      const error = new QueueNotServedError(queue, type);
      if (strictQueues) throw error;
      logger.warn({ queue, type }, error.message);
    }
  }

  #assemble(router: Router): Parts {
    return assemble({
      engine: this.#engine,
      config: this.#config,
      router,
      events: this.#events,
      engineState: this.#engineState,
      shutdownClock: this.#shutdownClock,
      timings: this.#timings,
      status: () => this.#serverStatus(),
    });
  }

  #obeySignal(): void {
    const { signal } = this.#config;
    if (signal?.aborted) void this.shutdown();
    // Listens no longer than there is something to shut down.
    else
      signal?.addEventListener("abort", () => void this.shutdown(), {
        once: true,
        signal: this.#leaving.signal,
      });
  }

  /** A shutdown may have overtaken the start. */
  #requireStarting(): void {
    if (this.#state !== "starting") throw new ServerStateError("the server was shut down while it started");
  }

  /** Tries to reach the engine until it can, or the server shuts down. */
  async #connect(parts: Parts): Promise<void> {
    const { runtime, logger } = this.#config;
    const { connect, connectMax } = this.#timings;
    for (let tries = 0; ; tries++) {
      const wait = Math.min(connect * 2 ** tries, connectMax) * (0.5 + runtime.random() / 2);
      await sleep(runtime.clock, wait, this.#leaving.signal);
      if (this.#leaving.signal.aborted) return;
      try {
        await this.#engine.open();
        if (this.#state === "starting") await this.#begin(parts);
        return;
      } catch (error) {
        if (this.#leaving.signal.aborted) return;
        this.#engineState.down(error as Error);
        if (!(error instanceof EngineUnavailableError)) logger.error({ error }, "cannot use the engine");
      }
    }
  }

  async #begin({ components }: Parts): Promise<void> {
    const { concurrency, queues, logger } = this.#config;
    this.#engineState.up();
    this.#enter("running");
    for (const component of components) await component.start();
    logger.info({ concurrency, queues: Object.fromEntries(queues) }, "serving");
  }

  // ---- the way out ----------------------------------------------------------------------------------------

  #hurry(): void {
    if (this.#shutdownClock.crashed) return;
    this.#shutdownClock.hurry();
    this.#parts?.processor.hurry();
  }

  async #shutDown(): Promise<ShutdownResult> {
    const began = this.#state === "running";
    const finishedBefore = this.#parts?.ledger.finished ?? 0;
    this.#enter("stopping");
    this.#leaving.abort();
    for (const worker of this.#parts?.workers.running ?? []) worker.serverStops();

    const stopped = this.#stopParts().then(() => true);
    const inTime = await Promise.race([stopped, this.#shutdownClock.giveUp.then(() => false)]);
    await Promise.race([this.#release(), this.#shutdownClock.giveUp]);

    // A server that had not begun never asked for a task.
    const clean = (!began || inTime) && this.#engineState.error === undefined;
    const result = this.#account(finishedBefore, clean);
    this.#shutdownClock.stop();
    this.#letGo();
    this.#enter("stopped");
    this.#end(result);
    return result;
  }

  async #stopParts(): Promise<void> {
    for (const component of [...(this.#parts?.components ?? [])].reverse()) {
      await Promise.race([component.stop(), this.#shutdownClock.giveUp]);
    }
  }

  /** @param clean - the engine answered to the end, or had not failed when the server had yet to begin */
  #account(finishedBefore: number, clean: boolean): ShutdownResult {
    let result: ShutdownResult = { finished: 0, requeued: 0, left: 0, exitCode: clean ? 0 : 3 };
    let taskIds: readonly string[] = [];
    if (this.#parts !== undefined) {
      const { ledger, processor, syncQueue, workers } = this.#parts;
      const left = workers.running.size + processor.unanswered + syncQueue.size;
      const recovery = left > 0 || processor.owed || this.#shutdownClock.hurried;
      taskIds = ledger.requeuedIds;
      result = {
        finished: ledger.finished - finishedBefore,
        requeued: ledger.requeued,
        left,
        exitCode: clean && !recovery ? 0 : 3,
      };
    }
    const { logger } = this.#config;
    logger[result.exitCode === 0 ? "info" : "warn"]({ ...result, taskIds }, "shut down");
    this.#events.emit("shutdown", result);
    return result;
  }

  // ---- how it does ----------------------------------------------------------------------------------------

  #enter(state: State): void {
    this.#state = state;
    this.#since = this.#config.runtime.clock.now();
  }

  /** In asynq's words, for its tools. */
  #serverStatus(): ServerStatus {
    switch (this.#state) {
      case "new":
      case "starting":
        return "new";
      case "running":
        return this.#paused ? "stopped" : "active";
      default:
        return "closed";
    }
  }

  /** Zombies keep every slot. */
  #clogged(): boolean {
    return (this.#parts?.workers.zombies ?? 0) >= this.#config.concurrency;
  }

  #healthStatus(): ServerHealth["status"] {
    switch (this.#state) {
      case "new":
      case "starting":
        return "starting";
      case "running":
        if (this.#paused) return "stopping";
        return this.#engineState.problem === undefined && !this.#clogged() ? "ready" : "degraded";
      default:
        return this.#state;
    }
  }
}
