import type { GoldenKey, GoldenStore } from "./golden-store.ts";

/** What there is to say about one step. */
export interface StepTaken {
  readonly op: string;
  readonly queue: string;
  /** Milliseconds. */
  readonly now: number;
  /** What Redis holds now, by us and by Go. */
  readonly ours: GoldenStore;
  readonly gos: GoldenStore;
}

/**
 * A difference to Go that we make on purpose. It brings exactly that difference in `ours` to what Go has, and answers
 * whether there was any.
 */
export interface Allowance {
  /** Its section in docs/protocol.md, and what it is. */
  readonly rule: string;
  readonly ops: readonly string[];
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
    ops: ["dequeue"],
    allow: (step) => allowField(step, "tq:x", ({ state }) => state === "active"),
  },
];

function byScore([a, scoreOfA]: [string, string], [b, scoreOfB]: [string, string]): number {
  return Number(scoreOfA) - Number(scoreOfB) || (a < b ? -1 : 1);
}
