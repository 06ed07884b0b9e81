import type { Inspector, TaskInfo } from "../index.ts";
import type { FailureGroup, FailureList, TaskRow } from "./api.ts";
import { fingerprintOf, normalised } from "./fingerprint.ts";

/** Failed tasks that are looked at for one answer, and of one queue and state. */
const MOST = 5_000;
/** Read by one script, which takes some 2 ms. */
const PART = 200;
/** Groups of one answer. */
const MOST_GROUPS = 200;
const SPARKS = 12;
/** What the small chart of a group shows: a day. */
const SPARK_TIME = 86_400_000;

interface Group {
  readonly type: string;
  readonly message: string;
  readonly tasks: TaskInfo[];
}

/** Groups failed tasks by what went wrong. Looks at the first few thousand of each queue, and says how many that were. */
export async function listFailures(
  inspector: Pick<Inspector, "listTasks" | "getQueueInfo">,
  queues: readonly string[],
  now: number,
  rowOf: (task: TaskInfo) => TaskRow,
): Promise<FailureList> {
  const groups = new Map<string, Group>();
  let scanned = 0;
  let total = 0;
  for (const queue of queues) {
    const info = await inspector.getQueueInfo(queue);
    for (const state of ["retry", "archived"] as const) {
      total += info[state];
      for (let page = 1; scanned < MOST && (page - 1) * PART < info[state]; page += 1) {
        const tasks = await inspector.listTasks(queue, state, { page, pageSize: PART });
        scanned += tasks.length;
        for (const task of tasks) addTo(groups, task);
      }
    }
  }
  const found = [...groups.values()].sort((a, b) => b.tasks.length - a.tasks.length);
  return {
    now,
    groups: found.slice(0, MOST_GROUPS).map((group) => failureGroup(group, now, rowOf)),
    scanned,
    total,
  };
}

function addTo(groups: Map<string, Group>, task: TaskInfo): void {
  const message = normalised(task.lastError ?? "");
  const key = JSON.stringify([task.type, message]);
  const group = groups.get(key) ?? { type: task.type, message, tasks: [] };
  group.tasks.push(task);
  groups.set(key, group);
}

function failureGroup(
  { type, message, tasks }: Group,
  now: number,
  rowOf: (task: TaskInfo) => TaskRow,
): FailureGroup {
  const times = tasks.flatMap(({ lastFailedAt }) => lastFailedAt?.getTime() ?? []);
  const sparkFrom = now - SPARK_TIME;
  const spark = new Array<number>(SPARKS).fill(0);
  for (const time of times) {
    const slot = Math.floor(((time - sparkFrom) / SPARK_TIME) * SPARKS);
    const at = Math.min(SPARKS - 1, slot);
    if (at >= 0) spark[at] = (spark[at] ?? 0) + 1;
  }
  const newest = tasks.reduce((a, b) => ((b.lastFailedAt ?? 0) > (a.lastFailedAt ?? 0) ? b : a));
  return {
    fingerprint: fingerprintOf(type, message),
    type,
    message,
    count: tasks.length,
    retry: tasks.filter(({ state }) => state === "retry").length,
    archived: tasks.filter(({ state }) => state === "archived").length,
    queues: [...new Set(tasks.map(({ queue }) => queue))].sort(),
    firstSeen: times.length > 0 ? times.reduce((a, b) => Math.min(a, b)) : null,
    lastSeen: times.length > 0 ? times.reduce((a, b) => Math.max(a, b)) : null,
    spark,
    sparkFrom,
    sample: rowOf(newest),
    filter: filterOf(type, message),
  };
}

/** Finds the group again: by its type, and the longest piece of its message that does not differ. */
function filterOf(type: string, message: string): string {
  const piece = message
    .split("…")
    .map((part) => part.trim())
    .reduce((a, b) => (b.length > a.length ? b : a), "");
  const words = type === "" ? [] : [`type:${quoted(type)}`];
  if (piece !== "") words.push(`error:~${quoted(piece)}`);
  return words.join(" ");
}

function quoted(text: string): string {
  return /^[\w./:-]+$/.test(text) ? text : `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
}
