import type { Broker, ExpiredLease, OutcomeAnswer, Recovery } from "../../broker/broker.ts";
import { encodeTaskMessage } from "../../protocol/codec.ts";
import { failedKey, processedKey, queueKeys } from "../../protocol/keys.ts";
import { ceilSeconds } from "../../protocol/units.ts";
import { checkSettlement } from "../check-settlement.ts";
import { withinClock } from "./clock-guard.ts";
import type { Cutoff } from "./cutoff.ts";
import { Lease, leasedAs, leaseOf } from "./lease-token.ts";
import { logEntry } from "./outcome-batch.ts";
import type { RedisArg } from "./redis-commands.ts";
import type { RedisContext } from "./redis-context.ts";
import { FENCED } from "./refusal.ts";
import { listExpired, recover } from "./scripts.gen.ts";
import { type StoredId, storedId, storedTaskKey } from "./stored-id.ts";
import { readMessage } from "./stored-message.ts";
import { answered } from "./unanswered.ts";

type Context = Pick<
  RedisContext,
  "commands" | "clock" | "runtime" | "logger" | "timings" | "commandTimeout" | "cluster"
>;

const MOST_IDS = 500;
const MOST_BYTES = 1_024 * 1_024;
const LIST_BUDGET = 4 * 1_024 * 1_024;

/** What ends an expired attempt, as the script reads it. */
interface Ending {
  readonly id: StoredId;
  readonly score: string;
  readonly kind: "r" | "s" | "a" | "x";
  readonly details: readonly RedisArg[];
  readonly bytes: number;
}

/** Finds attempts whose lease has run out, and ends them. Several servers may do so; each attempt is ended once. */
export function redisRecovery(context: Context, cutoff: Cutoff): Pick<Broker, "listExpired" | "recover"> {
  const { commands, logger, timings } = context;

  async function end(queue: string, endings: readonly Ending[]): Promise<OutcomeAnswer[]> {
    const names = queueKeys(queue);
    const { taskPrefix } = names;
    const tasks = endings.map(({ id }) => storedTaskKey(taskPrefix, id));
    const reply = withinClock(context, ({ now, deadline }, call) => {
      const days = { processedDay: processedKey(queue, now), failedDay: failedKey(queue, now) };
      const args = {
        now,
        deadline,
        prefixLength: Buffer.byteLength(taskPrefix),
        kinds: endings.map(({ kind }) => kind).join(""),
        attempts: [...endings.map(({ score }) => score), ...endings.flatMap(({ details }) => details)],
      };
      return recover.run(commands, { ...names, ...days, tasks }, args, call);
    });
    const refusals = (await answered(reply)) as number[];
    const answers: OutcomeAnswer[] = endings.map(() => "settled");
    for (let i = 0; i < refusals.length; i += 2) {
      answers[(refusals[i] ?? 0) - 1] = refusals[i + 1] === FENCED ? "fenced" : "gone";
    }
    return answers;
  }

  /** Never rejects: the other tasks are recovered all the same, and these are listed again. */
  async function quarantine(queue: string, unreadable: readonly Ending[]): Promise<void> {
    const ids = unreadable.map(({ id }) => String(id));
    try {
      const answers = await end(queue, unreadable);
      const archived = ids.filter((_, i) => answers[i] === "settled");
      logger.error({ queue, taskIds: archived }, "tasks archived: undecodable messages");
    } catch (error) {
      logger.error(
        { queue, taskIds: ids, error },
        "tasks whose message cannot be read could not be archived",
      );
    }
  }

  return {
    async listExpired(queue, limit) {
      const at = cutoff.at();
      if (at === undefined) return [];
      const { active, lease, taskPrefix } = queueKeys(queue);
      const reply = withinClock(context, ({ now, deadline }, call) => {
        const args = {
          now,
          deadline,
          cutoff: String((at - timings.grace) / 1_000),
          limit: Math.min(limit, MOST_IDS),
          budget: LIST_BUDGET,
          length: ceilSeconds(timings.lease),
          taskPrefix,
        };
        return listExpired.run(commands, { active, lease }, args, call);
      });
      const listed = (await answered(reply)) as Buffer[];

      const expired: ExpiredLease[] = [];
      const unreadable: Ending[] = [];
      for (let i = 0; i + 2 < listed.length; i += 3) {
        const [id, score, bytes] = listed.slice(i, i + 3) as [Buffer, Buffer, Buffer];
        const attempt = { id: storedId(id), score: String(score) };
        const message = readMessage(queue, attempt.id, bytes);
        if (message !== undefined) expired.push(leasedAs(message, new Lease(attempt.score, 0, bytes)));
        else unreadable.push({ ...attempt, kind: "x", details: [], bytes: 0 });
      }
      if (unreadable.length > 0) await quarantine(queue, unreadable);
      return expired;
    },

    async recover(queue, recoveries) {
      const answers: OutcomeAnswer[] = [];
      for (const endings of cut(recoveries.map(endingOf))) answers.push(...(await end(queue, endings)));
      return answers;
    },
  };
}

function endingOf({ expired, settlement }: Recovery): Ending {
  checkSettlement(settlement);
  const { id } = expired.message;
  const { score } = leaseOf(expired);
  const message = encodeTaskMessage(settlement.message);
  const entry = logEntry(settlement.attempt);
  const bytes = message.length + entry.length;
  if (settlement.kind === "archive") return { id, score, kind: "a", details: [message, entry], bytes };
  const details = [Math.ceil(settlement.retryAt), message];
  if (!settlement.isFailure) return { id, score, kind: "s", details, bytes };
  return { id, score, kind: "r", details: [...details, entry], bytes };
}

function cut(endings: readonly Ending[]): Ending[][] {
  const batches: Ending[][] = [];
  let batch: Ending[] = [];
  let bytes = 0;
  for (const ending of endings) {
    if (batch.length === 0 || batch.length === MOST_IDS || bytes + ending.bytes > MOST_BYTES) {
      batch = [];
      batches.push(batch);
      bytes = 0;
    }
    batch.push(ending);
    bytes += ending.bytes;
  }
  return batches;
}
