import type { Broker, ExtendAnswer, Leased } from "../../broker/broker.ts";
import { queueKeys } from "../../protocol/keys.ts";
import { ceilSeconds } from "../../protocol/units.ts";
import { type ClockWindow, withinClock } from "./clock-guard.ts";
import { leaseOf } from "./lease-token.ts";
import type { RedisCallOptions, RedisReply } from "./redis-commands.ts";
import type { RedisContext } from "./redis-context.ts";
import { UNLEASED } from "./refusal.ts";
import { extendLeases } from "./scripts.gen.ts";
import { answered } from "./unanswered.ts";

/** Attempts in one script call: two values of each pass over Lua's stack. */
const MOST_ATTEMPTS = 500;

type Context = Pick<
  RedisContext,
  "commands" | "clock" | "runtime" | "timings" | "commandTimeout" | "cluster"
>;

/** As at the door, but may be told when to give up: an instant of the monotonic clock. */
export type ExtendLeases = (
  ...call: [...Parameters<Broker["extendLeases"]>, giveUpAt?: number]
) => Promise<ExtendAnswer[]>;

/** Renews leases, and takes up those that the sweep put in place of a lost one. */
export function redisLeases(context: Context): { extendLeases: ExtendLeases } {
  async function extend(
    queue: string,
    leased: readonly Leased[],
    withProof: boolean,
    giveUpAt?: number,
  ): Promise<ExtendAnswer[]> {
    const replies = await send(context, queue, leased, withProof, giveUpAt);
    const answers: ExtendAnswer[] = [];
    const unleased: number[] = [];
    for (const [i, task] of leased.entries()) {
      const reply = replies[i];
      if (Buffer.isBuffer(reply)) leaseOf(task).score = reply.toString();
      else if (reply === UNLEASED && !withProof) unleased.push(i);
      answers.push(Buffer.isBuffer(reply) ? "extended" : "lost");
    }
    if (unleased.length > 0) {
      const again = await extend(
        queue,
        leased.filter((_, i) => unleased.includes(i)),
        true,
        giveUpAt,
      );
      for (const [j, answer] of again.entries()) answers[unleased[j] ?? 0] = answer;
    }
    return answers;
  }

  return {
    async extendLeases(queue, leased, giveUpAt) {
      const answers: ExtendAnswer[] = [];
      for (let from = 0; from < leased.length; from += MOST_ATTEMPTS) {
        answers.push(...(await extend(queue, leased.slice(from, from + MOST_ATTEMPTS), false, giveUpAt)));
      }
      return answers;
    },
  };
}

async function send(
  context: Context,
  queue: string,
  leased: readonly Leased[],
  withProof: boolean,
  giveUpAt: number | undefined,
): Promise<RedisReply[]> {
  const { active, lease, taskPrefix } = queueKeys(queue);
  const keys = { active, lease, tasks: leased.map(({ message }) => taskPrefix + message.id) };
  const scores = leased.map((task) => leaseOf(task).score);
  const proofs = withProof ? leased.map((task) => leaseOf(task).proof()) : [];
  const run = ({ now, deadline }: ClockWindow, call: RedisCallOptions) => {
    const args = {
      now,
      deadline,
      length: ceilSeconds(context.timings.lease),
      prefixLength: Buffer.byteLength(taskPrefix),
      attempts: [...scores, ...proofs],
    };
    return extendLeases.run(context.commands, keys, args, call);
  };
  return (await answered(withinClock(context, run, { giveUpAt }))) as RedisReply[];
}
