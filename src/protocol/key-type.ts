import { SCHEDULES } from "./keys.ts";

/** A type as Redis's TYPE tells it. */
export type KeyType = "string" | "list" | "set" | "zset" | "hash";

/** Of the keys of a queue, by what stands behind its braces: `docs/protocol.md` 3.2 and 18. */
const OF_A_QUEUE = new Map<string, KeyType>(
  Object.entries({
    pending: "list",
    active: "list",
    lease: "zset",
    scheduled: "zset",
    retry: "zset",
    archived: "zset",
    completed: "zset",
    t: "hash",
    paused: "string",
    processed: "string",
    failed: "string",
    unique: "string",
    groups: "set",
    g: "zset",
    aggregation_sets: "zset",
    due: "zset",
    aggs: "set",
    tick: "string",
    rollup: "hash",
    limits: "hash",
    slots: "hash",
    held: "hash",
    parked: "zset",
    turns: "zset",
    looks: "zset",
    rate: "string",
  }),
);

/** Of all others, by what stands before braces, if there are any: `docs/protocol.md` 3.1. */
const OF_ALL = new Map<string, KeyType>(
  Object.entries({
    "asynq:queues": "set",
    "asynq:servers": "zset",
    "asynq:workers": "zset",
    "asynq:schedulers": "zset",
    "asynq:servers:": "string",
    "asynq:workers:": "hash",
    "asynq:schedulers:": "list",
    "asynq:scheduler_history:": "zset",
  }),
);

/** The type that the layout gives a key; `undefined` for one that is no part of it. */
export function keyType(key: string): KeyType | undefined {
  const inQueue = /^(?:asynq|tq):\{[^}]*\}:(\w+)/.exec(key)?.[1];
  if (inQueue !== undefined) return OF_A_QUEUE.get(inQueue);
  if (key === SCHEDULES) return "hash";
  return OF_ALL.get(/^asynq:\w+:?/.exec(key)?.[0] ?? "");
}
