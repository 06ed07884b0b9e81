import { decodeTaskMessage } from "../../../src/protocol/codec.ts";
import { queueKeys } from "../../../src/protocol/keys.ts";
import type { TaskMessage } from "../../../src/protocol/task-message.ts";
import {
  ALLOWANCES,
  type Allowance,
  type Difference,
  type StepTaken,
} from "../../engine/redis/golden-allowances.ts";
import type { Trial } from "../../engine/redis/golden-calls.ts";
import type { GoldenStore } from "../../engine/redis/golden-store.ts";
import type { PeerTask } from "../peer.ts";
import { DEFECTS } from "./defects.ts";

/** A difference in what a call answers. */
export interface Answered extends Difference {
  readonly allow: (given: {
    readonly answer: unknown;
    readonly wanted: unknown;
    readonly trial: Trial;
    readonly gos: GoldenStore;
    readonly ours: GoldenStore;
  }) => boolean;
}

const messageOf = (hash: Record<string, string> | undefined) =>
  decodeTaskMessage(Buffer.from(hash?.["msg"] ?? "", "hex"));

/** Scores that are a second later than Go's, and with them the instants that are kept to the millisecond. */
function ceilings({ ours, gos, queue }: StepTaken, kept: boolean): boolean {
  const due = `tq:{${queue}}:due`;
  let found = false;
  for (const state of ["scheduled", "retry"]) {
    const key = `asynq:{${queue}}:${state}`;
    for (const entry of ours[key]?.zset ?? []) {
      const [id, score] = entry;
      const hash = ours[`asynq:{${queue}}:t:${id}`]?.hash;
      const gosScore = gos[key]?.zset?.find(([member]) => member === id)?.[1];
      const exact = hash?.["tq:at"];
      if (Number(score) !== Number(gosScore) + 1 || (exact !== undefined) !== kept) continue;
      if (exact !== undefined) {
        const at = ours[due]?.zset?.findIndex(([member, ms]) => member === id && ms === exact) ?? -1;
        if (at === -1 || Math.ceil(Number(exact) / 1_000) !== Number(score)) continue;
        ours[due]?.zset?.splice(at, 1);
        if (ours[due]?.zset?.length === 0) delete ours[due];
        delete hash?.["tq:at"];
      }
      entry[1] = String(gosScore);
      found = true;
    }
    ours[key]?.zset?.sort(
      ([a, scoreOfA], [b, scoreOfB]) => Number(scoreOfA) - Number(scoreOfB) || (a < b ? -1 : 1),
    );
  }
  return found;
}

const ENQUEUE_UNIQUE = ["enqueueUnique", "scheduleUnique", "addToGroupUnique"];

const LEFT_LOCK = {
  rule: "18.4: a lock that a deleted task of the same id has left does not refuse it",
  asynq: "answers duplicate until the lock's TTL",
  why: "the lock is the task's own; asynq leaves it where all pending or grouped tasks are deleted",
  ops: ENQUEUE_UNIQUE,
};

const NOT_EMPTY = {
  rule: "15.11: a queue with completed or grouped tasks is not empty",
  asynq: "removes it, and leaves them behind",
  why: "tasks that no tool shows any more, and nothing would ever delete",
  ops: ["removeQueue"],
};

/** What stays active for up to a second more, since the token in the score of its lease is a fraction. */
const AT_THE_EDGE = {
  rule: "18.1: a lease lasts up to a second longer, by its token",
  asynq: "a lease of a second is over at that second",
  why: "the token is a fraction of the score; 30 s of grace are added anyway",
  ops: ["recover", "listLeaseExpired"],
};

/** Leases that end, for Go, at the very second until which a recoverer looks. */
function atTheEdge(before: GoldenStore, queue: string, nowMs: number): string[] {
  const cutoff = String(Math.floor(nowMs / 1_000) - 30);
  return (before[queueKeys(queue).lease]?.zset ?? []).flatMap(([id, score]) =>
    score === cutoff ? [id] : [],
  );
}

/** asynq refuses every change of a task whose queue is not in its list. */
const UNLISTED = {
  rule: "11.2: a task of a queue that is not listed can still be seen and changed",
  asynq: "answers that there is no such queue",
  why: "removing a queue in asynq leaves such tasks behind; an operator must reach them",
  ops: ["getTaskInfo", "runTask", "archiveTask", "deleteTask", "updatePayload"],
};

const isListed = (store: GoldenStore, queue: string) => store["asynq:queues"]?.set?.includes(queue) === true;
const ofQueue = (queue: string) => (key: string) =>
  key.startsWith(`asynq:{${queue}}:`) || key.startsWith(`tq:{${queue}}:`);

export const STORED: readonly Allowance[] = [
  {
    ...UNLISTED,
    allow: ({ ours, gos, before, queue }) => {
      if (isListed(before, queue)) return false;
      for (const key of Object.keys(ours).filter(ofQueue(queue)))
        if (gos[key] === undefined) delete ours[key];
      for (const key of Object.keys(gos).filter(ofQueue(queue))) ours[key] = gos[key]!;
      return true;
    },
  },
  {
    ...AT_THE_EDGE,
    allow: ({ ours, gos, before, queue, now }) => {
      const keys = queueKeys(queue);
      const still = new Set(ours[keys.active]?.list);
      const late = atTheEdge(before, queue, now).filter((id) => still.has(id));
      if (late.length === 0) return false;
      const left = [...still].filter((id) => !late.includes(id)).join();
      if (left !== (gos[keys.active]?.list ?? []).join()) return false;
      const counters = Object.keys(gos).filter(
        (key) => key.startsWith(keys.processed) || key.startsWith(keys.failed),
      );
      const tasks = late.map((id) => keys.taskPrefix + id);
      for (const key of [keys.active, keys.lease, keys.retry, keys.archived, ...counters, ...tasks]) {
        if (gos[key] === undefined) delete ours[key];
        else ours[key] = gos[key];
      }
      return true;
    },
  },

  ...ALLOWANCES,
  {
    rule: "15.3: a task that is refused takes no lock",
    asynq: "takes the lock, then finds the id taken, and leaves the lock",
    why: "other producers would be told of a duplicate that is none until the lock's TTL",
    ops: ENQUEUE_UNIQUE,
    allow: ({ ours, gos, queue }) => {
      let found = false;
      for (const [key, lock] of Object.entries(gos)) {
        if (!key.startsWith(`asynq:{${queue}}:unique:`) || ours[key] !== undefined) continue;
        if (gos[`asynq:{${queue}}:t:${lock.string}`] === undefined) continue;
        ours[key] = lock;
        found = true;
      }
      return found;
    },
  },
  {
    rule: "8.1: an enqueue whose id is taken writes nothing",
    asynq: "lists the queue, should that have been removed around the task",
    why: "nothing was stored; the next task that is lists it",
    ops: ["enqueue"],
    allow: ({ ours, gos, before, queue }) => {
      const key = "asynq:queues";
      const isGos = gos[key]?.set?.includes(queue) && !before[key]?.set?.includes(queue);
      if (!isGos || ours[key]?.set?.includes(queue)) return false;
      ours[key] = { set: [...(ours[key]?.set ?? []), queue].sort() };
      return true;
    },
  },
  {
    rule: "15.24: a task that is run waits from now on, whenever it was pending before",
    asynq: "keeps the `pending_since` that archiving left",
    why: "the queue's latency would show the days that the task lay in the archive",
    ops: ["runTask", "runAll"],
    allow: ({ ours, gos, queue, now }) => {
      let found = false;
      for (const [key, { hash }] of Object.entries(ours)) {
        const stale = gos[key]?.hash?.["pending_since"];
        if (!key.startsWith(`asynq:{${queue}}:t:`) || hash?.["state"] !== "pending" || stale === undefined)
          continue;
        if (hash["pending_since"] === stale || hash["pending_since"] !== `${now}000000`) continue;
        hash["pending_since"] = stale;
        found = true;
      }
      return found;
    },
  },
  {
    rule: "15.11: a queue that is removed leaves nothing",
    asynq: "leaves completed tasks, groups, locks, the pause and the counters",
    why: "a queue of that name, made later, would begin with what is not its own",
    ops: ["removeQueue"],
    allow: ({ ours, gos, queue }) => {
      const left = Object.keys(gos).filter(
        (key) => key.startsWith(`asynq:{${queue}}:`) && ours[key] === undefined,
      );
      for (const key of left) ours[key] = gos[key]!;
      return left.length > 0;
    },
  },
  {
    ...NOT_EMPTY,
    allow: ({ ours, gos, queue }) => {
      const listed = ours["asynq:queues"];
      const isOnlyOurs = listed?.set?.includes(queue) && !gos["asynq:queues"]?.set?.includes(queue);
      if (!listed?.set || !isOnlyOurs) return false;
      listed.set = listed.set.filter((name) => name !== queue);
      if (listed.set.length === 0) delete ours["asynq:queues"];
      return true;
    },
  },
  {
    ...LEFT_LOCK,
    allow: ({ ours, gos, before, queue }) => {
      const { taskPrefix, pending, groups } = queueKeys(queue);
      const isNew = (key: string) =>
        key.startsWith(taskPrefix) && gos[key] === undefined && before[key] === undefined;
      const key = Object.keys(ours).find(isNew);
      const id = key?.slice(taskPrefix.length);
      if (key === undefined || id !== before[messageOf(ours[key]?.hash).uniqueKey]?.string) return false;
      delete ours[key];
      const list = ours[pending]?.list;
      if (list?.[0] === id) list?.shift();
      if (list?.length === 0) delete ours[pending];
      for (const [name, value] of Object.entries(ours)) {
        if (value.zset === undefined || !name.includes(`{${queue}}`)) continue;
        value.zset = value.zset.filter(([member]) => member !== id);
        if (value.zset.length === 0) delete ours[name];
      }
      const listed = ours[groups];
      if (listed?.set) {
        listed.set = listed.set.filter((group) => gos[groups]?.set?.includes(group));
        if (listed.set.length === 0) delete ours[groups];
      }
      return true;
    },
  },
  {
    rule: "15.5: a scheduled task knows its group",
    asynq: "the hash has no `group`; when it is due the task runs alone",
    why: "Group and ProcessAt together mean: join the group then. Go's forwarder honours the field",
    ops: ["schedule", "scheduleUnique"],
    allow: ({ ours, gos, queue }) => {
      let found = false;
      for (const [key, { hash }] of Object.entries(ours)) {
        if (!key.startsWith(`asynq:{${queue}}:t:`) || hash?.["group"] === undefined) continue;
        if (gos[key]?.hash?.["group"] !== undefined || hash["group"] !== messageOf(hash).groupKey) continue;
        delete hash["group"];
        found = true;
      }
      return found;
    },
  },
  {
    rule: "18.2: an instant between two seconds is rounded up, not down",
    asynq: "rounded down",
    why: "nothing runs before its time",
    ops: ["schedule", "scheduleUnique", "retry", "recover"],
    allow: (step) => ceilings(step, false),
  },
  {
    rule: "18.2: an instant within the next minute is kept to the millisecond",
    asynq: "cut to whole seconds",
    why: "delays finer than a second; a Go forwarder takes the task at the second after",
    ops: ["schedule", "scheduleUnique", "retry", "recover"],
    allow: (step) => ceilings(step, true),
  },
  {
    rule: "8.14: tasks become pending in the order in which they fell due",
    asynq: "all scheduled tasks first, then all retries",
    why: "first due, first run",
    ops: ["forward"],
    allow: ({ ours, gos, before, queue }) => {
      const { pending, scheduled, retry } = queueKeys(queue);
      const list = ours[pending]?.list ?? [];
      const moved = list.length - (before[pending]?.list?.length ?? 0);
      const waited = [...(before[scheduled]?.zset ?? []), ...(before[retry]?.zset ?? [])];
      const dueAt = new Map(waited.map(([id, score]) => [id, Number(score)]));
      const inOrder = list
        .slice(0, moved)
        .every((id, i, ids) => i === 0 || dueAt.get(id)! <= dueAt.get(ids[i - 1]!)!);
      const gosList = gos[pending]?.list ?? [];
      const isSame = list.slice(0, moved).sort().join() === gosList.slice(0, moved).sort().join();
      if (!inOrder || !isSame || list.slice(0, moved).join() === gosList.slice(0, moved).join()) return false;
      ours[pending]?.list?.splice(0, moved, ...gosList.slice(0, moved));
      return true;
    },
  },
  {
    rule: "12: entries of a scheduler are listed in their order",
    asynq: "in reverse order",
    why: "tools show them as they were registered",
    ops: ["writeEntries"],
    allow: ({ ours, gos }) => {
      let found = false;
      for (const [key, { list }] of Object.entries(ours)) {
        if (!key.startsWith("asynq:schedulers:{") || list?.join() === gos[key]?.list?.join()) continue;
        list?.reverse();
        found = true;
      }
      return found;
    },
  },
  {
    rule: "15.27: the history of an entry ends",
    asynq: "has no TTL, and stays for ever when a scheduler crashes",
    why: "keys must not leak; ours ends 90 days after the last event",
    ops: ["recordEvent"],
    allow: ({ ours }) => {
      let found = false;
      for (const [key, value] of Object.entries(ours)) {
        if (!key.startsWith("asynq:scheduler_history:") || value.ttl !== 90 * 86_400) continue;
        delete value.ttl;
        found = true;
      }
      return found;
    },
  },
];

export const ANSWERED: readonly Answered[] = [
  {
    ...UNLISTED,
    allow: ({ wanted, trial: { queue, before } }) => wanted === "INTERNAL_ERROR" && !isListed(before, queue),
  },
  {
    ...AT_THE_EDGE,
    allow: ({ answer, wanted, trial: { queue, before, at } }) => {
      const late = atTheEdge(before, queue, at);
      const idsOf = (given: unknown) => (given as { ids: string[] }).ids;
      const missing = idsOf(wanted).filter((id) => !idsOf(answer).includes(id));
      return missing.length > 0 && missing.every((id) => late.includes(id));
    },
  },
  {
    ...LEFT_LOCK,
    allow: ({ answer, wanted, trial: { args, before, queue } }) => {
      const { id, uniqueKey } = decodeTaskMessage(Buffer.from(args.message, "hex"));
      const isGone = before[queueKeys(queue).taskPrefix + id] === undefined;
      return answer === null && wanted === "duplicate" && before[uniqueKey]?.string === id && isGone;
    },
  },
  {
    rule: "18.4: a task that holds the lock of its own second enqueueing is a conflict of ids, not a duplicate",
    asynq: "answers duplicate",
    why: "a client that repeats an enqueue whose answer was lost learns that its own task is there",
    ops: ENQUEUE_UNIQUE,
    allow: ({ answer, wanted, trial: { args, before } }) => {
      const { id, uniqueKey } = decodeTaskMessage(Buffer.from(args.message, "hex"));
      return answer === "conflict" && wanted === "duplicate" && before[uniqueKey]?.string === id;
    },
  },
  {
    rule: "11.1: a queue that is not there has no groups",
    asynq: "lists the groups that removing the queue has left",
    why: "every other call says that there is no such queue",
    ops: ["groups"],
    allow: ({ answer, trial: { queue, before } }) =>
      Array.isArray(answer) && answer.length === 0 && !isListed(before, queue),
  },
  {
    ...NOT_EMPTY,
    allow: ({ answer, wanted, trial: { queue, before } }) => {
      const { completed, groupPrefix } = queueKeys(queue);
      const uncounted = Object.keys(before).filter((key) => key === completed || key.startsWith(groupPrefix));
      return answer === "queue-not-empty" && wanted === null && uncounted.length > 0;
    },
  },
];

/** A difference in when a periodic task runs. */
export interface Ticked extends Difference {
  readonly allow: (given: {
    readonly spec: string;
    readonly gos: readonly number[];
    readonly ours: readonly number[];
    /** Whether clocks are changed between the start and the last instant. */
    readonly clocksChange: boolean;
  }) => boolean;
}

export const TICKED: readonly Ticked[] = [
  {
    rule: "18.5: `@every` counts from the epoch",
    asynq: "counts from when the scheduler was started",
    why: "replicas agree on the instants, and a restart does not move them",
    ops: ["ticks"],
    allow: ({ spec, gos, ours }) => {
      const interval = gos[1]! - gos[0]!;
      return (
        spec.startsWith("@every ") &&
        ours.every((at, i) => at % interval === 0 && (i === 0 || at - ours[i - 1]! === interval)) &&
        Math.abs(ours[0]! - gos[0]!) <= interval
      );
    },
  },
  {
    rule: "12: a day on which clocks change has every tick once",
    asynq: "leaves out what falls into the gap, and runs what falls into the overlap twice",
    why: "a daily task runs daily",
    ops: ["ticks"],
    allow: ({ spec, clocksChange }) => !spec.startsWith("@every ") && clocksChange,
  },
];

/** What a client has stored of a call. */
export type Stored =
  | { readonly refused: true }
  | {
      readonly refused: false;
      readonly state: string;
      readonly message: Omit<TaskMessage, "headers"> & { readonly headers: Readonly<Record<string, string>> };
      /** Unix seconds. */
      readonly scheduledAt: number | undefined;
      /** Seconds. */
      readonly lockFor: number | undefined;
    };

/** A difference in what the options of an enqueue mean. Answers `ours` as Go would have it; `undefined` where it does not apply. */
export interface Composed extends Difference {
  readonly allow: (given: {
    readonly given: NonNullable<PeerTask["options"]>;
    readonly ours: Stored;
    readonly gos: Stored;
  }) => Stored | undefined;
}

const refusedBy =
  (isRefused: (given: NonNullable<PeerTask["options"]>) => boolean): Composed["allow"] =>
  ({ given, ours, gos }) =>
    ours.refused && !gos.refused && isRefused(given) ? gos : undefined;

const isFraction = (length: string | undefined) => length?.includes("ms") === true;

export const COMPOSED: readonly Composed[] = [
  {
    rule: "15.15: a timeout of 0 is refused",
    asynq: "30 minutes, although it is documented as no limit",
    why: 'nobody gets another limit than was written; `"none"` says what is meant',
    ops: ["enqueue"],
    allow: refusedBy(({ timeout }) => timeout === "0s"),
  },
  {
    rule: "15.15: a timeout is rounded up to whole seconds",
    asynq: "cut to whole seconds; under one second: none, which its servers take for 30 minutes",
    why: "a task gets at least the time that was written",
    ops: ["enqueue"],
    allow: ({ given: { timeout }, ours, gos }) => {
      if (ours.refused || gos.refused || !isFraction(timeout)) return undefined;
      if (Number(ours.message.timeout) !== Number(gos.message.timeout) + 1) return undefined;
      return { ...ours, message: { ...ours.message, timeout: gos.message.timeout } };
    },
  },
  {
    rule: "7: a retention is rounded up to whole seconds",
    asynq: "cut to whole seconds",
    why: "a result is kept at least as long as was written",
    ops: ["enqueue"],
    allow: ({ given: { retention }, ours, gos }) => {
      if (ours.refused || gos.refused || !isFraction(retention)) return undefined;
      if (Number(ours.message.retention) !== Number(gos.message.retention) + 1) return undefined;
      return { ...ours, message: { ...ours.message, retention: gos.message.retention } };
    },
  },
  {
    rule: "7: processAt and processIn together are refused",
    asynq: "the last one counts",
    why: "one of them is a mistake",
    ops: ["enqueue"],
    allow: refusedBy(({ processAt, processIn }) => processAt !== undefined && processIn !== undefined),
  },
  {
    rule: "3.2: braces in the name of a queue or a group are refused",
    asynq: "takes them",
    why: "a Cluster would put the queue's keys on different nodes",
    ops: ["enqueue"],
    allow: refusedBy(({ queue, group }) => /[{}]/.test(`${queue}${group}`)),
  },
];

/** All of them, once each. */
export const DIFFERENCES: readonly Difference[] = [
  ...new Map(
    [...STORED, ...ANSWERED, ...TICKED, ...COMPOSED, ...DEFECTS].map((difference) => [
      difference.rule,
      difference,
    ]),
  ).values(),
];
