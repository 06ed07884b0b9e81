import { decodeTaskMessage } from "../../src/protocol/codec.ts";
import type { TaskMessage } from "../../src/protocol/task-message.ts";
import {
  type QueueSnapshot,
  type RawClient,
  type StoredKey,
  scanKeys,
  snapshotQueue,
} from "./queue-snapshot.ts";

/** What must be true of the data whenever no script is running: `docs/reliability.md` c.1. */
export type InvariantId =
  | "I1"
  | "I2"
  | "I3"
  | "I4"
  | "I5"
  | "I6"
  | "I7"
  | "I8"
  | "I9"
  | "I10"
  | "I11"
  | "I12"
  | "I16";

export interface Violation {
  readonly invariant: InvariantId;
  readonly text: string;
}

export interface InvariantReport {
  readonly violations: readonly Violation[];
  /** Archived tasks whose message nobody can read: put aside on purpose, with their bytes untouched. */
  readonly quarantined: readonly { readonly queue: string; readonly id: string }[];
}

/** Throws with every violation in `queues`, or in all queues there are. */
export async function assertInvariants(client: RawClient, queues?: readonly string[]): Promise<void> {
  const { violations } = await checkInvariants(client, queues);
  if (violations.length > 0) throw new Error(`the data is damaged:\n${violations.map(line).join("\n")}`);
}

/** Looks at `queues`, or at every queue that is registered or has a key. Each queue is judged at one instant. */
export async function checkInvariants(
  client: RawClient,
  queues?: readonly string[],
): Promise<InvariantReport> {
  const registered = new Set(await client.smembers("asynq:queues"));
  const violations: Violation[] = [];
  const quarantined: { queue: string; id: string }[] = [];
  for (const queue of queues ?? new Set([...registered, ...(await queuesWithKeys(client))])) {
    const view = viewOf(await snapshotQueue(client, queue), registered.has(queue));
    for (const [invariant, rule] of Object.entries(RULES) as [InvariantId, Rule][]) {
      for (const text of rule(view)) violations.push({ invariant, text: `queue ${queue}: ${text}` });
    }
    for (const task of view.tasks.values()) {
      if (isQuarantined(view, task)) quarantined.push({ queue, id: task.id });
    }
  }
  for (const text of await presenceWithoutEnd(client)) violations.push({ invariant: "I12", text });
  return { violations, quarantined };
}

export function line({ invariant, text }: Violation): string {
  return `  ${invariant.padEnd(3)} ${text}`;
}

async function queuesWithKeys(client: RawClient): Promise<Set<string>> {
  const queues = new Set<string>();
  for (const key of await scanKeys(client, "asynq:{*")) {
    const queue = /^asynq:\{(.*?)\}:/s.exec(key)?.[1];
    if (queue !== undefined) queues.add(queue);
  }
  return queues;
}

/** A record of a server, worker or scheduler that would outlive its owner. */
async function presenceWithoutEnd(client: RawClient): Promise<string[]> {
  const endless: string[] = [];
  for (const kind of ["servers", "workers", "schedulers"]) {
    for (const key of await scanKeys(client, `asynq:${kind}:{*`)) {
      if ((await client.ttl(key)) === -1) endless.push(`${key} never expires`);
    }
  }
  return endless;
}

type Rule = (view: QueueView) => Iterable<string>;

interface StoredTask {
  readonly id: string;
  readonly fields: ReadonlyMap<string, Buffer>;
  readonly state: string;
  readonly message: TaskMessage | undefined;
  /** Why there is no message. */
  readonly unreadable: string | undefined;
}

/** Where an id was found. */
interface Place {
  /** The key without the queue's prefix. */
  readonly container: string;
  /** The state of the tasks in it. */
  readonly state: string;
  readonly group?: string;
  readonly score?: number;
}

/** A snapshot, sorted by what each key is for. */
interface QueueView {
  readonly now: number;
  readonly registered: boolean;
  readonly tasks: Map<string, StoredTask>;
  readonly places: Map<string, Place[]>;
  readonly leases: ReadonlyMap<string, number>;
  readonly locks: Map<string, { readonly holder: string; readonly ttl: number }>;
  /** What `groups` lists, and the groups that have a zset. */
  readonly listedGroups: ReadonlySet<string>;
  readonly waitingGroups: Set<string>;
  /** Aggregation sets by their container: what `aggregation_sets` lists, and those that exist. */
  readonly listedSets: ReadonlySet<string>;
  readonly waitingSets: Set<string>;
  /** `tq:{queue}:due`: milliseconds by id. */
  readonly due: ReadonlyMap<string, number>;
  /** `tq:{queue}:parked`, and the limits of `tq:{queue}:looks`. */
  readonly parked: ReadonlyMap<string, number>;
  readonly looks: ReadonlyMap<string, number>;
  /** `processed`, `failed`, and each with `:<day>`. */
  readonly counters: Map<string, { readonly count: number; readonly ttl: number }>;
  /** Keys that have no business here, are of the wrong type, or should expire and do not. */
  readonly strange: string[];
}

const NOTHING: ReadonlyMap<string, number> = new Map();

function viewOf({ queue, now, keys }: QueueSnapshot, registered: boolean): QueueView {
  const prefix = `asynq:{${queue}}:`;
  const ownPrefix = `tq:{${queue}}:`;
  const named = new Map(keys.map((key) => [key.name, key]));
  const zset = (name: string) => {
    const key = named.get(name);
    return key?.type === "zset" ? key.scores : NOTHING;
  };
  const listedGroups = named.get(`${prefix}groups`);
  const view: QueueView = {
    now,
    registered,
    tasks: new Map(),
    places: new Map(),
    leases: zset(`${prefix}lease`),
    locks: new Map(),
    listedGroups: new Set(listedGroups?.type === "set" ? listedGroups.members : []),
    waitingGroups: new Set(),
    listedSets: new Set(
      [...zset(`${prefix}aggregation_sets`).keys()].map((name) => name.slice(prefix.length)),
    ),
    waitingSets: new Set(),
    due: zset(`${ownPrefix}due`),
    parked: zset(`${ownPrefix}parked`),
    looks: zset(`${ownPrefix}looks`),
    counters: new Map(),
    strange: [],
  };
  for (const key of keys) {
    const own = key.name.startsWith(ownPrefix);
    const known = own
      ? sortOwnKey(view, key.name.slice(ownPrefix.length), key)
      : sortKey(view, key.name.slice(prefix.length), key, queue);
    if (!known) view.strange.push(`${key.name} is unknown, or should not be a ${key.type}`);
  }
  return view;
}

/** Puts a key of asynq's layout (`docs/protocol.md` 3.2) where it belongs; false when it belongs nowhere. */
function sortKey(view: QueueView, suffix: string, key: StoredKey, queue: string): boolean {
  const [kind, rest] = cut(suffix);
  switch (kind) {
    case "pending":
    case "active":
      if (key.type !== "list" || rest !== undefined) return false;
      for (const id of key.members) place(view, id, { container: suffix, state: suffix });
      return true;
    case "scheduled":
    case "retry":
    case "archived":
    case "completed":
      if (key.type !== "zset" || rest !== undefined) return false;
      for (const [id, score] of key.scores) place(view, id, { container: suffix, state: suffix, score });
      return true;
    case "g": {
      if (key.type !== "zset" || rest === undefined) return false;
      const isSet = view.listedSets.has(suffix);
      const group = isSet ? rest.slice(0, rest.lastIndexOf(":")) : rest;
      if (isSet) view.waitingSets.add(suffix);
      else view.waitingGroups.add(group);
      for (const [id, score] of key.scores) {
        place(view, id, { container: suffix, state: "aggregating", group, score });
      }
      return true;
    }
    case "t":
      if (key.type !== "hash" || rest === undefined) return false;
      view.tasks.set(rest, storedTask(queue, rest, key.fields));
      return true;
    case "unique":
      if (key.type !== "string") return false;
      view.locks.set(key.name, { holder: key.value, ttl: key.ttl });
      return true;
    case "processed":
    case "failed":
      if (key.type !== "string") return false;
      view.counters.set(suffix, { count: Number(key.value), ttl: key.ttl });
      return true;
    case "lease":
    case "aggregation_sets":
      return key.type === "zset" && rest === undefined;
    case "groups":
      return key.type === "set" && rest === undefined;
    case "paused":
      return key.type === "string" && rest === undefined;
    default:
      return false;
  }
}

/** The same for our own keys (`docs/protocol.md` 18). */
function sortOwnKey(view: QueueView, suffix: string, key: StoredKey): boolean {
  const [kind, rest] = cut(suffix);
  const expires = () => {
    if (key.ttl === -1) view.strange.push(`${key.name} never expires`);
    return true;
  };
  switch (kind) {
    case "due":
      return key.type === "zset" && rest === undefined && expires();
    case "aggs":
      return key.type === "set" && rest === undefined;
    case "parked":
    case "turns":
    case "looks":
      return key.type === "zset" && rest === undefined;
    case "slots":
    case "held":
    case "limits":
      return key.type === "hash" && rest === undefined;
    case "rate":
      return key.type === "string" && rest !== undefined && expires();
    case "rollup":
      return key.type === "hash" && rest !== undefined && expires();
    case "tick":
      return key.type === "string" && rest !== undefined && expires();
    default:
      return false;
  }
}

function cut(suffix: string): [kind: string, rest: string | undefined] {
  const colon = suffix.indexOf(":");
  return colon === -1 ? [suffix, undefined] : [suffix.slice(0, colon), suffix.slice(colon + 1)];
}

function place(view: QueueView, id: string, where: Place): void {
  const places = view.places.get(id);
  if (places === undefined) view.places.set(id, [where]);
  else places.push(where);
}

function storedTask(queue: string, id: string, fields: ReadonlyMap<string, Buffer>): StoredTask {
  const task = { id, fields, state: String(fields.get("state") ?? "") };
  const bytes = fields.get("msg");
  if (bytes === undefined) return { ...task, message: undefined, unreadable: "has no msg" };
  try {
    const message = decodeTaskMessage(bytes);
    if (message.id === id && message.queue === queue) return { ...task, message, unreadable: undefined };
    const whose = `has the message of task "${message.id}" of queue "${message.queue}"`;
    return { ...task, message: undefined, unreadable: whose };
  } catch (error) {
    return { ...task, message: undefined, unreadable: `has an undecodable msg (${String(error)})` };
  }
}

function isQuarantined(view: QueueView, task: StoredTask): boolean {
  const places = view.places.get(task.id) ?? [];
  return (
    task.fields.has("msg") &&
    task.message === undefined &&
    task.state === "archived" &&
    places.length === 1 &&
    places[0]?.state === "archived"
  );
}

const LEASE_SECONDS = 30;
const CLOCK_SKEW_SECONDS = 30;
const ARCHIVE_LIMIT = 10_000;
const COUNTER_DAYS = 90;
/** Go's tools cannot read a score from here on. */
const SCORE_LIMIT = 1e17;
/** When a task falls due that waits for a limit. */
const FAR_AWAY = 253_402_300_799;

const RULES: Readonly<Record<InvariantId, Rule>> = {
  *I1({ places }) {
    for (const [id, found] of places) {
      if (found.length > 1) yield `${id} is in ${found.map(({ container }) => container).join(" and ")}`;
    }
  },

  *I2({ places, tasks }) {
    for (const [id, found] of places) {
      const task = tasks.get(id);
      for (const { container, state } of found) {
        if (task !== undefined && task.state !== state)
          yield `${id} is in ${container} and says "${task.state}"`;
      }
    }
  },

  *I3(view) {
    for (const [id, [where]] of view.places) {
      if (!view.tasks.has(id)) yield `${id} in ${where?.container} has no hash`;
    }
    for (const task of view.tasks.values()) {
      if (task.unreadable !== undefined && !isQuarantined(view, task)) yield `${task.id} ${task.unreadable}`;
    }
  },

  *I4({ places, tasks }) {
    for (const { id, state } of tasks.values()) {
      if (!places.has(id)) yield `${id} says "${state}" and is in no container`;
    }
  },

  *I5({ places, leases, now }) {
    const active = new Set<string>();
    for (const [id, found] of places) {
      if (found.some(({ container }) => container === "active")) active.add(id);
    }
    for (const id of active) {
      if (!leases.has(id)) yield `${id} is active without a lease`;
    }
    const latest = now + LEASE_SECONDS + CLOCK_SKEW_SECONDS;
    for (const [id, score] of leases) {
      if (!active.has(id)) yield `${id} has a lease and is not active`;
      if (score > latest) yield `${id} has a lease of ${Math.round(score - now)} s`;
    }
  },

  *I6({ locks, tasks }) {
    for (const [name, { holder, ttl }] of locks) {
      const task = tasks.get(holder);
      const named = [task?.fields.get("unique_key")?.toString(), task?.message?.uniqueKey];
      if (ttl === -1) yield `${name} never expires`;
      if (task === undefined) yield `${name} is held by ${holder}, which is gone`;
      else if (task.state === "completed") yield `${name} is held by ${holder}, which is completed`;
      else if (!named.includes(name)) yield `${name} is held by ${holder}, which does not know of it`;
    }
  },

  *I7({ places, tasks }) {
    for (const [id, [where]] of places) {
      const fields = tasks.get(id)?.fields;
      if (fields === undefined || where === undefined) continue;
      const { state, group } = where;
      if (state === "pending" && !fields.has("pending_since")) yield `${id} is pending since never`;
      if (state === "active" && fields.has("pending_since")) yield `${id} is active and has pending_since`;
      const named = fields.get("group")?.toString();
      if (group !== undefined && named !== group)
        yield `${id} waits in group "${group}" and names "${named ?? ""}"`;
    }
  },

  *I8({ registered, places, listedGroups, waitingGroups, listedSets, waitingSets }) {
    if (!registered && places.size > 0) yield "it has tasks and is not in asynq:queues";
    for (const group of waitingGroups) {
      if (!listedGroups.has(group)) yield `group "${group}" has tasks and is not listed`;
    }
    for (const group of listedGroups) {
      if (!waitingGroups.has(group)) yield `group "${group}" is listed and has no tasks`;
    }
    for (const set of listedSets) {
      if (!waitingSets.has(set)) yield `aggregation set ${set} is listed and does not exist`;
    }
  },

  *I9({ places, tasks, due }) {
    let archived = 0;
    for (const [id, found] of places) {
      const task = tasks.get(id);
      for (const { container, state, score } of found) {
        if (state === "archived") archived += 1;
        if (score === undefined) continue;
        if (!Number.isInteger(score) || score < 0 || score >= SCORE_LIMIT) {
          yield `${id} has the score ${score} in ${container}, which Go's tools cannot read`;
        }
        if (state !== "completed" || task?.message === undefined) continue;
        const expected = Number(task.message.completedAt) + Number(task.message.retention);
        if (score !== expected) yield `${id} is completed until ${score} instead of ${expected}`;
      }
      yield* fineDelay(id, task, found, due);
    }
    for (const id of due.keys()) {
      if (!tasks.get(id)?.fields.has("tq:at")) yield `${id} is in due and has no tq:at`;
    }
    if (archived > ARCHIVE_LIMIT) yield `${archived} tasks are archived, more than ${ARCHIVE_LIMIT}`;
  },

  *I10({ tasks }) {
    for (const { id, message } of tasks.values()) {
      if (message !== undefined && message.retried > Math.max(0, message.retry)) {
        yield `${id} was retried ${message.retried} times of ${message.retry}`;
      }
    }
  },

  *I11({ counters }) {
    const sums = { processed: 0, failed: 0 };
    for (const [name, { count }] of counters) {
      const [kind, day] = cut(name);
      if (day !== undefined) sums[kind as keyof typeof sums] += count;
      if (kind !== "processed") continue;
      const failed = counters.get(day === undefined ? "failed" : `failed:${day}`)?.count ?? 0;
      if (failed > count) yield `${name} is ${count} with ${failed} failed`;
    }
    for (const [kind, sum] of Object.entries(sums)) {
      const total = counters.get(kind)?.count ?? 0;
      if (sum > total) yield `the days' ${kind} add up to ${sum}, the total is ${total}`;
    }
  },

  *I12({ counters, strange }) {
    yield* strange;
    const days = [...counters].filter(([name]) => name.includes(":"));
    for (const [name, { ttl }] of days) {
      if (ttl === -1) yield `${name} never expires`;
    }
    const limit = 2 * (COUNTER_DAYS + 1);
    if (days.length > limit) yield `${days.length} counters of days, more than ${limit}`;
  },

  *I16({ tasks, places, parked, looks }) {
    for (const { id, state, fields } of tasks.values()) {
      const scheduled = places
        .get(id)
        ?.some(({ container, score }) => container === "scheduled" && score === FAR_AWAY);
      if (state !== "scheduled" || !scheduled) continue;
      const line = String(fields.get("tq:parked") ?? "");
      if (!parked.has(line + id)) yield `${id} is parked and stands in no line`;
      const full = line.slice(0, line.lastIndexOf("\n"));
      if (!looks.has(full)) yield `${id} is parked, and nobody will look at ${JSON.stringify(full)}`;
    }
  },
};

/** A delay finer than a second (`docs/protocol.md` 18.2): `tq:at` lives only while the task waits for that instant. */
function* fineDelay(
  id: string,
  task: StoredTask | undefined,
  found: readonly Place[],
  due: ReadonlyMap<string, number>,
): Iterable<string> {
  const at = task?.fields.get("tq:at")?.toString();
  if (at === undefined) return;
  const waiting = found.find(({ state }) => state === "scheduled" || state === "retry");
  if (waiting === undefined) yield `${id} kept tq:at and waits for nothing`;
  else if (waiting.score !== Math.ceil(Number(at) / 1000))
    yield `${id} has the score ${waiting.score} for ${at} ms`;
  if (due.has(id) && due.get(id) !== Number(at)) yield `${id} is due at ${due.get(id)} ms and says ${at}`;
}
