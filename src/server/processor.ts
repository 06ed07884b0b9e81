import type { Broker, ExchangeResult, Leased } from "../broker/broker.ts";
import { EngineUnavailableError, ShuttingDownError } from "../errors.ts";
import type { Component } from "../runtime/component.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { EngineState } from "./engine-state.ts";
import type { Limiter } from "./limiter.ts";
import { attemptFacts, Finished, type OutcomeLedger } from "./outcome.ts";
import { MAX_OUTCOMES } from "./outcome-sender.ts";
import { QueueOrder } from "./queue-order.ts";
import type { ShutdownClock } from "./shutdown-clock.ts";
import type { SyncQueue } from "./sync-queue.ts";
import type { TaskRunner } from "./task-runner.ts";
import { REQUEUE } from "./verdict.ts";
import type { Workers } from "./workers.ts";

export interface ProcessorOptions {
  readonly broker: Pick<Broker, "exchange">;
  /** Queue name -> weight. */
  readonly queues: ReadonlyMap<string, number>;
  readonly strictPriority: boolean;
  readonly concurrency: number;
  readonly runner: Pick<TaskRunner, "start" | "abort" | "stop">;
  readonly workers: Workers;
  readonly limiter: Pick<Limiter, "concerns" | "admit">;
  readonly ledger: OutcomeLedger;
  readonly syncQueue: SyncQueue;
  /** The store refused outcomes, perhaps all for the sake of one. They are in the sync queue. */
  readonly onRefused: () => void;
  readonly engineState: EngineState;
  readonly shutdownClock: ShutdownClock;
  /** Asks to be told, through {@link Processor.wake}, when a queue that was found empty may have work. */
  readonly watch: (queue: string) => void;
  /** Whether such news comes at once; while it does not, all queues are polled. */
  readonly watchIsLive: () => boolean;
  /** Milliseconds between polls, on average. */
  readonly pollInterval: () => number;
  /** Milliseconds a handler has to end after its abort. */
  readonly abortGrace: number;
  readonly runtime: Runtime;
  readonly logger: Logger;
}

/** Calls under way for one queue: the store works on one while this process works on the answer of another. */
const IN_FLIGHT = 2;
/** Tasks asked for in one call. */
const MAX_FETCH = 200;
/** Longest wait after a wake-up that found nothing, because another server was quicker. */
const LOSER_WAIT = 10;
/** Fewer slots than this are not split over two calls: what a call costs outweighs that two overlap. */
const WORTH_A_CALL = 32;
/** Waits after a call that failed: the first, and the longest. */
const FIRST_RETRY = 50;
const LAST_RETRY = 1_000;
/** Longest grace for handlers when the time of a shutdown is over, so that time is left to tell the store. */
const SHUTDOWN_GRACE = 2_000;

/** What the processor knows about one queue. */
class Lane {
  readonly queue: string;
  /** Outcomes that wait for the next call. */
  outcomes: Finished[] = [];
  inFlight = 0;
  /** The last answer said that there is more. */
  more = false;
  /** A call failed; none is made for a while. */
  blocked = false;
  failures = 0;
  /** A call that asked for tasks was not answered: tasks may be leased to us that we have not seen. */
  owed = false;
  /** The next answer tells whether a wake-up was worth it. */
  woken = false;
  losses = 0;

  constructor(queue: string) {
    this.queue = queue;
  }
}

/**
 * Takes tasks, hands them to the runner, and tells the store how they ended.
 *
 * One call does both: it settles what has ended and leases as many tasks as there are free slots, never more. What
 * ends while {@link IN_FLIGHT} calls are under way rides on the next one, so that batches form by themselves under
 * load, an idle server sends every step at once, and no timer is involved. Calls go out at the end of a turn of the
 * event loop.
 */
export class Processor implements Component {
  readonly name = "processor";
  readonly #options: ProcessorOptions;
  readonly #lanes: ReadonlyMap<string, Lane>;
  readonly #order: QueueOrder;
  readonly #withOutcomes = new Set<Lane>();
  /** Half of the slots, so that two calls can share the work. */
  readonly #fetch: number;
  /** Slots that a call under way may fill. */
  #reserved = 0;
  #unansweredInFlight = 0;
  /** Leased tasks of which the store has not said yet whether they may start. */
  #asking = 0;
  #taking = false;
  #paused = false;
  #scheduled = false;
  #polled = 0;
  #cancelPoll: () => void = () => undefined;
  #onQuiet: (() => void)[] = [];
  #stopped: Promise<void> | undefined;

  constructor(options: ProcessorOptions) {
    this.#options = options;
    this.#lanes = new Map([...options.queues.keys()].map((queue) => [queue, new Lane(queue)]));
    this.#order = new QueueOrder({
      queues: options.queues,
      strict: options.strictPriority,
      random: options.runtime.random,
    });
    const { concurrency } = options;
    this.#fetch = Math.min(
      MAX_FETCH,
      Math.max(Math.min(concurrency, WORTH_A_CALL), Math.ceil(concurrency / 2)),
    );
  }

  async start(): Promise<void> {
    if (this.#taking || this.#paused) return;
    this.#taking = true;
    this.#wakeAll();
    this.#poll();
  }

  /** Takes no more tasks, started or not yet. Those that run go on, and those that a call under way may bring go back. */
  pause(): void {
    this.#paused = true;
    this.#taking = false;
    this.#cancelPoll();
  }

  /** `queue` may have work. */
  wake(queue: string): void {
    const lane = this.#lanes.get(queue);
    if (lane === undefined) return;
    lane.woken = true;
    if (lane.losses === 0) this.#mayHaveWork(lane);
    else {
      const wait = this.#options.runtime.random() * Math.min(LOSER_WAIT, 2 ** lane.losses);
      this.#options.runtime.clock.setTimer(wait, () => this.#mayHaveWork(lane));
    }
  }

  /** The store answers again after an outage. */
  engineReturned(): void {
    for (const lane of this.#lanes.values()) this.#unblock(lane);
  }

  /** Sends how an attempt ended with the next call. */
  finish(outcome: Finished): void {
    const lane = this.#lanes.get(outcome.queue);
    if (lane === undefined) return;
    lane.outcomes.push(outcome);
    this.#withOutcomes.add(lane);
    this.#schedule();
  }

  /** A slot became free, or an attempt was decided without an outcome. */
  readonly changed = (): void => {
    this.#schedule();
  };

  /** Aborts what runs and no longer waits for handlers. */
  hurry(): void {
    this.#abortAll(0);
  }

  /** Lets running tasks end, aborts those that take too long and hands them back, as the shutdown clock says. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    const { shutdownClock, abortGrace, runner } = this.#options;
    this.pause();
    await Promise.race([this.#quiet(), shutdownClock.abort, shutdownClock.giveUp]);
    if (shutdownClock.crashed) return;
    this.#abortAll(shutdownClock.hurried ? 0 : Math.min(abortGrace, SHUTDOWN_GRACE));
    await Promise.race([this.#quiet(), shutdownClock.giveUp]);
    for (const lane of this.#lanes.values()) if (lane.owed) void this.#exchange(lane, 0);
    await Promise.race([this.#quiet(), shutdownClock.giveUp]);
    runner.stop();
  }

  /** Outcomes that the store has not answered yet. */
  get unanswered(): number {
    let count = this.#unansweredInFlight;
    for (const lane of this.#lanes.values()) count += lane.outcomes.length;
    return count;
  }

  /** Tasks may be leased to us that we have not seen. */
  get owed(): boolean {
    return [...this.#lanes.values()].some((lane) => lane.owed || lane.inFlight > 0);
  }

  // ---- one turn -------------------------------------------------------------------------------------------

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#flush);
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    if (this.#taking) this.#order.deal(this.#freeSlots(), this.#ask);
    for (const lane of this.#withOutcomes) if (canSend(lane)) void this.#exchange(lane, 0);
    this.#checkQuiet();
  };

  #freeSlots(): number {
    return this.#options.concurrency - this.#options.workers.occupied - this.#reserved - this.#asking;
  }

  /** A second call at a time is only worth it when the first one is sure to leave something. */
  readonly #ask = (queue: string, slots: number): void => {
    const lane = this.#lanes.get(queue);
    if (lane === undefined) return;
    let left = slots;
    while (left > 0 && canSend(lane) && (lane.inFlight === 0 || lane.more)) {
      const limit = Math.min(left, this.#fetch);
      left -= limit;
      void this.#exchange(lane, limit);
    }
  };

  async #exchange(lane: Lane, limit: number): Promise<void> {
    const outcomes = this.#takeOutcomes(lane);
    const sentAt = this.#options.runtime.clock.monotonic();
    lane.inFlight += 1;
    this.#reserved += limit;
    this.#unansweredInFlight += outcomes.length;
    let result: ExchangeResult | undefined;
    try {
      result = await this.#options.broker.exchange(lane.queue, outcomes, limit);
    } catch (error) {
      this.#failed(lane, outcomes, limit, error);
    }
    lane.inFlight -= 1;
    this.#reserved -= limit;
    this.#unansweredInFlight -= outcomes.length;
    if (result !== undefined) this.#answered(lane, outcomes, limit, result, sentAt);
    this.#schedule();
  }

  #takeOutcomes(lane: Lane): Finished[] {
    const taken = lane.outcomes;
    lane.outcomes = taken.length > MAX_OUTCOMES ? taken.splice(MAX_OUTCOMES) : [];
    if (lane.outcomes.length === 0) this.#withOutcomes.delete(lane);
    return taken;
  }

  #answered(lane: Lane, outcomes: Finished[], limit: number, result: ExchangeResult, sentAt: number): void {
    const { engineState, ledger, limiter, logger } = this.#options;
    engineState.up();
    if (result.unready) this.#block(lane);
    else lane.failures = 0;
    lane.owed = false;
    ledger.record(outcomes, result.answers);
    if (result.quarantined.length > 0) {
      logger.error(
        { queue: lane.queue, taskIds: result.quarantined },
        "tasks archived: undecodable messages",
      );
    }
    if (result.dropped.length > 0) {
      logger.warn({ queue: lane.queue, taskIds: result.dropped }, "pending ids removed: copies, or no task");
    }
    if (limit > 0) this.#learn(lane, result);
    const limited: Leased[] = [];
    for (const leased of result.leased) {
      if (this.#taking && limiter.concerns(lane.queue, leased.message)) limited.push(leased);
      else this.#begin(leased, lane.queue, sentAt);
    }
    if (limited.length > 0) void this.#askLimits(lane.queue, limited, sentAt);
  }

  #begin(leased: Leased, queue: string, sentAt: number): void {
    if (this.#taking) this.#options.runner.start(leased, queue, sentAt);
    else this.finish(new Finished(leased, queue, REQUEUE, "shutdown"));
  }

  /** Starts those tasks that their limits allow to. Where that cannot be found out, all go back to the queue. */
  async #askLimits(queue: string, attempts: readonly Leased[], sentAt: number): Promise<void> {
    const { limiter, engineState, logger } = this.#options;
    this.#asking += attempts.length;
    try {
      const answers = await limiter.admit(queue, attempts);
      for (const [i, leased] of attempts.entries()) {
        if (answers[i] === "admitted") this.#begin(leased, queue, sentAt);
        else if (answers[i] === "lost")
          logger.warn(attemptFacts(leased), "a task was lost before it could start");
      }
    } catch (error) {
      if (error instanceof EngineUnavailableError) engineState.down(error);
      else logger.error({ queue, error }, "limits cannot be looked at; the tasks are handed back");
      for (const leased of attempts) {
        const outcome = new Finished(leased, queue, REQUEUE, "limit");
        // Some may be parked already.
        outcome.repeated = true;
        this.finish(outcome);
      }
    }
    this.#asking -= attempts.length;
    this.#schedule();
  }

  /** Keeps a queue that has work in the game, and takes an empty one out until there is news of it. */
  #learn(lane: Lane, { leased, more }: ExchangeResult): void {
    if (leased.length > 0) lane.losses = 0;
    else if (lane.woken) lane.losses += 1;
    lane.woken = false;
    lane.more = more && leased.length > 0;
    if (lane.more) this.#order.add(lane.queue);
    else {
      this.#order.remove(lane.queue);
      this.#options.watch(lane.queue);
    }
  }

  #failed(lane: Lane, outcomes: Finished[], limit: number, error: unknown): void {
    const { engineState, syncQueue, logger, runtime } = this.#options;
    if (error instanceof EngineUnavailableError) engineState.down(error);
    else {
      engineState.refused(error);
      logger.error({ queue: lane.queue, error }, "exchange failed; trying again");
    }
    for (const outcome of outcomes) outcome.failedToSend(error);
    syncQueue.add(lane.queue, outcomes, runtime.clock.monotonic());
    if (outcomes.length > 0 && !(error instanceof EngineUnavailableError)) this.#options.onRefused();
    if (limit > 0) lane.owed = true;
    this.#block(lane);
  }

  /** Asks nothing for a while, longer from time to time. */
  #block(lane: Lane): void {
    const { runtime } = this.#options;
    if (lane.blocked) return;
    lane.blocked = true;
    this.#order.remove(lane.queue);
    const wait = Math.min(LAST_RETRY, FIRST_RETRY * 2 ** lane.failures) * (0.5 + runtime.random() / 2);
    lane.failures += 1;
    runtime.clock.setTimer(wait, () => this.#unblock(lane));
  }

  // ---- news of work -----------------------------------------------------------------------------------------

  #mayHaveWork(lane: Lane): void {
    if (lane.blocked) return;
    this.#order.add(lane.queue);
    this.#schedule();
  }

  #wakeAll(): void {
    for (const lane of this.#lanes.values()) this.#mayHaveWork(lane);
  }

  #unblock(lane: Lane): void {
    lane.blocked = false;
    this.#mayHaveWork(lane);
  }

  /** The safety net: all queues if no news of them comes at once, else one of them, in turn. */
  #poll(): void {
    const { runtime, pollInterval, watchIsLive } = this.#options;
    this.#cancelPoll = runtime.clock.setTimer(pollInterval() * (0.5 + runtime.random()), () => {
      if (watchIsLive()) {
        const lanes = [...this.#lanes.values()];
        const lane = lanes[this.#polled++ % lanes.length];
        if (lane !== undefined) this.#mayHaveWork(lane);
      } else this.#wakeAll();
      this.#poll();
    });
  }

  // ---- the end --------------------------------------------------------------------------------------------

  #abortAll(grace: number): void {
    const { workers, runner } = this.#options;
    for (const worker of workers.running) runner.abort(worker, new ShuttingDownError(), grace);
  }

  /** Resolves when no attempt is undecided and no call is under way or waits to be made. */
  #quiet(): Promise<void> {
    return new Promise((resolve) => {
      this.#onQuiet.push(resolve);
      this.#schedule();
    });
  }

  #checkQuiet(): void {
    if (this.#onQuiet.length === 0 || this.#options.workers.running.size > 0 || this.#asking > 0) return;
    for (const lane of this.#lanes.values()) if (lane.inFlight > 0 || lane.outcomes.length > 0) return;
    for (const resolve of this.#onQuiet) resolve();
    this.#onQuiet = [];
  }
}

function canSend(lane: Lane): boolean {
  return lane.inFlight < IN_FLIGHT && !lane.blocked;
}
