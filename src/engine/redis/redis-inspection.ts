import type { Inspection, TaskRecord, TaskState } from "../../broker/inspection.ts";
import { ALL_QUEUES, failedKey, groupKey, processedKey, queueKeys } from "../../protocol/keys.ts";
import { ceilSeconds, floorSeconds, pendingSinceMs } from "../../protocol/units.ts";
import type { RedisContext } from "./redis-context.ts";
import { listTasks, queueInfo, taskInfo } from "./scripts.gen.ts";
import { readMessage } from "./stored-message.ts";

const STATES: ReadonlySet<string> = new Set<TaskState>([
  "active",
  "pending",
  "scheduled",
  "retry",
  "archived",
  "completed",
  "aggregating",
]);

export function redisInspection({ commands, clock }: Pick<RedisContext, "commands" | "clock">): Inspection {
  const isKnown = async (queue: string) =>
    (await commands.command(ALL_QUEUES, "SISMEMBER", [ALL_QUEUES, queue])) === 1;

  /** The task in what a script answered of it; a missing hash has no message. */
  function taskRecord(queue: string, id: string, state: TaskState, fields: TaskFields): TaskRecord {
    const message = fields.message === null ? undefined : readMessage(queue, id, fields.message);
    const due = dueAt(fields, state, clock.now());
    return {
      queue,
      id,
      state,
      message,
      ...(fields.message !== null && message === undefined && { undecodable: fields.message }),
      ...(due !== undefined && { nextProcessAt: due }),
      ...(fields.result !== null && { result: fields.result }),
    };
  }

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
      const [state, message, result, exactAt, score] = reply as BulkReply[];
      // Without a state it is no task: a late result may have left such a hash, and no container knows it.
      if (!isState(state)) return undefined;
      return taskRecord(
        queue,
        taskId,
        String(state) as TaskState,
        fieldsOf([message, result, exactAt, score]),
      );
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
        const record = taskRecord(queue, String(values[i]), state, fields);
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
  };
}

type BulkReply = Buffer | null;

/** `list_tasks` answers an id and four fields of each task. */
const FIELDS_A_TASK = 5;

interface TaskFields {
  readonly message: BulkReply;
  readonly result: BulkReply;
  /** Milliseconds. */
  readonly exactAt: number | undefined;
  /** Of the zset that the task lies in, or of its lease. */
  readonly score: number | undefined;
}

function fieldsOf([message = null, result = null, exactAt, score]: readonly (
  | BulkReply
  | undefined
)[]): TaskFields {
  const number = (text: BulkReply | undefined) => (text ? Number(text) : undefined);
  return { message, result, exactAt: number(exactAt), score: number(score) };
}

function isState(text: BulkReply | undefined): boolean {
  return text instanceof Buffer && STATES.has(text.toString());
}

/** The score is the whole second after the instant; the instant itself is known only where ours was written last. */
function dueAt({ exactAt, score }: TaskFields, state: TaskState, now: number): number | undefined {
  if (state === "pending") return now;
  if ((state !== "scheduled" && state !== "retry") || score === undefined) return undefined;
  return exactAt !== undefined && ceilSeconds(exactAt) === score ? exactAt : score * 1_000;
}
