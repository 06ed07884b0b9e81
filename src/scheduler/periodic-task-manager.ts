import type { Engine } from "../broker/engine.ts";
import { type Duration, parseDuration } from "../duration.ts";
import { InvalidOptionError, SchedulerStateError } from "../errors.ts";
import { type PeriodicComponent, periodic } from "../runtime/periodic.ts";
import { onSignals } from "../runtime/signals.ts";
import { shown } from "../shown-value.ts";
import { requireKnownNames } from "../suggestion.ts";
import type { Task } from "../task.ts";
import type { EntryOptions } from "./entry.ts";
import { Scheduler, type SchedulerInternals } from "./scheduler.ts";
import { checkSchedulerOptions, SCHEDULER_OPTIONS, type SchedulerOptions } from "./scheduler-options.ts";

/** One periodic task, as a provider tells of it. */
export interface PeriodicTaskConfig extends EntryOptions {
  /** Five fields, a word such as `@daily`, or `@every 30s`. */
  spec: string;
  task: Task;
}

/** Tells which periodic tasks there are to be, all of them each time it is asked. */
export type PeriodicTaskProvider = () =>
  | readonly PeriodicTaskConfig[]
  | Promise<readonly PeriodicTaskConfig[]>;

export interface PeriodicTaskManagerOptions extends SchedulerOptions {
  /** Asked at the start, and then again and again: a file, a table, a service. */
  provider: PeriodicTaskProvider;
  /** How long between two questions, at least `"1s"`. @defaultValue `"3m"` */
  syncInterval?: Duration | undefined;
}

const LEAST_INTERVAL = 1_000;

/**
 * A {@link Scheduler} whose entries come from a provider: what is new there is begun, what is gone is ended, and what means
 * the same as before is not disturbed. A provider that fails, or names anything that is wrong, changes nothing; at the
 * start it makes the start fail.
 *
 * @example
 * const manager = new PeriodicTaskManager(url, {
 *   provider: async () => (await readTenants()).map(({ id, cron }) => ({ spec: cron, task: report({ id }) })),
 * });
 * process.exit(await manager.run());
 */
export class PeriodicTaskManager implements AsyncDisposable {
  readonly #scheduler: Scheduler;
  readonly #provider: PeriodicTaskProvider;
  readonly #sync: PeriodicComponent;
  readonly #signals: NonNullable<SchedulerInternals["signals"]>;
  readonly #ended: Promise<void>;
  #end: () => void = () => undefined;
  #started = false;
  #shutdown: Promise<void> | undefined;

  /**
   * @param source - a URL, or an engine to share with others; without it, the URL in `TITANQUEUE_URL`
   * @throws as the constructor of {@link Scheduler}; {@link InvalidOptionError} also without a provider.
   */
  constructor(source: string | Engine | undefined, options: PeriodicTaskManagerOptions);
  /** @internal */
  constructor(
    source: string | Engine | undefined,
    options: PeriodicTaskManagerOptions,
    internals: SchedulerInternals,
  );
  constructor(
    source: string | Engine | undefined,
    options: PeriodicTaskManagerOptions,
    internals: SchedulerInternals = {},
  ) {
    requireKnownNames("a manager", options, ["provider", "syncInterval", ...SCHEDULER_OPTIONS]);
    const { provider, syncInterval = "3m", ...rest } = options;
    if (typeof provider !== "function") {
      throw new InvalidOptionError("provider", `expected a function; got ${shown(provider)}`);
    }
    const every = parseDuration("syncInterval", syncInterval);
    if (every < LEAST_INTERVAL) throw new InvalidOptionError("syncInterval", `must be at least "1s"`);
    const { runtime, logger } = checkSchedulerOptions(rest);
    this.#scheduler = new Scheduler(source, rest, internals);
    this.#provider = provider;
    this.#signals = internals.signals ?? process;
    this.#sync = periodic("periodic task manager", { every, tick: () => this.#ask(), runtime, logger });
    this.#ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /**
   * Asks the provider, and begins to enqueue what it names.
   *
   * @throws what the provider throws; what {@link Scheduler.register} and {@link Scheduler.start} throw.
   */
  async start(): Promise<void> {
    if (this.#started) throw new SchedulerStateError("a manager starts once; make a new one");
    this.#started = true;
    try {
      await this.#ask();
      await this.#scheduler.start();
    } catch (error) {
      await this.shutdown();
      throw error;
    }
    if (this.#shutdown === undefined) await this.#sync.start();
  }

  /** Starts, and goes on until SIGTERM or SIGINT comes, or {@link PeriodicTaskManager.shutdown}. Resolves with 0. */
  async run(): Promise<0> {
    const off = onSignals(this.#signals, {
      stop: () => undefined,
      shutdown: () => void this.shutdown(),
      hurry: () => undefined,
    });
    try {
      await this.start();
      await this.#ended;
      return 0;
    } finally {
      off();
    }
  }

  /** Ends asking and enqueueing, and leaves the engine. Never rejects. */
  shutdown(): Promise<void> {
    this.#shutdown ??= this.#shutDown();
    return this.#shutdown;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  async #shutDown(): Promise<void> {
    await this.#sync.stop();
    await this.#scheduler.shutdown();
    this.#end();
  }

  /** All are checked before the first is begun. */
  async #ask(): Promise<void> {
    const configs = await this.#provider();
    if (!Array.isArray(configs)) {
      throw new InvalidOptionError("provider", `expected an array of periodic tasks; got ${shown(configs)}`);
    }
    const entries = await Promise.all(
      configs.map(({ spec, task, ...options }: PeriodicTaskConfig) =>
        this.#scheduler.check(spec, task, options),
      ),
    );
    this.#scheduler.replaceRegistered(entries);
  }
}
