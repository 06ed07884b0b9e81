import type { Leased } from "../broker/broker.ts";
import type { Engine } from "../broker/engine.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { ServerEvents } from "../server/events.ts";
import { attemptFacts, type Finished, OutcomeLedger } from "../server/outcome.ts";
import type { Router } from "../server/serve-mux.ts";
import type { ServerConfig } from "../server/server-options.ts";
import { TaskRunner } from "../server/task-runner.ts";
import { Workers } from "../server/workers.ts";
import type { Performed } from "./performed.ts";
import { RecordingJudge } from "./recording-judge.ts";

export interface AttemptsOptions {
  readonly engine: Engine;
  readonly router: Router;
  /** Of which the policies are used, and what is told of failures. */
  readonly config: ServerConfig;
  readonly runtime: Runtime;
  readonly logger: Logger;
}

/**
 * Runs tasks as a server does, with the server's own parts, but only when told to: its processor's loop is the test.
 * Nobody renews the leases, and none is given up.
 */
export class Attempts {
  readonly #engine: Engine;
  readonly #runtime: Runtime;
  readonly #judge: RecordingJudge;
  readonly #runner: TaskRunner;
  readonly #ledger: OutcomeLedger;
  readonly #running = new Map<Leased, (finished: Finished) => void>();

  constructor({ engine, router, config, runtime, logger }: AttemptsOptions) {
    const { broker } = engine;
    const events = new ServerEvents(logger);
    const judge = new RecordingJudge({
      ...config,
      logger,
      now: () => broker.now(),
      random: () => runtime.random(),
    });
    this.#engine = engine;
    this.#runtime = runtime;
    this.#judge = judge;
    this.#ledger = new OutcomeLedger(events, logger);
    this.#runner = new TaskRunner({
      broker: {
        now: () => broker.now(),
        writeResult: (leased, result) => {
          judge.wrote(leased.message, result);
          return broker.writeResult(leased, result);
        },
      },
      workers: new Workers(),
      router,
      judge,
      events,
      runtime,
      logger,
      errorHandler: config.errorHandler,
      abortGrace: config.abortGrace,
      leaseLimit: Number.POSITIVE_INFINITY,
      onFinished: (finished) => this.#running.get(finished.leased)?.(finished),
      onChange: () => undefined,
    });
  }

  /** Leases up to `limit` pending tasks of `queue`. */
  async lease(queue: string, limit: number): Promise<Leased[]> {
    const { leased } = await this.#engine.broker.exchange(queue, [], limit);
    return leased;
  }

  /** Runs one attempt to its end, and tells the store. Only as late as its handler: nothing hurries that but the clock. */
  async run(leased: Leased, queue: string): Promise<Performed> {
    const ended = new Promise<Finished>((resolve) => this.#running.set(leased, resolve));
    this.#runner.start(leased, queue, this.#runtime.clock.monotonic());
    const finished = await ended;
    this.#running.delete(leased);
    const { answers } = await this.#engine.broker.exchange(queue, [finished], 0);
    this.#ledger.record([finished], answers);
    const ending = this.#judge.endingOf(leased.message);
    if (ending === undefined) throw new Error(`the attempt at ${leased.message.id} ended without a verdict`);
    return { ...attemptFacts(leased), ...ending };
  }

  /** Cancels whatever runs under this id. */
  cancel(taskId: string): void {
    this.#runner.cancel(taskId);
  }
}
