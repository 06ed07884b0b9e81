import type {
  GroupPage,
  Page,
  QueueRecord,
  ScanPage,
  TaskRecord,
  TaskState,
} from "../../broker/inspection.ts";
import { decodeAttempts } from "../../protocol/attempt-log.ts";
import { PARKED_UNTIL } from "../../protocol/units.ts";
import type { EmbeddedQueue, EmbeddedTask } from "./embedded-store.ts";
import { storedMessage } from "./stored-message.ts";

export function queueInfo(queue: EmbeddedQueue, now: number): QueueRecord {
  const [oldest] = queue.slice("pending", 0, 1);
  return {
    queue: queue.name,
    ...queue.sizes(),
    ...queue.counted(now),
    paused: queue.paused,
    latency: oldest === undefined ? 0 : Math.max(0, now - oldest.pendingSince),
    at: now,
  };
}

export function listTasks(
  queue: EmbeddedQueue,
  state: TaskState,
  { page, size, group = "" }: Page,
  now: number,
): TaskRecord[] {
  const tasks =
    state === "aggregating"
      ? queue.sliceGroup(group, page * size, size)
      : queue.slice(state, page * size, size);
  return tasks.map((task) => listed(queue, task, now));
}

export function scanTasks(
  queue: EmbeddedQueue,
  state: TaskState,
  from: string | undefined,
  count: number,
  now: number,
): ScanPage {
  const { tasks, cursor } = queue.scan(state, from, count);
  return { tasks: tasks.map((task) => listed(queue, task, now)), cursor };
}

function listed(queue: EmbeddedQueue, task: EmbeddedTask, now: number): TaskRecord {
  const record = taskInfo(queue, task, now);
  return task.state === "active" && task.score <= now ? { ...record, orphaned: true } : record;
}

/** Groups of one part. */
const MOST_GROUPS = 500;

export function listGroups(queue: EmbeddedQueue, after: string): GroupPage {
  const groups = queue.groupsAfter(after, MOST_GROUPS).map(({ group, size }) => ({ group, size }));
  return { groups, cursor: groups.length < MOST_GROUPS ? undefined : groups.at(-1)?.group };
}

/** Tasks of each state that stand for all of it. */
const SAMPLE = 20;
/** What a task takes beside its message and result, about. */
const TASK_BYTES = 200;

/** As of Redis: the average size of some tasks, times their number. */
export function memoryUsage(queue: EmbeddedQueue): number {
  const { groups, ...sizes } = queue.sizes();
  let total = 0;
  for (const [state, size] of Object.entries(sizes) as [TaskState, number][]) {
    const tasks =
      state === "aggregating" ? queue.scan(state, undefined, SAMPLE).tasks : queue.slice(state, 0, SAMPLE);
    const bytes = tasks.map((task) => {
      return TASK_BYTES + queue.message(task).length + (queue.result(task)?.length ?? 0);
    });
    const sum = bytes.reduce((all, each) => all + each, 0);
    if (bytes.length > 0) total += (sum / bytes.length) * size;
  }
  return Math.floor(total);
}

/** One task, with its failed attempts. */
export function taskInFull(queue: EmbeddedQueue, task: EmbeddedTask, now: number): TaskRecord {
  const log = queue.log(task);
  const record = taskInfo(queue, task, now);
  return log === undefined ? record : { ...record, attempts: decodeAttempts(log) };
}

export function taskInfo(queue: EmbeddedQueue, task: EmbeddedTask, now: number): TaskRecord {
  const message = storedMessage(queue, task);
  const result = queue.result(task);
  return {
    queue: queue.name,
    id: task.id,
    state: task.state,
    message,
    ...(message === undefined && { undecodable: queue.message(task) }),
    ...(task.state === "pending" && { nextProcessAt: now }),
    ...((task.state === "scheduled" || task.state === "retry") && waitOf(task)),
    ...(result !== undefined && { result }),
  };
}

/** For its time, or for a limit. */
function waitOf({ state, score }: EmbeddedTask): Pick<TaskRecord, "nextProcessAt" | "parked"> {
  return state === "scheduled" && score === PARKED_UNTIL ? { parked: true } : { nextProcessAt: score };
}
