import {
  decodeTaskMessage,
  encodeSchedulerEnqueueEvent,
  encodeSchedulerEntry,
  encodeServerInfo,
  encodeTaskMessage,
  encodeWorkerInfo,
} from "../../../src/protocol/codec.ts";
import { queueKeys } from "../../../src/protocol/keys.ts";
import { NO_HEADERS, type TaskMessage } from "../../../src/protocol/task-message.ts";
import { NEVER, timestampOf } from "../../../src/protocol/timestamp.ts";
import { uniqueKey } from "../../../src/protocol/unique-key.ts";
import type { Args } from "../../engine/redis/golden-calls.ts";
import type { GoldenStore } from "../../engine/redis/golden-store.ts";

/** More than the golden vectors have. */
export interface MoreArgs extends Args {
  /** Unix seconds. */
  readonly cutoff: number;
  readonly days: number;
  readonly schedulerId: string;
  readonly entries: readonly string[];
  readonly entryId: string;
  readonly event: string;
}

/** A call, for both sides. */
export interface Planned {
  readonly op: string;
  readonly queue: string;
  readonly args: MoreArgs;
  /** Milliseconds. */
  readonly at: number;
}

const QUEUES = ["default", "low"] as const;
const IDS = ["a", "b", "c", "d", "e", "f", "g", "h"] as const;
const GROUPS = ["g1", "g:2"] as const;
const SETTLING = ["done", "complete", "retry", "archive", "requeue"] as const;

/** A random number from 0 up to 1, the same ones for the same seed: mulberry32. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Draws call after call, each with an eye to what asynq has in Redis by then. */
export class Plan {
  readonly #random: () => number;
  /** Half of the sequences run on whole seconds, as those of the golden vectors do. */
  readonly #whole: boolean;
  #at: number;

  constructor(seed: number) {
    this.#random = randomFrom(seed);
    this.#whole = seed % 2 === 0;
    // A little before midnight in some, and later than the day on which lifetimes of keys would be over.
    this.#at = Date.UTC(2040, 0, 1 + this.#below(300), 23, 30 + this.#below(30), this.#below(60));
    if (!this.#whole) this.#at += this.#below(1_000);
  }

  /** The same as `Math.random`, of this plan. */
  get random(): () => number {
    return this.#random;
  }

  next(gos: GoldenStore): Planned {
    this.#at += this.#pick([
      0,
      0,
      0,
      1_000,
      1_000,
      4_000,
      20_000,
      61_000,
      this.#whole ? 0 : this.#below(3_000),
    ]);
    const queue = this.#chance(0.8) ? QUEUES[0] : QUEUES[1];
    const [op, args] = this.#draw(queue, gos);
    return { op, queue, args: args as MoreArgs, at: this.#at };
  }

  #draw(queue: string, gos: GoldenStore): [op: string, args: Partial<MoreArgs>] {
    const keys = queueKeys(queue);
    const active = gos[keys.active]?.list ?? [];
    const dice = this.#below(100);
    if (dice < 24) return this.#enqueue(queue);
    if (dice < 58 && active.length === 0 && gos[keys.pending] === undefined && this.#chance(0.8)) {
      return this.#enqueue(queue);
    }
    if (dice < 36 || (dice < 58 && active.length === 0)) return ["dequeue", {}];
    if (dice < 52) return this.#settle(gos, keys.taskPrefix, this.#pick(active));
    if (dice < 56) return ["extendLease", { ids: active.filter((_, i) => i === 0 || this.#chance(0.5)) }];
    if (dice < 58) return ["writeResult", { id: this.#pick(active), result: "fine" }];
    if (dice < 65) return ["forward", {}];
    if (dice < 69) return this.#expired();
    if (dice < 71 || (gos[keys.completed] && dice < 74))
      return ["deleteExpiredCompleted", { batch: 1 + this.#below(100) }];
    if (dice < 79) return this.#aggregate(queue, gos);
    if (dice < 81) return this.#presence();
    if (dice < 83) return this.#schedule();
    if (dice < 88) return this.#look(queue, gos);
    return this.#operate(queue, gos);
  }

  /** A task that there is, mostly. */
  #task(queue: string, gos: GoldenStore): string {
    const { taskPrefix } = queueKeys(queue);
    const there = Object.keys(gos).filter((key) => key.startsWith(taskPrefix));
    return there.length > 0 && this.#chance(0.8)
      ? this.#pick(there).slice(taskPrefix.length)
      : this.#pick(IDS);
  }

  #enqueue(queue: string): [string, Partial<MoreArgs>] {
    const unique = this.#chance(0.3);
    const kind = this.#pick(["enqueue", "enqueue", "schedule", "addToGroup"] as const);
    const type = this.#pick(["mail", "印刷"]);
    const payload = this.#pick([undefined, Buffer.from("{}"), Buffer.from([0, 255, 1])]);
    const grouped = kind === "addToGroup" || (kind === "schedule" && this.#chance(0.2));
    const group = this.#pick(GROUPS);
    const message: TaskMessage = {
      type,
      payload,
      id: this.#pick(IDS),
      queue,
      retry: this.#below(3),
      retried: 0,
      errorMsg: "",
      timeout: this.#pick([0, 1_800]),
      deadline: 0,
      uniqueKey: unique ? uniqueKey(queue, type, payload) : "",
      lastFailedAt: 0,
      retention: this.#pick([0, 60]),
      completedAt: 0,
      groupKey: grouped ? group : "",
      headers: this.#chance(0.3) ? new Map([["trace", "1"]]) : NO_HEADERS,
    };
    return [
      unique ? `${kind}Unique` : kind,
      {
        message: encodeTaskMessage(message).toString("hex"),
        // Real time does not run as the sequence's does: locks must outlive it.
        ...(unique && { ttl: 100_000 }),
        ...(kind === "schedule" && { processAt: this.#later([1, 5, 30, 300]) }),
        ...(kind === "addToGroup" && { group }),
      },
    ];
  }

  #settle(gos: GoldenStore, taskPrefix: string, id: string): [string, Partial<MoreArgs>] {
    const message = gos[taskPrefix + id]?.hash?.["msg"] ?? "";
    const { retention } = decodeTaskMessage(Buffer.from(message, "hex"));
    const op = this.#pick(SETTLING);
    return [
      op === "complete" && retention === 0 ? "done" : op,
      {
        message,
        errorText: "smtp: refused",
        retryAt: this.#later([1, 15, 60]),
        isFailure: this.#chance(0.7),
      },
    ];
  }

  #expired(): [string, Partial<MoreArgs>] {
    // As the recoverer asks: 30 s of grace.
    const cutoff = this.#at / 1_000 - 30;
    if (this.#chance(0.3)) return ["listLeaseExpired", { cutoff }];
    return ["recover", { cutoff, errorText: "asynq: task lease expired", retryAt: this.#later([15]) }];
  }

  #aggregate(queue: string, gos: GoldenStore): [string, Partial<MoreArgs>] {
    const { aggregationSets, groupPrefix } = queueKeys(queue);
    const made = (gos[aggregationSets]?.zset ?? []).map(([key]) => {
      const at = key.lastIndexOf(":");
      return { group: key.slice(groupPrefix.length, at), setId: key.slice(at + 1) };
    });
    const dice = this.#below(10);
    if (made.length > 0 && dice < 2) return ["readAggregationSet", this.#pick(made)];
    if (made.length > 0 && dice < 5) return ["deleteAggregationSet", this.#pick(made)];
    if (made.length > 0 ? dice < 8 : dice < 1) return ["reclaimStaleAggregationSets", {}];
    return [
      "aggregationCheck",
      {
        group: this.#pick(GROUPS),
        gracePeriod: this.#pick([1, 10]),
        maxDelay: this.#pick([0, 30]),
        maxSize: this.#pick([0, 2, 3]),
      },
    ];
  }

  #presence(): [string, Partial<MoreArgs>] {
    const server = { host: "host1", pid: 4_242, serverId: this.#pick(["s1", "s2"]) };
    const now = timestampOf(this.#at);
    switch (this.#below(3)) {
      case 0:
        return ["clearServerState", server];
      case 1:
        return ["listServers", {}];
      default:
        return [
          "writeServerState",
          {
            ttl: 100_000,
            server: encodeServerInfo({
              ...server,
              concurrency: 3,
              queues: new Map([["default", 2]]),
              strictPriority: false,
              status: "active",
              startTime: now,
              activeWorkerCount: 1,
            }).toString("hex"),
            workers: IDS.slice(0, this.#below(3)).map((taskId) =>
              encodeWorkerInfo({
                ...server,
                taskId,
                taskType: "mail",
                taskPayload: Buffer.from("{}"),
                queue: "default",
                startTime: now,
                deadline: timestampOf(this.#at + 60_000),
              }).toString("hex"),
            ),
          },
        ];
    }
  }

  #schedule(): [string, Partial<MoreArgs>] {
    const schedulerId = this.#pick(["host1:1:x", "host1:2:y"]);
    const entryId = this.#pick(["e1", "e2"]);
    switch (this.#below(5)) {
      case 0:
        return ["clearEntries", { schedulerId }];
      case 1:
        return ["listEntries", {}];
      case 2:
        return ["listEvents", { entryId, page: this.#below(2), size: 2 }];
      case 3: {
        const event = { taskId: this.#pick(IDS), enqueueTime: timestampOf(this.#at) };
        return ["recordEvent", { entryId, event: encodeSchedulerEnqueueEvent(event).toString("hex") }];
      }
      default: {
        const entries = [1, 2].slice(0, 1 + this.#below(2)).map((n) =>
          encodeSchedulerEntry({
            id: `${schedulerId}-${n}`,
            spec: "@every 30s",
            taskType: "mail",
            taskPayload: Buffer.from("{}"),
            enqueueOptions: ['Queue("low")'],
            nextEnqueueTime: timestampOf(this.#at + 30_000),
            prevEnqueueTime: NEVER,
          }).toString("hex"),
        );
        return ["writeEntries", { schedulerId, entries, ttl: 100_000 }];
      }
    }
  }

  #look(queue: string, gos: GoldenStore): [string, Partial<MoreArgs>] {
    const state = this.#pick([
      "active",
      "pending",
      "scheduled",
      "retry",
      "archived",
      "completed",
      "aggregating",
    ] as const);
    const page = { page: this.#below(2), size: 1 + this.#below(4) };
    switch (this.#below(6)) {
      case 0:
        return ["queues", {}];
      case 1:
        return ["history", { days: 1 + this.#below(3) }];
      case 2:
        return ["queueInfo", {}];
      case 3:
        return ["groups", {}];
      case 4:
        return ["getTaskInfo", { id: this.#task(queue, gos) }];
      default:
        return ["list", { state, ...page, ...(state === "aggregating" && { group: this.#pick(GROUPS) }) }];
    }
  }

  #operate(queue: string, gos: GoldenStore): [string, Partial<MoreArgs>] {
    const some = (states: readonly Args["state"][]) => {
      const state = this.#pick(states);
      return { state, ...(state === "aggregating" && { group: this.#pick(GROUPS) }) };
    };
    switch (this.#below(12)) {
      case 0:
        return ["pause", {}];
      case 1:
        return ["unpause", {}];
      case 2:
        return ["runAll", some(["scheduled", "retry", "archived", "aggregating"])];
      case 3:
        return ["archiveAll", some(["pending", "scheduled", "retry", "aggregating"])];
      case 4:
        return ["deleteAll", some(["pending", "scheduled", "retry", "archived", "completed", "aggregating"])];
      case 5: {
        const scheduled = gos[queueKeys(queue).scheduled]?.zset?.map(([id]) => id) ?? [];
        return ["updatePayload", { id: this.#pick([...scheduled, this.#pick(IDS)]), payload: "7b7d" }];
      }
      case 6:
        return ["removeQueue", {}];
      default:
        return [this.#pick(["runTask", "archiveTask", "deleteTask"]), { id: this.#task(queue, gos) }];
    }
  }

  /** An instant some seconds from now, Unix seconds; sometimes with a fraction where the clock has one. */
  #later(seconds: readonly number[]): number {
    const at = this.#at + this.#pick(seconds) * 1_000 + (this.#whole ? 0 : this.#below(1_000));
    return (this.#whole || this.#chance(0.5) ? Math.ceil(at / 1_000) * 1_000 : at) / 1_000;
  }

  #below(n: number): number {
    return Math.floor(this.#random() * n);
  }

  #chance(p: number): boolean {
    return this.#random() < p;
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#below(from.length)]!;
  }
}
