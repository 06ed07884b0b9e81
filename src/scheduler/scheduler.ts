import { hostname } from "node:os";
import type { Engine } from "../broker/engine.ts";
import { Client } from "../client/client.ts";
import { resolveEngine } from "../create-engine.ts";
import {
  EngineUnavailableError,
  SchedulerEntryExistsError,
  SchedulerEntryNotFoundError,
  SchedulerStateError,
} from "../errors.ts";
import { MAX_PAYLOAD_BYTES } from "../payload.ts";
import { keepAlive } from "../runtime/keep-alive.ts";
import { type PeriodicComponent, periodic } from "../runtime/periodic.ts";
import { onSignals, type SignalSource } from "../runtime/signals.ts";
import { requireKnownNames } from "../suggestion.ts";
import type { Task } from "../task.ts";
import type { TaskInfo } from "../task-info.ts";
import { requireNonBlank } from "../task-options.ts";
import { checkEntry, type Entry, type EntryDefaults, type EntryOptions } from "./entry.ts";
import { Hooks } from "./hooks.ts";
import { checkSchedulerOptions, type SchedulerConfig, type SchedulerOptions } from "./scheduler-options.ts";
import { definitionOf, StoredEntries } from "./stored-entries.ts";
import { Ticker, type TickerOptions, type TickerOrigin } from "./ticker.ts";

/** For tests. */
export interface SchedulerInternals {
  readonly signals?: SignalSource;
}

/** A periodic task that is to be stored. */
export interface StoredEntryDefinition extends Omit<EntryOptions, "id"> {
  /** Five fields, a word such as `@daily`, or `@every 30s`. */
  spec: string;
  task: Task;
}

/** What a scheduler has to do. */
export interface ScheduledEntry {
  readonly id: string;
  readonly spec: string;
  readonly type: string;
  readonly queue: string;
  /** It is kept in the engine, for all schedulers. */
  readonly stored: boolean;
  readonly paused: boolean;
  /** When it is due next, paused or not; `undefined`: never. */
  readonly next: Date | undefined;
}

interface Registered {
  readonly entry: Entry;
  /** When, in milliseconds. */
  readonly at: number;
}

type State = "new" | "starting" | "running" | "stopping" | "stopped";

/** How long to wait after a failed try, in milliseconds. */
const RETRY = 1_000;
/** A scheduler that has nothing to do looks so often whether the clock was changed, at most. Milliseconds. */
const LONGEST_REST = 10_000;

/**
 * Enqueues tasks periodically.
 *
 * Run as many as you like, with the same entries: each tick is enqueued once, by one of them. An entry keeps its id over
 * restarts. Entries that are registered vanish with the last scheduler that has them; those that are put are stored in the
 * engine, and every scheduler sees to them.
 *
 * @example
 * const scheduler = new Scheduler("redis://127.0.0.1:6379", { timezone: "Europe/Berlin" });
 * await scheduler.register("0 9 * * MON-FRI", dailyReport());
 * await scheduler.register("@every 30s", new Task("cache:warm"));
 * process.exit(await scheduler.run());
 */
export class Scheduler implements AsyncDisposable {
  readonly #engine: Engine;
  readonly #config: SchedulerConfig;
  readonly #signals: SignalSource;
  readonly #defaults: EntryDefaults;
  readonly #tools: TickerOptions;
  readonly #stored: StoredEntries;
  readonly #schedulerId: string;
  readonly #ended: Promise<void>;
  /** Whatever is asked of the engine counts as its user, also before the start. */
  readonly #client: Client;
  #end: () => void = () => undefined;
  #state: State = "new";
  #startedAt = 0;
  #registered = new Map<string, Registered>();
  #tickers = new Map<string, Ticker>();
  #loop: PeriodicComponent | undefined;
  #nextHeartbeat = 0;
  #failing = false;
  #letGo: () => void = () => undefined;
  #shutdown: Promise<void> | undefined;

  /**
   * @param source - a URL, or an engine to share with others; without it, the URL in `TITANQUEUE_URL`
   * @throws {@link EngineUrlMissingError} no source, and `TITANQUEUE_URL` is not set.
   * @throws {@link EngineUrlInvalidError} the URL cannot be understood.
   * @throws {@link InvalidOptionError} an option is unknown or not acceptable.
   */
  constructor(source?: string | Engine, options?: SchedulerOptions);
  /** @internal */
  constructor(source: string | Engine | undefined, options: SchedulerOptions, internals: SchedulerInternals);
  constructor(source?: string | Engine, options: SchedulerOptions = {}, internals: SchedulerInternals = {}) {
    this.#config = checkSchedulerOptions(options);
    const { runtime, logger, commandTimeout, timezone, missed } = this.#config;
    const engine = resolveEngine(source, { runtime, logger, commandTimeout });
    this.#engine = engine;
    this.#client = new Client(engine, { runtime });
    this.#signals = internals.signals ?? process;
    this.#schedulerId = `${hostname()}:${process.pid}:${runtime.uuid()}`;
    const composer = {
      now: () => engine.broker.now(),
      uuid: () => runtime.uuid(),
      maxPayloadBytes: MAX_PAYLOAD_BYTES,
    };
    this.#defaults = { timezone, missed, composer };
    this.#tools = { store: engine.schedules, composer, hooks: new Hooks(this.#config), logger };
    this.#stored = new StoredEntries({ store: engine.schedules, defaults: this.#defaults, logger });
    this.#ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  // ---- entries of this program ----------------------------------------------------------------------------

  /**
   * Enqueues `task` at every tick of `spec`, as long as this or another scheduler that has the entry runs. Checks
   * everything now; a day that does not exist, as in `0 0 30 2 *`, is accepted with a warning.
   *
   * @param spec - `minute hour day-of-month month day-of-week`, a word such as `@daily`, or `@every 1h30m`; before either,
   * `CRON_TZ=Europe/Berlin `
   * @returns the entry's id
   * @throws {@link CronSpecInvalidError} the spec cannot be understood.
   * @throws {@link InvalidOptionError} {@link InvalidPayloadError} {@link PayloadNotSerializableError} as for
   * `Client.enqueue`.
   * @throws {@link SchedulerEntryExistsError} an equal entry is registered, or another one of that id.
   * @example await scheduler.register("0 9 * * *", dailyReport(), { timezone: "Europe/Berlin", missed: "run-once" });
   */
  async register(spec: string, task: Task, options: EntryOptions = {}): Promise<string> {
    this.#requireUsable();
    const entry = await checkEntry(spec, task, options, this.#defaults);
    if (this.#registered.has(entry.id)) {
      throw new SchedulerEntryExistsError(
        entry.id,
        options.id === undefined
          ? "an equal one is registered already; give one of them an id"
          : "another one of that id is registered already",
      );
    }
    this.#warnOfNever(entry);
    this.#registered.set(entry.id, { entry, at: this.#engine.broker.now() });
    this.#changed();
    return entry.id;
  }

  /** Ends an entry of this scheduler. False: it has none of that id. Other schedulers that have it go on. */
  async unregister(id: string): Promise<boolean> {
    const had = this.#registered.delete(id);
    if (had) this.#changed();
    return had;
  }

  /** @internal Checks an entry without registering it. */
  async check(spec: string, task: Task, options: EntryOptions): Promise<Entry> {
    return checkEntry(spec, task, options, this.#defaults);
  }

  /** @internal Registers these entries, and no others: those that mean the same as before are not disturbed. */
  replaceRegistered(entries: readonly Entry[]): void {
    const wanted = new Map<string, Registered>();
    const at = this.#engine.broker.now();
    for (const entry of entries) {
      if (wanted.has(entry.id)) throw new SchedulerEntryExistsError(entry.id, "it is there twice");
      const known = this.#registered.get(entry.id);
      if (known === undefined) this.#warnOfNever(entry);
      wanted.set(entry.id, known !== undefined && isSame(known.entry, entry) ? known : { entry, at });
    }
    this.#registered = wanted;
    this.#changed();
  }

  // ---- entries of the engine ------------------------------------------------------------------------------

  /**
   * Stores a periodic task in the engine, or replaces it: every scheduler on the engine sees to it from then on, started
   * before or after. Needs no started scheduler.
   *
   * @throws as {@link Scheduler.register}; and what the engine throws.
   * @example await scheduler.put("report:acme", { spec: "0 9 * * *", task: report({ tenant: "acme" }) });
   */
  async put(id: string, definition: StoredEntryDefinition): Promise<void> {
    this.#requireUsable();
    requireKnownNames("a stored entry", definition, ["spec", "task", "timezone", "missed", "options"]);
    const { spec, task, ...options } = definition;
    const entry = await checkEntry(spec, task, { ...options, id }, this.#defaults);
    if (this.#registered.has(id)) {
      throw new SchedulerEntryExistsError(id, "this scheduler has registered one of that id");
    }
    this.#warnOfNever(entry);
    const since = Math.floor(this.#engine.broker.now());
    await this.#engine.schedules.putEntry({ id, definition: definitionOf(entry, since) });
    this.#loop?.wake();
  }

  /** Removes a stored entry, for all schedulers. False: none of that id is stored. */
  async remove(id: string): Promise<boolean> {
    this.#requireUsable();
    const had = await this.#engine.schedules.removeEntry(requireNonBlank("id", id));
    this.#loop?.wake();
    return had;
  }

  /** What this scheduler sees to: what it has registered, and what is stored. Sorted by id. */
  async list(): Promise<ScheduledEntry[]> {
    this.#requireUsable();
    await this.#stored.look();
    const now = this.#engine.broker.now();
    return [...this.#all().values()]
      .map(({ entry: { id, spec, task, queue }, stored }) => {
        const next = spec.schedule.next(now);
        return {
          id,
          spec: spec.text,
          type: task.type,
          queue,
          stored,
          paused: this.#stored.isPaused(id),
          next: next === undefined ? undefined : new Date(next),
        };
      })
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /**
   * Lets an entry rest, in all schedulers, until {@link Scheduler.resume}; ticks that pass meanwhile are not made up for.
   * False: it was paused already. Any id will do: the entry may be another program's.
   */
  async pause(id: string): Promise<boolean> {
    return this.#setPaused(id, true);
  }

  /** Ends the rest of an entry. False: it was not paused. */
  async resume(id: string): Promise<boolean> {
    return this.#setPaused(id, false);
  }

  /**
   * Enqueues the task of an entry now, beside its ticks and whether it is paused or not.
   *
   * @throws {@link SchedulerEntryNotFoundError} this scheduler has no such entry, and none is stored.
   * @throws as `Client.enqueue`.
   */
  async runNow(id: string): Promise<TaskInfo> {
    this.#requireUsable();
    await this.#stored.look();
    const found = this.#all().get(id);
    if (found === undefined) throw new SchedulerEntryNotFoundError(id);
    const { task, options } = found.entry;
    const info = await this.#client.enqueue(task, options);
    const ticker = this.#tickers.get(id) ?? new Ticker(found.entry, this.#origin(found.at), this.#tools);
    await ticker.recordEvent(info.id);
    this.#tools.hooks.postEnqueue(info, ticker.facts(undefined));
    return info;
  }

  // ---- the way in and out ---------------------------------------------------------------------------------

  /**
   * Begins to enqueue. Resolves when the scheduler works, or when the engine cannot be reached: it then goes on trying. The
   * process stays alive until {@link Scheduler.shutdown}.
   *
   * @throws {@link SchedulerStateError} it was started before, or shut down.
   * @throws {@link RedisAuthError} {@link RedisVersionError} … what trying again would not mend.
   */
  async start(): Promise<void> {
    if (this.#state !== "new") throw new SchedulerStateError("a scheduler starts once; make a new one");
    this.#state = "starting";
    this.#letGo = keepAlive();
    try {
      await this.#engine.open();
    } catch (error) {
      if (!(error instanceof EngineUnavailableError)) {
        await this.shutdown();
        throw error;
      }
      this.#failed(error);
    }
    if (this.#state !== "starting") {
      throw new SchedulerStateError("the scheduler was shut down while it started");
    }
    this.#state = "running";
    this.#startedAt = Math.floor(this.#engine.broker.now());
    const { runtime, logger } = this.#config;
    this.#loop = periodic("scheduler", {
      every: () => this.#rest(),
      tick: (signal) => this.#turn(signal),
      immediately: true,
      runtime,
      logger,
    });
    await this.#loop.start();
    logger.info({ entries: this.#registered.size }, "scheduling");
  }

  /** Ends the scheduler: waits for ticks under way, takes it off the tools' lists, leaves the engine. Never rejects. */
  shutdown(): Promise<void> {
    this.#shutdown ??= this.#shutDown();
    return this.#shutdown;
  }

  /**
   * Starts, and schedules until SIGTERM or SIGINT comes, or someone calls {@link Scheduler.shutdown}. Resolves with the
   * exit code, 0; it does not exit.
   *
   * @throws as {@link Scheduler.start}.
   * @example process.exit(await scheduler.run());
   */
  async run(): Promise<0> {
    const off = onSignals(this.#signals, {
      stop: () => undefined,
      shutdown: (signal) => {
        this.#config.logger.info({ signal }, "shutting down");
        void this.shutdown();
      },
      hurry: () => undefined,
    });
    try {
      await this.start().catch((error: unknown) => {
        // A signal that came while it started is no error.
        if (this.#shutdown === undefined || !(error instanceof SchedulerStateError)) throw error;
      });
      await this.#ended;
      return 0;
    } finally {
      off();
    }
  }

  /** Resolves when the engine answers. @throws {@link EngineUnavailableError} it does not. */
  async ping(): Promise<void> {
    await this.#engine.ping();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  async #shutDown(): Promise<void> {
    const began = this.#state === "running";
    this.#state = "stopping";
    await this.#loop?.stop();
    if (began) {
      try {
        await this.#engine.schedules.clearEntries(this.#schedulerId);
      } catch (error) {
        this.#config.logger.warn({ error }, "tools may show this scheduler a little longer");
      }
    }
    await this.#client.close();
    this.#letGo();
    this.#state = "stopped";
    this.#end();
  }

  // ---- the loop -------------------------------------------------------------------------------------------

  async #turn(signal: AbortSignal): Promise<void> {
    try {
      await this.#work(signal);
      if (this.#failing) this.#config.logger.info({}, "scheduling again");
      this.#failing = false;
    } catch (error) {
      this.#failed(error);
    }
  }

  async #work(signal: AbortSignal): Promise<void> {
    const { schedules } = this.#engine;
    const { clock } = this.#config.runtime;
    // What others have paused, removed or changed counts from the next tick on.
    if (await this.#stored.look()) this.#nextHeartbeat = 0;
    this.#arrange();

    const now = schedules.tickTime();
    if (now === undefined) return;
    await this.#each((ticker) => ticker.prepare(now));
    if (clock.monotonic() >= this.#nextHeartbeat) await this.#show();
    if (signal.aborted) return;
    await this.#each((ticker) =>
      this.#stored.isPaused(ticker.entry.id) ? ticker.pass(now) : ticker.enqueueDue(now),
    );
  }

  /** One entry that fails must not hold up the others. @throws the first error, when all have ended. */
  async #each(work: (ticker: Ticker) => Promise<void> | void): Promise<void> {
    const results = await Promise.allSettled([...this.#tickers.values()].map(async (each) => work(each)));
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  /** Shows what this scheduler has to do, until after the next two times. */
  async #show(): Promise<void> {
    const { heartbeatInterval, runtime } = this.#config;
    const entries = [...this.#tickers.values()].map(({ shown }) => shown);
    await this.#engine.schedules.writeEntries(this.#schedulerId, entries, 2 * heartbeatInterval);
    this.#nextHeartbeat = runtime.clock.monotonic() + heartbeatInterval;
  }

  #rest(): number {
    if (this.#failing) return RETRY;
    const now = this.#engine.schedules.tickTime();
    if (now === undefined) return RETRY;
    const heartbeat = this.#nextHeartbeat - this.#config.runtime.clock.monotonic();
    let rest = Math.min(heartbeat, LONGEST_REST);
    for (const { dueAt } of this.#tickers.values())
      if (dueAt !== undefined) rest = Math.min(rest, dueAt - now);
    return Math.max(1, Math.ceil(rest));
  }

  #failed(error: unknown): void {
    const { logger } = this.#config;
    if (!this.#failing) logger.error({ error }, "cannot schedule; trying again");
    else logger.debug({ error }, "still cannot schedule");
    this.#failing = true;
  }

  // ---- who is at work -------------------------------------------------------------------------------------

  /** Entries by id; what this program has registered goes before what is stored. */
  #all(): Map<string, { readonly entry: Entry; readonly at: number; readonly stored: boolean }> {
    const all = new Map<string, { readonly entry: Entry; readonly at: number; readonly stored: boolean }>();
    for (const [id, { entry, since }] of this.#stored.entries)
      all.set(id, { entry, at: since, stored: true });
    for (const [id, { entry, at }] of this.#registered) all.set(id, { entry, at, stored: false });
    return all;
  }

  /** Lets those work that are there now. One that means the same as before goes on where it is. */
  #arrange(): void {
    const tickers = new Map<string, Ticker>();
    for (const [id, { entry, at, stored }] of this.#all()) {
      const known = this.#tickers.get(id);
      if (known?.entry === entry) tickers.set(id, known);
      else tickers.set(id, new Ticker(entry, stored ? originOfStored(at) : this.#origin(at), this.#tools));
    }
    this.#tickers = tickers;
  }

  /** Of an entry that was registered then. */
  #origin(at: number): TickerOrigin {
    return { startedAt: this.#startedAt, from: Math.max(at, this.#startedAt) };
  }

  #changed(): void {
    this.#nextHeartbeat = 0;
    this.#loop?.wake();
  }

  async #setPaused(id: string, paused: boolean): Promise<boolean> {
    this.#requireUsable();
    const changed = await this.#engine.schedules.setPaused(requireNonBlank("id", id), paused);
    this.#loop?.wake();
    return changed;
  }

  #warnOfNever({ id, spec }: Entry): void {
    if (spec.schedule.next(this.#engine.broker.now()) !== undefined) return;
    this.#config.logger.warn(
      { entryId: id, spec: spec.text },
      "this entry is never due: its day does not exist",
    );
  }

  #requireUsable(): void {
    if (this.#state === "stopping" || this.#state === "stopped") {
      throw new SchedulerStateError("the scheduler was shut down");
    }
  }
}

function originOfStored(at: number): TickerOrigin {
  return { startedAt: at, from: at, bornAt: at };
}

function isSame(a: Entry, b: Entry): boolean {
  return a.digest === b.digest && JSON.stringify(a.missed) === JSON.stringify(b.missed);
}
