import type {
  AggregationCommit,
  AggregationRules,
  AggregationSet,
  CommitAnswer,
  GroupPage,
  SetRef,
} from "../../broker/aggregation.ts";
import { membersToAggregate, SET_LIFETIME } from "../../broker/aggregation-rules.ts";
import { encodeTaskMessage } from "../../protocol/codec.ts";
import type { TaskMessage } from "../../protocol/task-message.ts";
import type { EmbeddedQueue } from "./embedded-store.ts";
import { enqueue } from "./enqueue.ts";
import { archive, quarantine } from "./settle.ts";
import { storedMessage } from "./stored-message.ts";

const PAGE = 500;

export function listGroups(queue: EmbeddedQueue, cursor: string | undefined): GroupPage {
  const groups = queue.groupsAfter(cursor, PAGE);
  return { groups, cursor: groups.length < PAGE ? undefined : groups.at(-1)?.group };
}

export function createAggregationSet(
  queue: EmbeddedQueue,
  { id, group }: SetRef,
  rules: AggregationRules,
  now: number,
): AggregationSet | undefined {
  const made = queue.setDeadline(id);
  if (made !== undefined) return { deadline: made };
  const status = queue.groupStatus(group);
  const count = status === undefined ? 0 : membersToAggregate(status, rules, now);
  if (count === 0) return undefined;
  const deadline = now + SET_LIFETIME;
  queue.createSet(id, group, count, deadline);
  return { deadline };
}

export function readAggregationSet(queue: EmbeddedQueue, { id }: SetRef): TaskMessage[] | undefined {
  if (queue.setDeadline(id) === undefined) return undefined;
  return queue.setMembers(id).flatMap((task) => storedMessage(queue, task) ?? []);
}

/** Looks at everything before it writes. Of the members, those that were aggregated count as gone already. */
export function commitAggregation(
  queue: EmbeddedQueue,
  { set, aggregates, aggregated, rejected }: AggregationCommit,
  now: number,
): CommitAnswer {
  if (queue.setDeadline(set.id) === undefined) return { status: "gone" };
  const members = queue.setMembers(set.id);
  const isMember = new Set(members.map(({ id }) => id));
  const leaving = new Set(aggregated.map(({ id }) => id).filter((id) => isMember.has(id)));
  const ids = new Set<string>();
  const locks = new Map<string, string>();
  for (const entry of aggregates) {
    const { id, uniqueKey } = entry.message;
    const lock = entry.uniqueTtl === undefined ? undefined : uniqueKey;
    const held = lock === undefined ? undefined : queue.lock(lock, now)?.holder;
    const holder = held === undefined || leaving.has(held) ? locks.get(lock ?? "") : held;
    if (holder !== undefined && holder !== id) return { status: "duplicate", holder };
    if (ids.has(id) || isTaken(queue, id, leaving, entry.replaceFinished)) {
      return { status: "conflict", taskId: id };
    }
    // What cannot be encoded fails here, and costs no member.
    encodeTaskMessage(entry.message);
    ids.add(id);
    if (lock !== undefined) locks.set(lock, id);
  }
  const errors = new Map(rejected.map((message) => [message.id, encodeTaskMessage(message)]));

  for (const task of members) {
    const message = errors.get(task.id);
    if (leaving.has(task.id)) queue.remove(task);
    else if (message !== undefined) archive(queue, task, now, { message });
    else quarantine(queue, task, now);
  }
  queue.removeSet(set.id);
  for (const entry of aggregates) {
    const answer = enqueue(queue, entry, now);
    if (answer.status !== "enqueued")
      throw new Error(`an aggregate was checked and yet met a ${answer.status}`);
  }
  return { status: "committed" };
}

function isTaken(
  queue: EmbeddedQueue,
  id: string,
  leaving: ReadonlySet<string>,
  replaceFinished: boolean | undefined,
): boolean {
  const taken = queue.find(id);
  if (taken === undefined || leaving.has(id)) return false;
  const isFinished = taken.state === "completed" || taken.state === "archived";
  return !(replaceFinished === true && isFinished);
}
