import type { Broker } from "../broker/broker.ts";
import { EngineUnavailableError } from "../errors.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Finished, OutcomeLedger } from "./outcome.ts";
import type { ServerTimings } from "./server-timings.ts";
import type { SyncQueue } from "./sync-queue.ts";

export interface OutcomeSenderOptions {
  readonly broker: Pick<Broker, "exchange">;
  readonly syncQueue: SyncQueue;
  readonly ledger: OutcomeLedger;
  readonly timings: Pick<ServerTimings, "sync" | "syncMax">;
  readonly clock: Clock;
}

/** Outcomes that the store would not take, and why. */
export interface Refused {
  readonly outcomes: Finished[];
  readonly errors: unknown[];
}

/** Outcomes sent in one call. */
export const MAX_OUTCOMES = 500;
/** After so many refused outcomes of a queue a round ends: it is rather the store that takes nothing. */
const MOST_REFUSED = 5;

/**
 * Sends outcomes of a queue again so that one which the store cannot take does not hold up the others. What is refused
 * is sent in halves, down to single outcomes; those that are refused alone are sent alone from then on, and rarely.
 */
export class OutcomeSender {
  readonly #options: OutcomeSenderOptions;
  /** Outcomes that were refused alone: how often, and before what monotonic instant they are not sent. */
  readonly #aside = new WeakMap<Finished, { readonly times: number; readonly notBefore: number }>();
  /** By queue: how many outcomes are sent in one call, where that is fewer than usual. */
  readonly #sizes = new Map<string, number>();

  constructor(options: OutcomeSenderOptions) {
    this.#options = options;
  }

  /** What {@link send} would send now. `last`: also those that were refused alone a moment ago. */
  due(queue: string, last: boolean): Finished[] {
    const { syncQueue, clock } = this.#options;
    const now = clock.monotonic();
    return syncQueue.outcomes(queue).filter((outcome) => {
      return last || (this.#aside.get(outcome)?.notBefore ?? now) <= now;
    });
  }

  /**
   * Sends outcomes of `queue`, and takes those that are answered out of the sync queue.
   *
   * @throws EngineUnavailableError the store is away
   */
  async send(queue: string, outcomes: readonly Finished[]): Promise<Refused> {
    const refused: Refused = { outcomes: [], errors: [] };
    const alone = outcomes.filter((outcome) => this.#aside.has(outcome));
    const together = outcomes.filter((outcome) => !this.#aside.has(outcome));
    while (together.length + alone.length > 0) {
      const size = this.#sizes.get(queue) ?? MAX_OUTCOMES;
      const batch = together.length > 0 ? together.splice(0, size) : alone.splice(0, 1);
      try {
        await this.#send(queue, batch, refused);
        this.#resize(queue, size * 2);
      } catch (error) {
        // Perhaps it is too much for a slow connection: the others go first next time, and fewer at a time.
        this.#options.syncQueue.moveToEnd(queue, batch);
        this.#resize(queue, batch.length >> 1);
        throw error;
      }
    }
    return refused;
  }

  async #send(queue: string, outcomes: readonly Finished[], refused: Refused): Promise<void> {
    if (refused.errors.length >= MOST_REFUSED) return;
    const error = await this.#deliver(queue, outcomes);
    if (error === undefined) return;
    const [first] = outcomes;
    if (first !== undefined && outcomes.length === 1) {
      this.#setAside(first);
      refused.outcomes.push(first);
      refused.errors.push(error);
      return;
    }
    for (const half of inHalves(outcomes)) await this.#send(queue, half, refused);
  }

  /** Answers why the store would not take these outcomes; `undefined` when it did. */
  async #deliver(queue: string, outcomes: readonly Finished[]): Promise<Error | undefined> {
    const { broker, syncQueue, ledger } = this.#options;
    const sent = await broker.exchange(queue, outcomes, 0).catch(async (error: Error) => {
      for (const outcome of outcomes) outcome.failedToSend(error);
      if (!(error instanceof EngineUnavailableError)) return error;
      // Redis closes the connection on what is too large for it. A store that answers an empty call is not away.
      await broker.exchange(queue, [], 0);
      return new Error("the store answers, but not to this", { cause: error });
    });
    if (sent instanceof Error) return sent;
    syncQueue.remove(queue, outcomes);
    ledger.record(outcomes, sent.answers);
    return undefined;
  }

  #setAside(outcome: Finished): void {
    const { timings, clock } = this.#options;
    const times = this.#aside.get(outcome)?.times ?? 0;
    const wait = Math.min(timings.sync * 2 ** times, timings.syncMax);
    this.#aside.set(outcome, { times: times + 1, notBefore: clock.monotonic() + wait });
  }

  #resize(queue: string, size: number): void {
    if (size >= MAX_OUTCOMES) this.#sizes.delete(queue);
    else this.#sizes.set(queue, Math.max(1, size));
  }
}

/** Cuts into two of about the same weight, the light ones first: what is too large for the store is soon alone. */
function inHalves(outcomes: readonly Finished[]): [light: Finished[], heavy: Finished[]] {
  const byWeight = [...outcomes].sort((a, b) => weightOf(b) - weightOf(a));
  let left = byWeight.reduce((sum, outcome) => sum + weightOf(outcome), 0) / 2;
  const last = byWeight.findIndex((outcome) => {
    left -= weightOf(outcome);
    return left <= 0;
  });
  return [byWeight.slice(last + 1), byWeight.slice(0, last + 1)];
}

/** About how many bytes it brings; never 0. */
function weightOf({ leased, settlement }: Finished): number {
  const result = settlement.kind === "complete" ? (settlement.result?.length ?? 0) : 0;
  return 1 + (leased.message.payload?.length ?? 0) + result;
}
