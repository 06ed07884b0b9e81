import type { AdmitAnswer, LimitScope, LimitSpec, LimitStore } from "../../broker/limits.ts";
import { limitKeys, queueKeys, semaphoreKey } from "../../protocol/keys.ts";
import { floorSeconds, pendingSinceNs } from "../../protocol/units.ts";
import { strictestLimits } from "../strictest-limits.ts";
import { leaseOf } from "./lease-token.ts";
import type { RedisArg } from "./redis-commands.ts";
import type { RedisContext } from "./redis-context.ts";
import { acquireToken, admit, releaseSlots, reviewLimits, shareLimits } from "./scripts.gen.ts";

const ANSWERS: ReadonlyMap<number, AdmitAnswer> = new Map([
  [1, "admitted"],
  [0, "parked"],
  [-1, "lost"],
]);
/** So many tasks of one score are found faster by that than one by one. */
const TOGETHER = 8;
/** Where the looks at slots and promises go on. */
interface Cursor {
  readonly slots: string;
  readonly turns: Uint8Array;
}

const BEGIN: Cursor = { slots: "0", turns: Buffer.alloc(0) };

/** Limits on Redis, docs/protocol.md 8.26 and 18.11. */
export function redisLimits({ commands, clock }: Pick<RedisContext, "commands" | "clock">): LimitStore {
  const cursors = new Map<string, Cursor>();

  return {
    async acquireToken(scope, id, most, expireAt) {
      const args = { most, deadline: floorSeconds(expireAt), id };
      return (await acquireToken.run(commands, { tokens: semaphoreKey(scope) }, args)) === 1;
    },

    async releaseToken(scope, taskId) {
      const key = semaphoreKey(scope);
      return (await commands.command(key, "ZREM", [key, taskId])) === 1;
    },

    async isUsed(queue) {
      const { limits, slots, parked, turns, looks } = limitKeys(queue);
      return Number(await commands.command(limits, "EXISTS", [limits, slots, parked, turns, looks])) > 0;
    },

    async share(queue, server, limits, ttl) {
      const specs = limits.length === 0 ? "" : JSON.stringify(limits);
      const keys = { limits: limitKeys(queue).limits };
      const live = (await shareLimits.run(commands, keys, { server, specs, ttl })) as Buffer[];
      return strictestLimits(live.map((json) => JSON.parse(json.toString()) as LimitSpec[]));
    },

    async admit(queue, admissions) {
      if (admissions.length === 0) return { answers: [], reviewAt: undefined };
      const { active, lease, scheduled, taskPrefix } = queueKeys(queue);
      const { slots, held, parked, turns, looks, ratePrefix } = limitKeys(queue);
      const named = new NamedLimits(ratePrefix);
      const tasks: RedisArg[] = [];
      for (const { leased, scopes } of admissions) {
        tasks.push(leased.message.id, leaseOf(leased).score, scopes.length);
        for (const scope of scopes) tasks.push(named.numberOf(scope));
      }
      const { rates, args } = named;
      const scores = new Set(admissions.map(({ leased }) => leaseOf(leased).score));
      const together = scores.size === 1 && admissions.length >= TOGETHER ? ([...scores][0] ?? "") : "";
      const reply = (await admit.run(
        commands,
        { slots, held, parked, turns, looks, active, lease, scheduled, rates },
        { taskPrefix, score: together, limitCount: named.count, entries: [...args, ...tasks] },
      )) as number[];
      const reviewAt = reply.pop();
      return {
        answers: reply.map((answer) => ANSWERS.get(answer) ?? "lost"),
        reviewAt: reviewAt === 0 ? undefined : reviewAt,
      };
    },

    async release(queue, ended) {
      if (ended.length === 0) return;
      const { pending, lease, scheduled, taskPrefix } = queueKeys(queue);
      const { slots, held, parked, turns, looks, ratePrefix } = limitKeys(queue);
      const named = new NamedLimits(ratePrefix);
      const attempts: RedisArg[] = [];
      for (const { taskId, scopes, handedBack } of ended) {
        for (const scope of scopes) attempts.push(taskId, named.numberOf(scope), handedBack ? 1 : 0);
      }
      const { rates, args } = named;
      await releaseSlots.run(
        commands,
        { slots, held, parked, turns, looks, pending, lease, scheduled, rates },
        {
          taskPrefix,
          pendingSince: pendingSinceNs(clock.now()),
          limitCount: named.count,
          entries: [...args, ...attempts],
        },
      );
    },

    async review(queue, limits) {
      const { pending, lease, scheduled, taskPrefix } = queueKeys(queue);
      const { slots, held, parked, turns, looks, ratePrefix } = limitKeys(queue);
      const cursor = cursors.get(queue) ?? BEGIN;
      const reply = await reviewLimits.run(
        commands,
        { slots, held, parked, turns, looks, pending, lease, scheduled },
        {
          taskPrefix,
          ratePrefix,
          pendingSince: pendingSinceNs(clock.now()),
          slotCursor: cursor.slots,
          turnCursor: cursor.turns,
          entries: limits.flatMap((spec) => [spec.name, ...measures(spec)]),
        },
      );
      const [released, next, slotCursor, turnCursor] = reply as [number, number, Buffer, Buffer];
      cursors.set(queue, { slots: slotCursor.toString(), turns: turnCursor });
      return { released, nextAt: next === 0 ? undefined : next };
    },
  };
}

/** The limits of one call: each once, by the number that tasks name it by. */
class NamedLimits {
  readonly rates: string[] = [];
  readonly args: RedisArg[] = [];
  readonly #ratePrefix: string;
  readonly #numbers = new Map<string, number>();

  constructor(ratePrefix: string) {
    this.#ratePrefix = ratePrefix;
  }

  get count(): number {
    return this.#numbers.size;
  }

  numberOf({ spec, key }: LimitScope): number {
    const full = `${spec.name}\n${key}`;
    let number = this.#numbers.get(full);
    if (number === undefined) {
      number = this.#numbers.size + 1;
      this.#numbers.set(full, number);
      if (spec.rate !== undefined) this.rates.push(this.#ratePrefix + full);
      this.args.push(full, ...measures(spec));
    }
    return number;
  }
}

function measures({ concurrency = 0, rate }: LimitSpec): [number, number, number] {
  return [concurrency, rate?.limit ?? 0, rate?.per ?? 0];
}
