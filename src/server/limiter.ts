import type { Broker, Leased } from "../broker/broker.ts";
import type { Admission, AdmitAnswer, Ended, LimitScope, LimitSpec, LimitStore } from "../broker/limits.ts";
import type { TaskMessage } from "../protocol/task-message.ts";
import type { Component } from "../runtime/component.ts";
import type { Logger } from "../runtime/logger.ts";
import { type PeriodicComponent, periodic } from "../runtime/periodic.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { EngineState } from "./engine-state.ts";
import { type Limit, NO_KEY, scopeOf } from "./limits.ts";
import { attemptFacts, type Finished } from "./outcome.ts";
import type { ServerTimings } from "./server-timings.ts";

export interface LimiterOptions {
  readonly store: LimitStore;
  readonly broker: Pick<Broker, "now">;
  readonly queues: readonly string[];
  readonly limits: readonly Limit[];
  readonly serverId: string;
  readonly engineState: EngineState;
  readonly timings: Pick<ServerTimings, "heartbeat" | "recover">;
  readonly runtime: Runtime;
  readonly logger: Logger;
}

/** So many heartbeats a server's limits outlive it: a deploy should not let go what waits. */
const OUTLIVES = 12;
/** Least time between two looks. Milliseconds. */
const LEAST_REST = 5;

/**
 * Asks the store, before a task is started, whether its limits allow it, and tells it when the attempt has ended. Shares
 * this server's limits with the others, applies the strictest that any has, and looks at what waits when its time comes.
 */
export class Limiter implements Component {
  readonly name = "limiter";
  readonly #options: LimiterOptions;
  readonly #loop: PeriodicComponent;
  /** By queue: the limits that all live servers have, by name. */
  readonly #shared = new Map<string, ReadonlyMap<string, LimitSpec>>();
  /** By queue: when to look at what waits, by the engine's clock. */
  readonly #reviewAt = new Map<string, number>();
  /** Attempts that count against limits. */
  readonly #scopes = new WeakMap<Leased, readonly LimitScope[]>();
  /** By queue: the last call whose keys are being computed. */
  readonly #preparing = new Map<string, Promise<unknown>>();
  readonly #releasing = new Set<Promise<void>>();
  readonly #unknown = new Set<string>();
  #sharedAt = Number.NEGATIVE_INFINITY;

  constructor(options: LimiterOptions) {
    this.#options = options;
    for (const queue of options.queues) this.#shared.set(queue, this.#ownFor(queue));
    const { runtime, logger } = options;
    this.#loop = periodic(this.name, {
      every: () => this.#rest(),
      immediately: true,
      tick: (signal) => this.#tick(signal),
      onStop: async () => {
        await Promise.all(this.#releasing);
      },
      runtime,
      logger,
    });
  }

  start(): Promise<void> {
    return this.#loop.start();
  }

  /** Waits until what has ended is released. The limits stay known for a while: another server may come. */
  stop(): Promise<void> {
    return this.#loop.stop();
  }

  /** Whether a task of that queue may not be started without asking. */
  concerns(queue: string, { type }: TaskMessage): boolean {
    const shared = this.#shared.get(queue);
    if (shared === undefined || shared.size === 0) return false;
    for (const spec of shared.values()) if (spec.type === undefined || spec.type === type) return true;
    return false;
  }

  /**
   * Which of these tasks may start; the others are parked, or lost. In the same order.
   *
   * @throws whatever the store throws: then it is not known, and the tasks should be handed back
   */
  async admit(queue: string, attempts: readonly Leased[]): Promise<AdmitAnswer[]> {
    const preparing = this.#prepare(queue, attempts, this.#preparing.get(queue));
    this.#preparing.set(queue, preparing);
    const admissions = await preparing;
    const asking = admissions.filter(({ scopes }) => scopes.length > 0);
    // Before the answer, which may be lost: who holds a slot then gives it back.
    for (const { leased, scopes } of asking) this.#scopes.set(leased, scopes);
    const { answers, reviewAt } =
      asking.length === 0
        ? { answers: [], reviewAt: undefined }
        : await this.#options.store.admit(queue, asking);
    if (reviewAt !== undefined) this.#planReview(queue, reviewAt);
    const answerOf = new Map(asking.map(({ leased }, i) => [leased, answers[i]]));
    return attempts.map((leased) => answerOf.get(leased) ?? "admitted");
  }

  /** These attempts have ended, and the store knows it. */
  readonly ended = (outcomes: readonly Finished[]): void => {
    const byQueue = new Map<string, Ended[]>();
    for (const { leased, queue, settlement } of outcomes) {
      const scopes = this.#scopes.get(leased)?.filter(({ spec }) => spec.concurrency !== undefined);
      if (scopes === undefined || scopes.length === 0) continue;
      const ended = { taskId: leased.message.id, scopes, handedBack: settlement.kind === "requeue" };
      const others = byQueue.get(queue);
      if (others === undefined) byQueue.set(queue, [ended]);
      else others.push(ended);
    }
    for (const [queue, ended] of byQueue) {
      const release = this.#release(queue, ended).finally(() => this.#releasing.delete(release));
      this.#releasing.add(release);
    }
  };

  /** In the order of the calls, however long the keys of one take: first come, first served. */
  async #prepare(
    queue: string,
    attempts: readonly Leased[],
    before: Promise<unknown> | undefined,
  ): Promise<Admission[]> {
    const admissions: Admission[] = [];
    for (const leased of attempts) admissions.push({ leased, scopes: await this.#scopesOf(queue, leased) });
    await before;
    return admissions;
  }

  // ---- scopes -------------------------------------------------------------------------------------------------

  async #scopesOf(queue: string, leased: Leased): Promise<LimitScope[]> {
    const { message } = leased;
    const scopes: LimitScope[] = [];
    const own = new Set<string>();
    for (const limit of this.#options.limits) {
      if (!appliesTo(limit, queue, message.type)) continue;
      own.add(limit.spec.name);
      const key = await this.#keyOf(limit, leased);
      const spec = this.#shared.get(queue)?.get(limit.spec.name) ?? limit.spec;
      if (key !== undefined) scopes.push(scopeOf(spec, key));
    }
    for (const spec of this.#shared.get(queue)?.values() ?? []) {
      if (own.has(spec.name) || (spec.type !== undefined && spec.type !== message.type)) continue;
      if (!spec.keyed) scopes.push(scopeOf(spec, ""));
      else this.#tellUnknown(queue, spec);
    }
    return scopes;
  }

  async #keyOf(limit: Limit, leased: Leased): Promise<string | undefined> {
    try {
      const key = await limit.keyOf(leased.message);
      return key === undefined ? undefined : String(key);
    } catch (error) {
      const facts = { ...attemptFacts(leased), limit: limit.spec.name, error };
      this.#options.logger.error(
        facts,
        "the key of a limit cannot be computed; all such tasks count together",
      );
      return NO_KEY;
    }
  }

  #tellUnknown(queue: string, { name }: LimitSpec): void {
    if (this.#unknown.has(`${queue} ${name}`)) return;
    this.#unknown.add(`${queue} ${name}`);
    this.#options.logger.warn(
      { queue, limit: name },
      "another server has a limit by key that this one was not given: it cannot be kept here",
    );
  }

  #ownFor(queue: string): ReadonlyMap<string, LimitSpec> {
    const own = this.#options.limits.filter((limit) => limit.queue === undefined || limit.queue === queue);
    return new Map(own.map(({ spec }) => [spec.name, spec]));
  }

  // ---- the store ----------------------------------------------------------------------------------------------

  async #release(queue: string, ended: Parameters<LimitStore["release"]>[1]): Promise<void> {
    const { store, logger } = this.#options;
    try {
      await store.release(queue, ended);
    } catch (error) {
      // The next look finds that they are not leased any more.
      logger.warn({ queue, error }, "slots could not be given back at once");
    }
  }

  async #tick(signal: AbortSignal): Promise<void> {
    const { queues, broker, engineState, runtime, logger } = this.#options;
    const sharing = runtime.clock.monotonic() >= this.#sharedAt + this.#shareEvery();
    if (sharing) this.#sharedAt = runtime.clock.monotonic();
    for (const queue of queues) {
      if (signal.aborted) return;
      const reviewing = (this.#reviewAt.get(queue) ?? Number.NEGATIVE_INFINITY) <= broker.now();
      if (!sharing && !reviewing) continue;
      try {
        await engineState.call(() => this.#look(queue, sharing, reviewing));
      } catch (error) {
        logger.error(
          { component: this.name, queue, error },
          "cannot look at the limits of this queue; trying again",
        );
      }
    }
  }

  async #look(queue: string, sharing: boolean, reviewing: boolean): Promise<void> {
    const { store, broker, timings } = this.#options;
    const hasLimits = (this.#shared.get(queue)?.size ?? 0) > 0;
    // Where nobody has limits they cost one question now and then.
    if (!hasLimits && !(await store.isUsed(queue))) {
      this.#reviewAt.set(queue, broker.now() + timings.recover);
      return;
    }
    if (sharing) await this.#share(queue);
    if (reviewing) await this.#review(queue);
  }

  async #share(queue: string): Promise<void> {
    const { store, serverId, timings } = this.#options;
    const own = [...this.#ownFor(queue).values()];
    const live = await store.share(queue, serverId, own, OUTLIVES * timings.heartbeat);
    this.#shared.set(queue, new Map(live.map((spec) => [spec.name, spec])));
  }

  async #review(queue: string): Promise<void> {
    const { store, broker, timings } = this.#options;
    const later = broker.now() + timings.recover;
    this.#reviewAt.set(queue, later);
    const { nextAt } = await store.review(queue, [...(this.#shared.get(queue)?.values() ?? [])]);
    this.#reviewAt.set(queue, Math.min(this.#reviewAt.get(queue) ?? later, nextAt ?? later));
  }

  #planReview(queue: string, at: number): void {
    const planned = this.#reviewAt.get(queue);
    if (planned !== undefined && planned <= at) return;
    this.#reviewAt.set(queue, at);
    this.#loop.wake();
  }

  /** A server that has no limits, and has heard of none, only asks now and then. */
  #shareEvery(): number {
    const { limits, timings } = this.#options;
    const heard = [...this.#shared.values()].some(({ size }) => size > 0);
    return limits.length > 0 || heard ? timings.heartbeat : timings.recover;
  }

  #rest(): number {
    const { broker, runtime } = this.#options;
    const toShare = this.#sharedAt + this.#shareEvery() - runtime.clock.monotonic();
    const toReview = Math.min(...this.#reviewAt.values(), Number.MAX_SAFE_INTEGER) - broker.now();
    return Math.max(LEAST_REST, Math.min(toShare, toReview));
  }
}

function appliesTo({ spec, queue }: Limit, of: string, type: string): boolean {
  return (queue === undefined || queue === of) && (spec.type === undefined || spec.type === type);
}
