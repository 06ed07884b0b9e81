import type { GoldenKey, GoldenStore } from "./golden-store.ts";

/** What there is to say about one step. */
export interface StepTaken {
  readonly op: string;
  readonly queue: string;
  /** Milliseconds. */
  readonly now: number;
  /** What Go's Redis held before. */
  readonly before: GoldenStore;
  /** What Redis holds now, by us and by Go. */
  readonly ours: GoldenStore;
  readonly gos: GoldenStore;
}

/** A difference to asynq that we make on purpose, as `docs/differences.md` shows it. */
export interface Difference {
  /** Its section in docs/protocol.md, and what we do. */
  readonly rule: string;
  readonly asynq: string;
  readonly why: string;
  /** The calls after which it shows. */
  readonly ops: readonly string[];
}

/**
 * A difference in what Redis holds. It brings exactly that difference in `ours` to what Go has, and answers
 * whether there was any.
 */
export interface Allowance extends Difference {
  readonly allow: (step: StepTaken) => boolean;
}

/** Takes a list away when nothing is left in it, as Redis does. */
function drop(store: GoldenStore, key: string, field: "set" | "zset" | "list"): void {
  if (store[key]?.[field]?.length === 0) delete store[key];
}

function hashes({ ours, queue }: StepTaken): [key: string, hash: Record<string, string>][] {
  return Object.entries(ours).flatMap(([key, { hash }]: [string, GoldenKey]) =>
    hash !== undefined && key.startsWith(`asynq:{${queue}}:t:`) ? [[key, hash]] : [],
  );
}

/** Fields `name` of tasks that are new, as `isOurs` has them. */
function allowField(
  step: StepTaken,
  name: string,
  isOurs: (hash: Record<string, string>) => boolean,
): boolean {
  let found = false;
  for (const [key, hash] of hashes(step)) {
    if (hash[name] === undefined || step.gos[key]?.hash?.[name] !== undefined || !isOurs(hash)) continue;
    delete hash[name];
    found = true;
  }
  return found;
}

export const ALLOWANCES: readonly Allowance[] = [
  {
    rule: "15.4: a group that gets tasks back is registered",
    asynq: "puts the tasks into the group, but does not list the group",
    why: "no aggregator would look at them before another task joins",
    ops: ["forward", "reclaimStaleAggregationSets"],
    allow: ({ ours, gos, queue }) => {
      const key = `asynq:{${queue}}:groups`;
      const registered = ours[key]?.set ?? [];
      const added = registered.filter(
        (group) => !gos[key]?.set?.includes(group) && ours[`asynq:{${queue}}:g:${group}`]?.zset !== undefined,
      );
      const groups = ours[key];
      if (groups === undefined || added.length === 0) return false;
      groups.set = registered.filter((group) => !added.includes(group));
      drop(ours, key, "set");
      return true;
    },
  },
  {
    rule: "15.24: a task that goes back to its queue waits from now on",
    asynq: "`pending_since` is not set",
    why: "the queue's latency would not count the task",
    ops: ["requeue", "runTask", "runAll"],
    allow: (step) =>
      allowField(
        step,
        "pending_since",
        ({ state, pending_since }) => state === "pending" && pending_since === `${step.now}000000`,
      ),
  },
  {
    rule: "15.24: an archived task does not say since when it was pending",
    asynq: "leaves a stale `pending_since`",
    why: "run again, it would seem to have waited since then",
    ops: ["archiveTask", "archiveAll"],
    allow: ({ ours, gos, queue }) => {
      let found = false;
      for (const [key, { hash }] of Object.entries(gos)) {
        const since = key.startsWith(`asynq:{${queue}}:t:`) ? hash?.["pending_since"] : undefined;
        const own = ours[key]?.hash;
        if (since === undefined || own?.["state"] !== "archived" || own["pending_since"] !== undefined)
          continue;
        own["pending_since"] = since;
        found = true;
      }
      return found;
    },
  },
  {
    rule: "15.7: a task that is deleted frees its lock",
    asynq:
      "keeps the lock of a task without `unique_key` in its hash, and of every task where all pending or aggregating ones are deleted",
    why: "the next equal task would be refused as a duplicate of nothing until the lock's TTL",
    ops: ["deleteTask", "deleteAll"],
    allow: ({ ours, gos, queue }) => {
      const tasks = `asynq:{${queue}}:t:`;
      const left = Object.entries(gos).filter(
        ([key, { string: holder }]) =>
          key.startsWith(`asynq:{${queue}}:unique:`) &&
          ours[key] === undefined &&
          gos[tasks + holder] === undefined,
      );
      for (const [key, lock] of left) ours[key] = lock;
      return left.length > 0;
    },
  },
  {
    rule: "18.1: a lease ends on a whole second after its 30, and carries a token",
    asynq: "now and 30 s, rounded down; every attempt looks the same",
    why: "the token tells attempts apart, so that a late worker cannot settle another's; Go compares these scores in Redis alone",
    ops: ["dequeue", "extendLease"],
    allow: ({ ours, gos, queue, now }) => {
      const key = `asynq:{${queue}}:lease`;
      let found = false;
      for (const [i, [id, score]] of (ours[key]?.zset ?? []).entries()) {
        const gosScore = gos[key]?.zset?.find(([member]) => member === id)?.[1];
        const fits =
          Number(gosScore) === Math.floor(now / 1_000) + 30 &&
          Math.floor(Number(score)) === Math.ceil(now / 1_000) + 30 &&
          score !== gosScore;
        if (gosScore === undefined || !fits) continue;
        ours[key]?.zset?.splice(i, 1, [id, gosScore]);
        found = true;
      }
      // Tokens are no order of Go's.
      ours[key]?.zset?.sort(byScore);
      return found;
    },
  },
  {
    rule: "18.6: a group that a set was cut from is known by name",
    asynq: "has no such key",
    why: "a recoverer finds groups that a Go peer forgot to list",
    ops: ["aggregationCheck"],
    allow: ({ ours, queue }) => {
      const key = `tq:{${queue}}:aggs`;
      const found = ours[key]?.set?.length === 1;
      if (found) delete ours[key];
      return found;
    },
  },
  {
    rule: "18.6: locks of members that were aggregated are free",
    asynq: "stay until their TTL",
    why: "as with every deletion: an equal task would be refused until then",
    ops: ["deleteAggregationSet"],
    allow: ({ ours, gos, queue }) => {
      let found = false;
      for (const [key, lock] of Object.entries(gos)) {
        const isLock = key.startsWith(`asynq:{${queue}}:unique:`);
        if (!isLock || ours[key] !== undefined || gos[`asynq:{${queue}}:t:${lock.string}`] !== undefined)
          continue;
        ours[key] = lock;
        found = true;
      }
      return found;
    },
  },
  {
    rule: "18.9: a lease names the exchange that took it",
    asynq: "has no such field",
    why: "what a lost reply had granted is found again, instead of waiting a minute for its lease to run out",
    ops: ["dequeue"],
    allow: (step) => allowField(step, "tq:x", ({ state }) => state === "active"),
  },
];

function byScore([a, scoreOfA]: [string, string], [b, scoreOfB]: [string, string]): number {
  return Number(scoreOfA) - Number(scoreOfB) || (a < b ? -1 : 1);
}
