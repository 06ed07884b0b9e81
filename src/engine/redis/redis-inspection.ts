import type { Inspection, TaskRecord, TaskState } from "../../broker/inspection.ts";
import { RedisWrongTypeError } from "../../errors.ts";
import { decodeAttempts } from "../../protocol/attempt-log.ts";
import { ALL_QUEUES, failedKey, groupKey, processedKey, queueKeys } from "../../protocol/keys.ts";
import { floorSeconds, pendingSinceMs } from "../../protocol/units.ts";
import { redisChanges } from "./changes.ts";
import { redisFleet } from "./fleet.ts";
import type { RedisArg } from "./redis-commands.ts";
import type { RedisContext } from "./redis-context.ts";
import { redisRemoval } from "./removal.ts";
import { redisRestores } from "./restore.ts";
import { redisRewrites } from "./rewrite.ts";
import { redisScan } from "./scan.ts";
import { groupSizes, listTasks, memoryUsage, queueInfo, taskInfo } from "./scripts.gen.ts";
import { type BulkReply, FIELDS_A_TASK, fieldsOf, isState, taskRecord } from "./task-record.ts";

type Context = Pick<RedisContext, "commands" | "clock" | "runtime" | "commandTimeout" | "cluster">;
type Looks = Omit<
  Inspection,
  | "changeTasks"
  | "changeSome"
  | "restoreTasks"
  | "scanTasks"
  | "rewriteTask"
  | "removeQueue"
  | "holdsUncounted"
  | "servers"
>;

const DAY = 86_400_000;
/** Groups that one script call answers. */
const GROUPS_A_CALL = 500;

/** Everything that an operator looks at and does. */
export function redisInspection(context: Context): Inspection {
  const looks = redisLooks(context);
  return {
    ...looks,
    ...redisChanges(context),
    ...redisScan(context, looks.taskInfo),
    ...redisRestores(context),
    ...redisRewrites(context),
    ...redisRemoval(context),
    ...redisFleet(context),
  };
}

function redisLooks({ commands, clock }: Context): Looks {
  const isKnown = async (queue: string) =>
    (await commands.command(ALL_QUEUES, "SISMEMBER", [ALL_QUEUES, queue])) === 1;

  return {
    async queues() {
      const names = (await commands.command(ALL_QUEUES, "SMEMBERS", [ALL_QUEUES])) as Buffer[];
      return names.map(String);
    },

    async queueInfo(queue) {
      const names = queueKeys(queue);
      const { taskPrefix, groupPrefix } = names;
      const at = clock.now();
      const today = { processedToday: processedKey(queue, at), failedToday: failedKey(queue, at) };
      const [known, reply] = await Promise.all([
        isKnown(queue),
        queueInfo.run(commands, { ...names, ...today }, { taskPrefix, groupPrefix }),
      ]);
      if (!known) return undefined;
      const values = reply as (number | Buffer | null)[];
      const number = (position: number) => Number(values[position] ?? 0);
      const waitingSince = pendingSinceMs(String(values[13] ?? 0));
      return {
        queue,
        pending: number(0),
        active: number(1),
        scheduled: number(2),
        retry: number(3),
        archived: number(4),
        completed: number(5),
        aggregating: number(6),
        groups: number(7),
        processed: number(8),
        failed: number(9),
        processedTotal: number(10),
        failedTotal: number(11),
        paused: number(12) === 1,
        latency: waitingSince === undefined ? 0 : Math.max(0, at - waitingSince),
        at,
      };
    },

    async taskInfo(queue, taskId) {
      const { taskPrefix, scheduled, retry } = queueKeys(queue);
      const reply = await taskInfo.run(
        commands,
        { task: taskPrefix + taskId, scheduled, retry },
        { id: taskId },
      );
      const [state, message, result, exactAt, score, log] = reply as BulkReply[];
      // Without a state it is no task: a late result may have left such a hash, and no container knows it.
      if (!isState(state)) return undefined;
      const record = taskRecord(
        queue,
        taskId,
        String(state) as TaskState,
        fieldsOf([message, result, exactAt, score]),
        clock.now(),
      );
      return log ? { ...record, attempts: decodeAttempts(String(log)) } : record;
    },

    async uniqueLock(queue, key) {
      // Whoever wrote the message may have named any key: what others hold is not told, and scripts free no such lock.
      if (!key.startsWith(queueKeys(queue).uniquePrefix)) return undefined;
      // Sent at once, they are answered one after the other, with next to no chance for others in between.
      const [holder, left] = await Promise.all([
        commands.command(key, "GET", [key]),
        commands.command(key, "PTTL", [key]),
      ]);
      if (holder === null) return undefined;
      return { holder: String(holder), until: Number(left) < 0 ? undefined : clock.now() + Number(left) };
    },

    async listTasks(queue, state, { page, size, group = "" }) {
      const names = queueKeys(queue);
      const container = state === "aggregating" ? groupKey(queue, group) : names[state];
      const kind = state === "pending" || state === "active" ? state : "zset";
      const first = page * size;
      const [known, reply] = await Promise.all([
        isKnown(queue),
        listTasks.run(
          commands,
          { container, lease: names.lease },
          { kind, first, last: first + size - 1, taskPrefix: names.taskPrefix },
        ),
      ]);
      if (!known) return undefined;
      const values = reply as BulkReply[];
      const now = floorSeconds(clock.now());
      const records: TaskRecord[] = [];
      for (let i = 0; i < values.length; i += FIELDS_A_TASK) {
        const fields = fieldsOf(values.slice(i + 1, i + FIELDS_A_TASK));
        const record = taskRecord(queue, String(values[i]), state, fields, clock.now());
        // As Go has it: an active task without a lease is not called orphaned.
        const orphaned = state === "active" && fields.score !== undefined && fields.score <= now;
        records.push(orphaned ? { ...record, orphaned } : record);
      }
      return records;
    },

    async pauseQueue(queue) {
      const { paused } = queueKeys(queue);
      const reply = await commands.command(paused, "SET", [paused, floorSeconds(clock.now()), "NX"]);
      return reply !== null;
    },

    async unpauseQueue(queue) {
      const { paused } = queueKeys(queue);
      return (await commands.command(paused, "DEL", [paused])) === 1;
    },

    async history(queue, days) {
      const today = Math.floor(clock.now() / DAY) * DAY;
      const dates = Array.from({ length: days }, (_, back) => today - back * DAY);
      const gets = dates.flatMap((day): [string, RedisArg][] => [
        ["GET", processedKey(queue, day)],
        ["GET", failedKey(queue, day)],
      ]);
      const [known, counts] = await Promise.all([
        isKnown(queue),
        commands.pipeline(queueKeys(queue).processed, gets),
      ]);
      if (!known) return undefined;
      const refused = counts.find((each) => each instanceof Error && !(each instanceof RedisWrongTypeError));
      if (refused !== undefined) throw refused;
      // A counter of another type counts as none, beside the others.
      const count = (position: number) => (Buffer.isBuffer(counts[position]) ? Number(counts[position]) : 0);
      return dates.map((day, i) => ({ day, processed: count(2 * i), failed: count(2 * i + 1) }));
    },

    async groups(queue, cursor = "0") {
      const { groups, groupPrefix } = queueKeys(queue);
      const [known, reply] = await Promise.all([
        isKnown(queue),
        groupSizes.run(commands, { groups }, { cursor, count: GROUPS_A_CALL, groupPrefix }),
      ]);
      if (!known) return undefined;
      const [next, values] = reply as [Buffer, (Buffer | number)[]];
      const listed = [];
      for (let i = 0; i < values.length; i += 2) {
        listed.push({ group: String(values[i]), size: Number(values[i + 1]) });
      }
      return { groups: listed, cursor: String(next) === "0" ? undefined : String(next) };
    },

    async memoryUsage(queue) {
      const names = queueKeys(queue);
      const { taskPrefix, groupPrefix } = names;
      const [known, bytes] = await Promise.all([
        isKnown(queue),
        memoryUsage.run(commands, names, { taskPrefix, groupPrefix }),
      ]);
      return known && (bytes as number) >= 0 ? (bytes as number) : undefined;
    },
  };
}
