import { type Inspector, QueueNotFoundError, RedisWrongTypeError, type TaskInfo } from "../index.ts";
import type { FailureGroup, FailureList, TaskRow } from "./api.ts";
import { fingerprintOf, normalised } from "./fingerprint.ts";

/** Failed tasks that are looked at for one answer. */
const MOST = 5_000;
/** Read by one script, which takes some 2 ms. */
const PART = 200;
/** Queues that are asked about at once. */
const CHUNK = 500;
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

/** Failed tasks of one queue and state, which are read page by page. */
interface Pile {
  readonly queue: string;
  readonly state: "retry" | "archived";
  /** Tasks of it that are still to be looked at. */
  left: number;
  page: number;
}

/**
 * Groups failed tasks by what went wrong. Looks at some thousands, and says how many that were. Each queue has its turn
 * before any has a second one: where one has more than can be looked at, the failures of the others are seen all the same.
 */
export async function listFailures(
  inspector: Pick<Inspector, "listTasks" | "getQueueInfo">,
  queues: readonly string[],
  now: number,
  rowOf: (task: TaskInfo) => TaskRow,
): Promise<FailureList> {
  const groups = new Map<string, Group>();
  let piles = await pilesOf(inspector, queues);
  const total = piles.reduce((all, { left }) => all + left, 0);
  let scanned = 0;
  while (piles.length > 0 && scanned < MOST) {
    for (const pile of piles) {
      if (scanned >= MOST) break;
      const tasks = await nextOf(inspector, pile);
      scanned += tasks.length;
      for (const task of tasks) addTo(groups, task);
    }
    piles = piles.filter(({ left }) => left > 0);
  }
  const found = [...groups.values()].sort((a, b) => b.tasks.length - a.tasks.length);
  return {
    now,
    groups: found.slice(0, MOST_GROUPS).map((group) => failureGroup(group, now, rowOf)),
    scanned,
    total,
  };
}

/** Those that hold tasks. A queue that is gone meanwhile, or cannot be read, does not hide the others. */
async function pilesOf(
  inspector: Pick<Inspector, "getQueueInfo">,
  queues: readonly string[],
): Promise<Pile[]> {
  const piles: Pile[] = [];
  for (let at = 0; at < queues.length; at += CHUNK) {
    const infos = await Promise.all(
      queues.slice(at, at + CHUNK).map((queue) => inspector.getQueueInfo(queue).catch(unlessUnreadable)),
    );
    for (const info of infos) {
      if (info === undefined) continue;
      for (const state of ["retry", "archived"] as const) {
        if (info[state] > 0) piles.push({ queue: info.queue, state, left: info[state], page: 1 });
      }
    }
  }
  return piles;
}

async function nextOf(inspector: Pick<Inspector, "listTasks">, pile: Pile): Promise<readonly TaskInfo[]> {
  const { queue, state, page } = pile;
  pile.page += 1;
  pile.left -= PART;
  const tasks = await inspector.listTasks(queue, state, { page, pageSize: PART }).catch(unlessUnreadable);
  return tasks ?? [];
}

function unlessUnreadable(error: unknown): undefined {
  if (error instanceof QueueNotFoundError || error instanceof RedisWrongTypeError) return undefined;
  throw error;
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
