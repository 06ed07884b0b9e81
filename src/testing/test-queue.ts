import type { Engine } from "../broker/engine.ts";
import type { Client } from "../client/client.ts";
import {
  type AnyTaskDefinition,
  type InputOf,
  isTaskDefinition,
  type ResultOf,
  type TaskDefinition,
} from "../define-task.ts";
import { type Duration, parseDuration } from "../duration.ts";
import { createMemoryEngine, namedStore } from "../engine/memory/memory-engine.ts";
import { MemoryStore } from "../engine/memory/store.ts";
import { InvalidOptionError } from "../errors.ts";
import { Inspector } from "../inspector/inspector.ts";
import { systemClock } from "../runtime/clock.ts";
import { type Logger, silentLogger } from "../runtime/logger.ts";
import { type Runtime, systemRuntime } from "../runtime/runtime.ts";
import type { Aggregated } from "../server/group-aggregation.ts";
import { routerOf } from "../server/serve-mux.ts";
import { checkServerOptions, type ServerOptions } from "../server/server-options.ts";
import { requireKnownNames } from "../suggestion.ts";
import type { Task } from "../task.ts";
import type { TaskInfo } from "../task-info.ts";
import { parseInstant } from "../task-options.ts";
import { type AggregateGroupsOptions, aggregateGroups } from "./aggregate-groups.ts";
import { assertEnqueued, assertNotEnqueued, type Scene } from "./assert-enqueued.ts";
import { Attempts, type AttemptsOptions } from "./attempts.ts";
import { type DrainOptions, drain } from "./drain.ts";
import { type EnqueuedFilter, Expectation, FILTER_NAMES, type PayloadMatch } from "./expectation.ts";
import { FakeClock } from "./fake-clock.ts";
import { fakeRuntime } from "./fake-runtime.ts";
import { Inline } from "./inline.ts";
import { Passage } from "./passage.ts";
import { type PerformOptions, performAlone } from "./perform.ts";
import type { DrainReport, Performed } from "./performed.ts";
import { requireRealTimers } from "./real-timers.ts";
import { waitingTasks } from "./store-view.ts";
import { TestClient } from "./test-client.ts";
import { checkTestQueueOptions, storeName, type TestQueueOptions } from "./test-queue-options.ts";

/** Which tasks must be enqueued, and how many. */
export interface ExpectOptions extends EnqueuedFilter {
  /** Exactly so many. @defaultValue at least one */
  count?: number | undefined;
}

/** The payload may be left out where the definition takes none. */
type PerformArguments<D extends AnyTaskDefinition> =
  undefined extends InputOf<D>
    ? [payload?: InputOf<D>, options?: PerformOptions]
    : [payload: InputOf<D>, options?: PerformOptions];

/**
 * A queue for one test: the real client and inspector on a store in memory, a clock that the test turns, and tasks that
 * run when the test says so. Payloads are written and read as in production.
 *
 * Nothing is shared between two of them, so tests may run side by side.
 *
 * @throws {@link InvalidOptionError} an option is unknown or not acceptable.
 * @throws Error the fake timers of a test library are in place: nothing would ever answer.
 * @example
 * const q = testQueue({ mux });
 * await signUp(q.client, "ada@example.com");
 * q.expectEnqueued(welcomeEmail, { to: "ada@example.com" }, { at: "10m" });
 * await q.advance("10m");
 * const { success } = await q.drain();
 */
export function testQueue(options: TestQueueOptions = {}): TestQueue {
  return new TestQueue(options);
}

/** See {@link testQueue}. */
export class TestQueue implements AsyncDisposable {
  /** Enqueues to this queue. The real one: hand it to the code under test. */
  readonly client: Client;
  /** Looks at this queue. The real one. */
  readonly inspector: Inspector;
  /** For a server under test, or for more clients: `new Server(q.engine, { runtime: q.runtime })`. */
  readonly engine: Engine;
  /** Time and chance of all that belongs to this queue. */
  readonly runtime: Runtime & { readonly clock: FakeClock };
  readonly #store: MemoryStore;
  readonly #client: TestClient;
  readonly #policies: Policies;
  /** What runs tasks; `undefined` without a mux. */
  readonly #workshop: Workshop | undefined;
  readonly #attempts: Attempts | undefined;
  readonly #inline: Inline | undefined;
  readonly #passage: Passage;
  readonly #unsubscribe: Promise<() => Promise<void>>;
  #performed: Performed[] = [];

  constructor(options: TestQueueOptions) {
    requireRealTimers();
    checkTestQueueOptions(options);
    const { mux, server, inline = false, engine } = options;
    this.runtime = runtimeOf(options);
    this.#store = engine === undefined ? new MemoryStore() : namedStore(storeName(engine));
    this.engine = createMemoryEngine({ runtime: this.runtime }, { store: this.#store });
    const policies = policiesOf(server);
    this.#policies = policies;
    this.#workshop =
      mux === undefined ? undefined : { router: routerOf(mux, "mux"), runtime: this.runtime, ...policies };
    this.#attempts = this.#workshop && new Attempts({ ...this.#workshop, engine: this.engine });
    this.#inline = inline
      ? new Inline({
          store: this.#store,
          clock: this.clock,
          attempts: requireMux(this.#attempts),
          onPerformed: this.#record,
        })
      : undefined;
    this.#client = new TestClient(this.engine, this.runtime, async (infos) => this.#inline?.run(infos));
    this.client = this.#client;
    this.inspector = new Inspector(this.engine, { runtime: this.runtime });
    this.#passage = new Passage(this.#store, this.engine.broker, this.clock);
    this.#unsubscribe = this.engine.broker.subscribeCancelations((id) => this.#attempts?.cancel(id));
  }

  get clock(): FakeClock {
    return this.runtime.clock;
  }

  /** Every attempt that {@link drain}, {@link advance} and `inline` have run, in the order in which they ended. */
  get performed(): readonly Performed[] {
    return this.#performed;
  }

  // ---- what is enqueued -----------------------------------------------------------------------------------

  /**
   * The tasks that are still to be run: pending, scheduled, waiting in a group, or to be tried again. Those of one queue
   * come in the order in which they were enqueued. Filters as for {@link expectEnqueued}.
   */
  enqueued<D extends AnyTaskDefinition>(
    task: D,
    match?: PayloadMatch<D>,
    filter?: EnqueuedFilter,
  ): TaskInfo<ResultOf<D>>[];
  enqueued(type?: string, match?: unknown, filter?: EnqueuedFilter): TaskInfo[];
  enqueued(task?: AnyTaskDefinition | string, match?: unknown, filter: EnqueuedFilter = {}): TaskInfo[] {
    requireKnownNames("enqueued", filter, FILTER_NAMES);
    const { waiting, now } = this.#scene();
    if (task === undefined) return waiting;
    const expectation = new Expectation(task, match, filter, now);
    return waiting.filter((each) => expectation.differences(each).length === 0);
  }

  /**
   * Answers the first task that is enqueued as asked for.
   *
   * `match` is a part of the payload, as it was enqueued or as its handler gets it. Objects may have more members, lists
   * may not; matchers such as `expect.any(Number)` are asked. Call it when the enqueue has settled.
   *
   * @param task - a definition, or a type
   * @throws AssertionError there is none, or not as many as `count`; the message shows what is enqueued instead.
   * @throws {@link InvalidOptionError} an option is unknown or not acceptable.
   * @example q.expectEnqueued(welcomeEmail, { userId: 42 }, { queue: "critical", at: "10m" });
   */
  expectEnqueued<D extends AnyTaskDefinition>(
    task: D,
    match?: PayloadMatch<D>,
    options?: ExpectOptions,
  ): TaskInfo<ResultOf<D>>;
  expectEnqueued(type: string, match?: unknown, options?: ExpectOptions): TaskInfo;
  expectEnqueued(task: AnyTaskDefinition | string, match?: unknown, options: ExpectOptions = {}): TaskInfo {
    requireKnownNames("expectEnqueued", options, [...FILTER_NAMES, "count"]);
    const { count, ...filter } = options;
    if (count !== undefined && (!Number.isInteger(count) || count < 1)) {
      throw new InvalidOptionError(
        "count",
        `expected a whole number from 1, or use refuteEnqueued; got ${count}`,
      );
    }
    const scene = this.#scene();
    const expectation = new Expectation(task, match, filter, scene.now);
    return assertEnqueued(expectation, count, scene, this.expectEnqueued);
  }

  /**
   * The opposite of {@link expectEnqueued}.
   *
   * @throws AssertionError there is such a task, or a call to enqueue has not settled yet.
   * @throws {@link InvalidOptionError} an option is unknown or not acceptable.
   */
  refuteEnqueued<D extends AnyTaskDefinition>(
    task: D,
    match?: PayloadMatch<D>,
    filter?: EnqueuedFilter,
  ): void;
  refuteEnqueued(type: string, match?: unknown, filter?: EnqueuedFilter): void;
  refuteEnqueued(task: AnyTaskDefinition | string, match?: unknown, filter: EnqueuedFilter = {}): void {
    requireKnownNames("refuteEnqueued", filter, FILTER_NAMES);
    const scene = this.#scene();
    assertNotEnqueued(new Expectation(task, match, filter, scene.now), scene, this.refuteEnqueued);
  }

  // ---- time and work --------------------------------------------------------------------------------------

  /**
   * Lets time pass: tasks that fall due become pending, locks and retentions run out, timers of a server under test fire.
   * With `inline`, tasks also run, each at its instant.
   *
   * @throws {@link InvalidOptionError} it is no length of time.
   */
  async advance(duration: Duration): Promise<void> {
    requireRealTimers();
    const end = this.clock.now() + parseDuration("duration", duration);
    await this.#passage.to(end, async () => this.#inline?.runAll());
  }

  /**
   * Runs the tasks that are pending, one after the other, and those that they enqueue. Tasks of one queue run in order;
   * the order of queues is not promised. Paused queues are left alone.
   *
   * An attempt that fails does not make it reject: the report tells, and so does the log (standard error, unless the
   * server option `logger` says otherwise).
   *
   * A handler that waits for its signal waits for the clock: `const drained = q.drain(); await q.advance("30s")`.
   *
   * @throws AssertionError there seems to be no end of tasks.
   * @throws {@link InvalidOptionError} an option is unknown or not acceptable; or there is no mux.
   */
  async drain(options: DrainOptions = {}): Promise<DrainReport> {
    requireRealTimers();
    return drain(options, {
      store: this.#store,
      attempts: requireMux(this.#attempts),
      passage: this.#passage,
      onPerformed: this.#record,
    });
  }

  /**
   * Aggregates every group that the option `server` has an aggregator for, as if its grace period had just passed: the
   * aggregates take the tasks' place in their queue. By itself nothing is aggregated here, however much time passes.
   *
   * @returns what became of each set, as a server's event `aggregated` tells it
   * @throws whatever an aggregator throws; its tasks then return to their group two minutes later.
   * @throws {@link InvalidOptionError} there is no aggregator, or an option is unknown.
   * @example
   * const [{ size }] = await q.aggregate({ group: "digest:42" });
   * q.expectEnqueued(digest, { lines: ["a", "b"] });
   */
  async aggregate(options: AggregateGroupsOptions = {}): Promise<Aggregated[]> {
    requireRealTimers();
    const aggregated = await aggregateGroups(options, {
      store: this.#store,
      broker: this.engine.broker,
      runtime: this.runtime,
      ...this.#policies,
    });
    await this.#inline?.runAll();
    return aggregated;
  }

  /**
   * Runs one attempt at a task through the mux, and answers how it ended; nothing is enqueued, and no lock is looked at.
   * The payload is checked, written and read as on its way through the store. Quiet, unless there is a `logger`.
   *
   * Instead of a definition and its payload it takes a {@link Task}, whose payload only the server checks.
   *
   * @throws the errors that `Client.enqueue` lists for a task that is not acceptable.
   * @throws {@link InvalidOptionError} an option is unknown or not acceptable; or there is no mux.
   * @example
   * const attempt = await q.perform(welcomeEmail, { userId: 42 }, { retried: 5 });
   * assert.equal(attempt.outcome, "success");
   */
  perform<D extends AnyTaskDefinition>(
    definition: D,
    ...rest: PerformArguments<D>
  ): Promise<Performed<ResultOf<D>>>;
  perform<R>(task: Task<unknown, R>, options?: PerformOptions): Promise<Performed<R>>;
  async perform(
    task: AnyTaskDefinition | Task,
    ...rest: readonly [unknown?, PerformOptions?]
  ): Promise<Performed> {
    requireRealTimers();
    const [built, options] = isTaskDefinition(task)
      ? [(task as TaskDefinition<unknown, unknown, unknown>)(rest[0]), rest[1]]
      : [task, rest[0] as PerformOptions | undefined];
    const { quiet, ...using } = requireMux(this.#workshop);
    return performAlone(built, options ?? {}, { ...using, logger: quiet });
  }

  /** Forgets all tasks, locks, counts, and what was performed. The clock stays; who uses the engine goes on. */
  reset(): void {
    this.#store.clear();
    this.#performed = [];
  }

  /** Closes client and inspector. Nothing here keeps a process alive, so it may be left out. */
  async close(): Promise<void> {
    const unsubscribe = await this.#unsubscribe;
    await unsubscribe();
    await Promise.all([this.client.close(), this.inspector.close()]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // ---- details --------------------------------------------------------------------------------------------

  #scene(): Scene & { readonly waiting: TaskInfo[] } {
    const now = this.clock.now();
    return {
      waiting: waitingTasks(this.#store, now),
      performed: this.#performed,
      calls: this.#client.calls,
      now,
    };
  }

  readonly #record = (performed: Performed): void => {
    this.#performed.push(performed);
  };
}

interface Policies extends Pick<AttemptsOptions, "config" | "logger"> {
  /** For attempts whose end the test gets as a value. */
  readonly quiet: Logger;
}

/** All that attempts need, but for the engine. */
type Workshop = Policies & Omit<AttemptsOptions, "engine">;

function policiesOf(server: ServerOptions = {}): Policies {
  const { logger, logLevel = logger ? "info" : "warn" } = server;
  const config = checkServerOptions({ ...server, logLevel });
  return { config, logger: config.logger, quiet: logger ? config.logger : silentLogger };
}

function requireMux<T>(made: T | undefined): T {
  if (made !== undefined) return made;
  throw new InvalidOptionError("mux", "nothing can be performed without one: testQueue({ mux })");
}

/** Chance repeats from test to test; ids do not, unless asked for: a database may outlive the test. */
function runtimeOf({ engine, now, seed }: TestQueueOptions): TestQueue["runtime"] {
  const fake = fakeRuntime({ seed });
  const start = now === undefined ? systemClock.now() : parseInstant("now", now);
  const clock = new FakeClock(start, engine === undefined ? undefined : systemClock);
  return { ...fake, clock, uuid: seed === undefined ? systemRuntime.uuid : fake.uuid };
}
