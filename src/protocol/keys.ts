/**
 * Every key that lies in the store, `docs/protocol.md` 3 and 18. The braces are part of the names: they make all
 * keys of one queue share a Cluster slot.
 */

import type { ServerInfo } from "./server-info.ts";
import { utcDay } from "./units.ts";

export const ALL_QUEUES = "asynq:queues";
export const ALL_SERVERS = "asynq:servers";
export const ALL_WORKERS = "asynq:workers";
export const ALL_SCHEDULERS = "asynq:schedulers";
export const CANCEL_CHANNEL = "asynq:cancel";
/** Ours: stored entries of schedulers, and which of all are paused, `docs/protocol.md` 18.5. */
export const SCHEDULES = "tq:schedules";

/** The keys of one queue. Those ending in `Prefix` want an id, a group or a day behind them. */
export interface QueueKeys {
  readonly pending: string;
  readonly active: string;
  readonly lease: string;
  readonly scheduled: string;
  readonly retry: string;
  readonly archived: string;
  readonly completed: string;
  readonly paused: string;
  /** Tasks processed, ever: successes and failures together. */
  readonly processed: string;
  /** Tasks failed, ever. */
  readonly failed: string;
  readonly groups: string;
  readonly aggregationSets: string;
  readonly taskPrefix: string;
  readonly groupPrefix: string;
  readonly uniquePrefix: string;
  /** Ours: task ids by the millisecond at which they are due, `docs/protocol.md` 18.2. */
  readonly due: string;
  /** Ours: groups that have aggregation sets, `docs/protocol.md` 18.6. */
  readonly aggs: string;
  /** Ours: the last tick of a scheduler entry, `docs/protocol.md` 18.5. */
  readonly tickPrefix: string;
  /** Ours: what servers have measured in an hour since the epoch, `docs/protocol.md` 18.13. */
  readonly rollupPrefix: string;
}

/** Names are asked for on every call and there are few queues; a caller with very many only loses the reuse. */
const CACHE_LIMIT = 1_000;
const cache = new Map<string, QueueKeys>();

export function queueKeys(queue: string): QueueKeys {
  const known = cache.get(queue);
  if (known !== undefined) return known;
  if (cache.size >= CACHE_LIMIT) cache.clear();
  const prefix = `asynq:{${queue}}:`;
  const ours = `tq:{${queue}}:`;
  const keys: QueueKeys = {
    pending: `${prefix}pending`,
    active: `${prefix}active`,
    lease: `${prefix}lease`,
    scheduled: `${prefix}scheduled`,
    retry: `${prefix}retry`,
    archived: `${prefix}archived`,
    completed: `${prefix}completed`,
    paused: `${prefix}paused`,
    processed: `${prefix}processed`,
    failed: `${prefix}failed`,
    groups: `${prefix}groups`,
    aggregationSets: `${prefix}aggregation_sets`,
    taskPrefix: `${prefix}t:`,
    groupPrefix: `${prefix}g:`,
    uniquePrefix: `${prefix}unique:`,
    due: `${ours}due`,
    aggs: `${ours}aggs`,
    tickPrefix: `${ours}tick:`,
    rollupPrefix: `${ours}rollup:`,
  };
  cache.set(queue, keys);
  return keys;
}

export function taskKey(queue: string, id: string): string {
  return queueKeys(queue).taskPrefix + id;
}

export function groupKey(queue: string, group: string): string {
  return queueKeys(queue).groupPrefix + group;
}

/** `setId` must not hold a colon: the group is what comes before the last one. */
export function aggregationSetKey(queue: string, group: string, setId: string): string {
  return `${groupKey(queue, group)}:${setId}`;
}

/** Counter of the tasks processed on the UTC day of that instant. */
export function processedKey(queue: string, dayMs: number): string {
  return `${queueKeys(queue).processed}:${utcDay(dayMs)}`;
}

/** Counter of the tasks that failed on the UTC day of that instant. */
export function failedKey(queue: string, dayMs: number): string {
  return `${queueKeys(queue).failed}:${utcDay(dayMs)}`;
}

export function tickKey(queue: string, entryId: string): string {
  return queueKeys(queue).tickPrefix + entryId;
}

type ServerName = Pick<ServerInfo, "host" | "pid" | "serverId">;

export function serverKey({ host, pid, serverId }: ServerName): string {
  return `${ALL_SERVERS}:{${host}:${pid}:${serverId}}`;
}

export function workersKey({ host, pid, serverId }: ServerName): string {
  return `${ALL_WORKERS}:{${host}:${pid}:${serverId}}`;
}

/** `schedulerId` is `host:pid:<uuid>`. */
export function schedulerEntriesKey(schedulerId: string): string {
  return `${ALL_SCHEDULERS}:{${schedulerId}}`;
}

/** Ours: what the limits of one queue count, `docs/protocol.md` 18.11. */
export interface LimitKeys {
  /** The limits of each live server. */
  readonly limits: string;
  /** Who holds a slot of which limit. */
  readonly slots: string;
  /** How many slots each limit has given out. */
  readonly held: string;
  /** Who waits for which limit, in order. */
  readonly parked: string;
  /** Whose turn it is to take a slot. */
  readonly turns: string;
  /** When to look at limits that somebody waits for. */
  readonly looks: string;
  /** Wants the name and key of a limit behind it. */
  readonly ratePrefix: string;
}

export function limitKeys(queue: string): LimitKeys {
  const ours = `tq:{${queue}}:`;
  return {
    limits: `${ours}limits`,
    slots: `${ours}slots`,
    held: `${ours}held`,
    parked: `${ours}parked`,
    turns: `${ours}turns`,
    looks: `${ours}looks`,
    ratePrefix: `${ours}rate:`,
  };
}

/** Tokens of one semaphore, `docs/protocol.md` 8.26. */
export function semaphoreKey(scope: string): string {
  return `asynq:sema:${scope}`;
}

export function schedulerHistoryKey(entryId: string): string {
  return `asynq:scheduler_history:${entryId}`;
}
