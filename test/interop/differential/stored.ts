import { decodeTaskMessage } from "../../../src/protocol/codec.ts";
import { queueKeys } from "../../../src/protocol/keys.ts";
import { ALLOWANCES, type Allowance, type StepTaken } from "../../engine/redis/golden-allowances.ts";
import {
  AT_THE_EDGE,
  atTheEdge,
  ENQUEUE_UNIQUE,
  isListed,
  LEFT_LOCK,
  NOT_EMPTY,
  UNLISTED,
} from "./in-both.ts";

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

const ofQueue = (queue: string) => (key: string) =>
  key.startsWith(`asynq:{${queue}}:`) || key.startsWith(`tq:{${queue}}:`);

/** Differences in what Redis holds: those of the golden replay, and what shows only beside a living asynq. */
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
