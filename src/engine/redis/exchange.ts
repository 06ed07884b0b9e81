import type { Broker, ExchangeResult, Leased, Outcome, OutcomeAnswer } from "../../broker/broker.ts";
import { failedKey, processedKey, queueKeys } from "../../protocol/keys.ts";
import { ceilSeconds, pendingSinceMs } from "../../protocol/units.ts";
import { timeAfter } from "./clock-guard.ts";
import { Lease, LeaseScores, leasedAs } from "./lease-token.ts";
import type { ExtendLeases } from "./leases.ts";
import { type Accepted, type Grants, type LostExchange, LostGrants } from "./lost-grants.ts";
import {
  cutOutcomes,
  inOrderOfLeasing,
  OutcomeBatch,
  quarantineOutcome,
  restoring,
  type WireOutcome,
} from "./outcome-batch.ts";
import { type RedisReply, UnansweredError } from "./redis-commands.ts";
import type { RedisContext } from "./redis-context.ts";
import { FENCED, GHOST, UNLEASED } from "./refusal.ts";
import { exchange, lostGrants } from "./scripts.gen.ts";
import { storedId } from "./stored-id.ts";
import { readMessage } from "./stored-message.ts";
import { doorError, inDoubt } from "./unanswered.ts";

/** One script call leases no more tasks, or bytes of messages, docs/protocol.md 18.8. */
const MOST_LEASED = 200;
const LEASE_BUDGET = 4 * 1_024 * 1_024;
/** One wrong measurement or taken token is met by another attempt; after that, the next exchange tries again. */
const ATTEMPTS = 3;

type Context = Pick<
  RedisContext,
  "commands" | "clock" | "runtime" | "logger" | "timings" | "commandTimeout" | "cluster"
>;

type Leasing = Omit<ExchangeResult, "answers">;

/** What one call of the script answered. */
interface Reply {
  readonly status: "ok" | "clock" | "token" | "unready";
  /** Unix milliseconds, by the store's clock. */
  readonly time: number;
  /** By position in the batch, from 1: why that outcome was not settled. */
  readonly refusals: ReadonlyMap<number, number>;
  readonly more: boolean;
  readonly grants: Grants;
  readonly dropped: readonly string[];
  /** Of the new leases. */
  readonly score: string;
}

/** Settles attempts and leases tasks: docs/protocol.md 18.1 and 18.9. */
export class Exchange implements Pick<Broker, "exchange"> {
  readonly #context: Context;
  readonly #scores: LeaseScores;
  readonly #lost: LostGrants;
  #leases = 0;
  #underWay = 0;
  /** Called when nothing is under way any more; set while closing. */
  #onIdle: (() => void) | undefined;

  constructor(context: Context, extendLeases: ExtendLeases) {
    this.#context = context;
    this.#scores = new LeaseScores(context.runtime.random);
    this.#lost = new LostGrants(context, {
      recall: (queue, sent, giveUpAt) => this.#recall(queue, sent, giveUpAt),
      accept: (queue, sent, grants) => this.#accept(queue, sent.score, grants),
      extend: extendLeases,
      handBack: async (queue, requeues, giveUpAt) => {
        await this.#sendAll(queue, requeues, 0, giveUpAt);
      },
    });
  }

  async exchange(queue: string, outcomes: readonly Outcome[], limit: number): Promise<ExchangeResult> {
    const { runtime, commandTimeout } = this.#context;
    const start = runtime.clock.monotonic();
    let found = NOTHING;
    this.#underWay += 1;
    try {
      // Half of the time: whatever keeps lost grants from being found must not keep outcomes from being settled.
      if (this.#lost.has(queue)) found = await this.#claim(queue, limit, start + commandTimeout / 2);
      const wanted = Math.min(limit - found.leased.length, MOST_LEASED);
      const result = await this.#sendAll(queue, outcomes, wanted, start + commandTimeout);
      if (this.#onIdle !== undefined) {
        // Closed meanwhile: the caller could neither extend nor settle what was leased.
        this.#lost.keep(queue, { leased: [...found.leased, ...result.leased], quarantined: [] });
        return { ...result, leased: [] };
      }
      if (found === NOTHING) return result;
      const leased = [...found.leased, ...result.leased];
      return { ...result, leased, quarantined: [...found.quarantined, ...result.quarantined] };
    } catch (error) {
      this.#lost.keep(queue, found);
      throw doorError(error);
    } finally {
      this.#underWay -= 1;
      if (this.#underWay === 0) this.#onIdle?.();
    }
  }

  /** Hands back what was leased and nobody was told of, as far as Redis answers. Nothing may be exchanged any more. */
  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
      if (this.#underWay === 0) resolve();
    });
    await this.#lost.close();
  }

  /** Never rejects: what cannot be found now is found later. */
  async #claim(queue: string, limit: number, giveUpAt: number): Promise<Accepted> {
    try {
      return await this.#lost.claim(queue, limit, giveUpAt);
    } catch (error) {
      this.#context.logger.debug({ queue, error }, "lost grants cannot be looked for yet");
      return NOTHING;
    }
  }

  async #sendAll(
    queue: string,
    outcomes: readonly Outcome[],
    limit: number,
    giveUpAt: number,
  ): Promise<ExchangeResult> {
    const answers = new Array<OutcomeAnswer>(outcomes.length);
    const batches = cutOutcomes(queueKeys(queue), inOrderOfLeasing(outcomes));
    let leasing: Leasing = { leased: [], more: false, quarantined: [], dropped: [] };
    try {
      for (const [i, batch] of batches.entries()) {
        // All that was outstanding is settled before more is taken.
        const isLast = i === batches.length - 1;
        leasing = await this.#send(queue, batch, isLast ? limit : 0, giveUpAt, answers);
      }
    } catch (error) {
      // With the whole call, the answers to its first part are lost.
      throw answers.includes("settled") ? inDoubt(error) : error;
    }
    return { answers, ...leasing };
  }

  async #send(
    queue: string,
    sent: OutcomeBatch,
    limit: number,
    giveUpAt: number,
    answers: OutcomeAnswer[],
  ): Promise<Leasing> {
    const { logger, clock, runtime, cluster } = this.#context;
    let reply = await this.#call(queue, sent, limit, giveUpAt);
    try {
      for (const again of this.#record(queue, sent, reply.refusals, answers)) {
        const { refusals } = await this.#call(queue, again, 0, giveUpAt);
        this.#record(queue, again, refusals, answers, "final");
      }
    } catch (error) {
      this.#lost.keep(queue, await this.#accept(queue, reply.score, reply.grants));
      throw error;
    }

    // Refused leases, with all outcomes settled: only the leasing is repeated.
    for (let attempt = 1; reply.status !== "ok"; attempt += 1) {
      if (attempt === ATTEMPTS || reply.status === "unready" || runtime.clock.monotonic() >= giveUpAt) {
        logger.warn({ queue, reason: reply.status }, "nothing could be leased");
        break;
      }
      if (reply.status === "token") this.#scores.restart();
      // After a taken token too: the clock of a node may have been wrong before that.
      const ask = reply.status === "clock" || cluster;
      const now = ask ? await timeAfter(reply.time, this.#context) : clock.now();
      reply = await this.#call(queue, new OutcomeBatch(queueKeys(queue)), limit, giveUpAt, now);
    }
    const { more, dropped } = reply;
    const accepted = await this.#accept(queue, reply.score, reply.grants);
    return { ...accepted, more, dropped: [...dropped], ...(reply.status !== "ok" && { unready: true }) };
  }

  /** One call of the script. Should its reply be lost, what it leased is looked for later. */
  async #call(
    queue: string,
    batch: OutcomeBatch,
    limit: number,
    giveUpAt: number,
    now = this.#context.clock.now(),
  ): Promise<Reply> {
    const { commands, runtime, timings } = this.#context;
    const names = queueKeys(queue);
    const timeout = Math.max(1, giveUpAt - runtime.clock.monotonic());
    const deadline = now + Math.ceil(timeout);
    const score = this.#scores.next(now, ceilSeconds(timings.lease));
    const endsAt = runtime.clock.monotonic() + Math.ceil(timeout);
    const sent: LostExchange = { score, nonce: nonceOf(runtime.random()), deadline, endsAt, closed: false };
    const { pending, paused, active, lease, scheduled, retry, archived, completed, due } = names;
    const keys = {
      pending,
      paused,
      active,
      lease,
      scheduled,
      retry,
      archived,
      completed,
      due,
      processedDay: processedKey(queue, now),
      failedDay: failedKey(queue, now),
      processed: names.processed,
      failed: names.failed,
      tasks: batch.keys,
    };
    const args = {
      now,
      deadline,
      limit,
      budget: LEASE_BUDGET,
      score,
      nonce: sent.nonce,
      taskPrefix: names.taskPrefix,
      prefixLength: Buffer.byteLength(names.taskPrefix),
      ...batch.args,
    };
    const onLateReply = (late: RedisReply): void => {
      if (limit > 0)
        this.#lost.lateReply(queue, sent, Array.isArray(late) ? replyOf(late, score).grants : []);
    };
    try {
      return replyOf(await exchange.run(commands, keys, args, { timeout, onLateReply }), score);
    } catch (error) {
      if (error instanceof UnansweredError && limit > 0) this.#lost.add(queue, sent);
      throw error;
    }
  }

  /**
   * Notes the answers, and collects what is worth a second call: attempts that lost their lease and bring a proof, and
   * requeues that bring the bytes of a task whose hash is gone.
   */
  #record(
    queue: string,
    batch: OutcomeBatch,
    refusals: ReadonlyMap<number, number>,
    answers: OutcomeAnswer[],
    round?: "final",
  ): OutcomeBatch[] {
    const again: WireOutcome[] = [];
    for (const [i, outcome] of batch.outcomes.entries()) {
      const refusal = refusals.get(i + 1);
      const retried = round === "final" ? undefined : worthRepeating(outcome, refusal);
      if (retried !== undefined) again.push(retried);
      else answers[outcome.position] = answerOf(refusal);
    }
    return again.length === 0 ? [] : cutOutcomes(queueKeys(queue), again, true);
  }

  /** Reads what was leased. Messages that nobody can read are archived, so that they stop nothing else. */
  async #accept(
    queue: string,
    score: string,
    grants: Grants,
  ): Promise<{ leased: Leased[]; quarantined: string[] }> {
    const leased: Leased[] = [];
    const unreadable: WireOutcome[] = [];
    for (let i = 0; i < grants.length; i += 3) {
      const bytes = grants[i + 1] ?? EMPTY;
      const id = storedId(grants[i] ?? EMPTY);
      const lease = new Lease(score, this.#leases++, bytes);
      const message = readMessage(queue, id, bytes);
      const pendingSince = pendingSinceMs(String(grants[i + 2] ?? 0));
      if (message !== undefined) leased.push(leasedAs(message, lease, pendingSince));
      else unreadable.push(quarantineOutcome(id, lease, unreadable.length));
    }
    return { leased, quarantined: unreadable.length === 0 ? [] : await this.#quarantine(queue, unreadable) };
  }

  /** Never rejects, for the tasks that came along: what is not archived now expires, and is listed then. */
  async #quarantine(queue: string, unreadable: readonly WireOutcome[]): Promise<string[]> {
    const { logger } = this.#context;
    const batch = new OutcomeBatch(queueKeys(queue));
    for (const outcome of unreadable) batch.add(outcome);
    const ids = unreadable.map(({ id }) => String(id));
    try {
      const { runtime, commandTimeout } = this.#context;
      const giveUpAt = runtime.clock.monotonic() + commandTimeout;
      const { refusals } = await this.#call(queue, batch, 0, giveUpAt);
      return ids.filter((_, i) => !refusals.has(i + 1));
    } catch (error) {
      logger.error(
        { queue, taskIds: ids, error },
        "tasks whose message cannot be read could not be archived",
      );
      return [];
    }
  }

  async #recall(
    queue: string,
    { score, nonce }: LostExchange,
    giveUpAt: number,
  ): Promise<{ time: number; grants: Grants }> {
    const { commands, runtime } = this.#context;
    const timeout = Math.max(1, giveUpAt - runtime.clock.monotonic());
    const { active, lease, taskPrefix } = queueKeys(queue);
    const args = { score, nonce, taskPrefix };
    const reply = await lostGrants.run(commands, { active, lease }, args, { timeout });
    const [time, grants] = reply as [number, Grants];
    return { time, grants };
  }
}

const EMPTY = Buffer.alloc(0);
const NOTHING: Accepted = { leased: [], quarantined: [] };

/** Short, since it stays in the task's hash. */
function nonceOf(random: number): string {
  return Math.floor(random * 2 ** 40).toString(36);
}

function replyOf(reply: RedisReply, score: string): Reply {
  const [status, time, pairs, more, grants, dropped] = reply as [
    Buffer,
    number,
    number[],
    number,
    Grants,
    Buffer[],
  ];
  const refusals = new Map<number, number>();
  for (let i = 0; i < pairs.length; i += 2) refusals.set(pairs[i] ?? 0, pairs[i + 1] ?? 0);
  return {
    status: status.toString() as Reply["status"],
    time,
    refusals,
    more: more === 1,
    grants,
    dropped: dropped.map(String),
    score,
  };
}

function answerOf(refusal: number | undefined): OutcomeAnswer {
  if (refusal === undefined) return "settled";
  return refusal === FENCED ? "fenced" : "gone";
}

/** The outcome to send once more; `undefined` when the answer stands. */
function worthRepeating(outcome: WireOutcome, refusal: number | undefined): WireOutcome | undefined {
  if (refusal === GHOST) return restoring(outcome);
  // A requeue that was sent before may have been obeyed: its task runs elsewhere by now, under an equal message.
  if (refusal === UNLEASED && !(outcome.letter === "q" && outcome.repeated)) return outcome;
  return undefined;
}
