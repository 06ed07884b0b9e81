import { expect } from "vitest";
import type { Leased, Settlement } from "../../../src/broker/broker.ts";
import type { Engine } from "../../../src/broker/engine.ts";
import type { EnqueueEntry } from "../../../src/broker/enqueue-entry.ts";
import type { Change, TaskState } from "../../../src/broker/inspection.ts";
import {
  decodeServerInfo,
  decodeTaskMessage,
  decodeWorkerInfo,
  encodeTaskMessage,
} from "../../../src/protocol/codec.ts";
import { queueKeys } from "../../../src/protocol/keys.ts";
import type { GoldenStore } from "./golden-store.ts";

/** One call, as the vectors write it. */
export interface Step {
  readonly op: string;
  readonly args: Args | null;
  readonly now: string;
  readonly result?: unknown;
  readonly error?: string;
  readonly after: GoldenStore;
}

export interface Args {
  readonly message: string;
  readonly ttl: number;
  readonly processAt: number;
  readonly group?: string;
  readonly id: string;
  readonly ids: string[];
  readonly errorText: string;
  readonly retryAt: number;
  readonly isFailure: boolean;
  readonly result: string;
  readonly payload: string;
  readonly batch: number;
  /** Seconds. */
  readonly gracePeriod: number;
  readonly maxDelay: number;
  readonly maxSize: number;
  /** Empty: the check made no set. */
  readonly setId: string;
  readonly state: TaskState;
  readonly page: number;
  readonly size: number;
  readonly server: string;
  readonly workers: string[];
  readonly host: string;
  readonly pid: number;
  readonly serverId: string;
}

const hex = (text: string) => Buffer.from(text, "hex");

/** A step before it is made. */
export interface Trial {
  readonly queue: string;
  readonly args: Args;
  /** Unix seconds, whole. */
  readonly now: number;
  /** Milliseconds. */
  readonly at: number;
  readonly before: GoldenStore;
  readonly step: Step;
}

/** Makes the call of a step; answers in the words of the vectors. */
export type Call = (trial: Trial) => Promise<unknown>;

/** Where the attempts are that a call wants. */
export interface Attempts {
  /** The attempt at a task that we hold in the state before. */
  readonly held: (trial: Trial, id: string) => Leased;
  readonly taken?: (queue: string, leased: Leased) => void;
}

type Ending = (trial: Trial, message: Leased["message"]) => Settlement;

const entry = ({ message, ttl, processAt }: Partial<Args>): EnqueueEntry => ({
  message: decodeTaskMessage(hex(message ?? "")),
  ...(ttl !== undefined && { uniqueTtl: ttl * 1_000 }),
  ...(processAt !== undefined && { processAt: processAt * 1_000 }),
});

/** Go has one error for a task of an unknown queue; here there is no such task. */
const gone = ({ step }: Trial) => (step.error === "INTERNAL_ERROR" ? step.error : "NOT_FOUND");

/** Our calls by the names of Go's, answering in the words of the vectors. */
export function callsOn({ broker, inspection }: Engine, attempts: Attempts): Readonly<Record<string, Call>> {
  function settle(ending: Ending): Call {
    return async (trial) => {
      const { id } = decodeTaskMessage(hex(trial.args.message));
      const leased = attempts.held(trial, id);
      const settlement = ending(trial, leased.message);
      const { answers } = await broker.exchange(trial.queue, [{ leased, settlement }], 0);
      return answers[0] === "settled" ? undefined : answers[0];
    };
  }

  async function enqueue(entry: EnqueueEntry): Promise<unknown> {
    const [answer] = await broker.enqueue([entry]);
    if (answer?.status === "failed") throw answer.error;
    return answer?.status === "enqueued" ? undefined : answer?.status;
  }

  function changeOne(change: Change): Call {
    return async (trial) => {
      const [answer] = await inspection.changeTasks(trial.queue, change, [trial.args.id]);
      switch (answer?.status) {
        case "changed":
          return undefined;
        case "missing":
          return gone(trial);
        case "active": {
          // What an aggregator has in hand runs, for us; Go looks in the group, and fails.
          const { state } = trial.before[queueKeys(trial.queue).taskPrefix + trial.args.id]?.hash ?? {};
          return state === "aggregating" ? "UNKNOWN" : "FAILED_PRECONDITION";
        }
        default:
          return "FAILED_PRECONDITION";
      }
    };
  }

  function changeAll(change: Change): Call {
    return async ({ queue, args: { state, group }, step }) => {
      if ((await inspection.queueInfo(queue)) === undefined) return step.error;
      const part = { state, ...(group !== undefined && { group }) };
      const { handled } = await inspection.changeSome(queue, change, part, 200);
      return { n: handled };
    };
  }

  return {
    enqueue: ({ args }) => enqueue(entry(args)),
    enqueueUnique: ({ args }) => enqueue(entry(args)),
    schedule: ({ args }) => enqueue(entry(args)),
    scheduleUnique: ({ args }) => enqueue(entry(args)),
    addToGroup: ({ args }) => enqueue(entry(args)),
    addToGroupUnique: ({ args }) => enqueue(entry(args)),

    dequeue: async ({ queue, step }) => {
      const { leased, dropped, quarantined } = await broker.exchange(queue, [], 1);
      expect({ dropped, quarantined }).toEqual({ dropped: [], quarantined: [] });
      if (leased[0] === undefined) return "empty";
      attempts.taken?.(queue, leased[0]);
      const message = encodeTaskMessage(leased[0].message).toString("hex");
      return { message, lease: (step.result as { lease: number }).lease };
    },
    done: settle(() => ({ kind: "done" })),
    complete: settle(({ now, at }, message) => ({
      kind: "complete",
      message: { ...message, completedAt: now },
      expireAt: at + Number(message.retention) * 1_000,
    })),
    retry: settle(({ args: { errorText, retryAt, isFailure }, now }, message) => ({
      kind: "retry",
      message: {
        ...message,
        retried: message.retried + (isFailure ? 1 : 0),
        errorMsg: errorText,
        lastFailedAt: now,
      },
      retryAt: retryAt * 1_000,
      isFailure,
    })),
    archive: settle(({ args: { errorText }, now }, message) => ({
      kind: "archive",
      message: { ...message, errorMsg: errorText, lastFailedAt: now },
    })),
    requeue: settle(() => ({ kind: "requeue" })),
    extendLease: async (trial) => {
      const leased = trial.args.ids.map((id) => attempts.held(trial, id));
      const answers = await broker.extendLeases(trial.queue, leased);
      return answers.every((answer) => answer === "extended") ? trial.step.result : answers;
    },
    writeResult: async (trial) => {
      const answer = await broker.writeResult(
        attempts.held(trial, trial.args.id),
        Buffer.from(trial.args.result),
      );
      return answer === "settled" ? undefined : answer;
    },

    forward: async ({ queue }) => {
      await broker.forward(queue, 100);
    },
    listLeaseExpired: async ({ queue }) => {
      const expired = await broker.listExpired(queue, 100);
      return { ids: expired.map(({ message }) => message.id).sort() };
    },
    deleteExpiredCompleted: async ({ queue, args: { batch } }) => {
      await broker.deleteExpired(queue, batch);
    },
    aggregationCheck: async ({ queue, args: { group = "", gracePeriod, maxDelay, maxSize, setId } }) => {
      const id = setId || "ffffffff-ffff-4fff-8fff-ffffffffffff";
      const rules = {
        gracePeriod: gracePeriod * 1_000,
        maxDelay: maxDelay * 1_000 || undefined,
        maxSize: maxSize || undefined,
      };
      const made = await broker.createAggregationSet({ queue, group, id }, rules);
      return { setId: made === undefined ? "" : id };
    },
    readAggregationSet: async ({ queue, args: { group = "", setId }, step }) => {
      const members = await broker.readAggregationSet({ queue, group, id: setId });
      const { deadline } = step.result as { deadline: number };
      return { deadline, ids: members?.map(({ id }) => id) };
    },
    deleteAggregationSet: async ({ queue, args: { group = "", setId } }) => {
      const set = { queue, group, id: setId };
      const aggregated = (await broker.readAggregationSet(set)) ?? [];
      await broker.commitAggregation({ set, aggregates: [], aggregated, rejected: [] });
    },
    reclaimStaleAggregationSets: async ({ queue }) => {
      await broker.reclaimAggregationSets(queue);
    },

    writeServerState: async ({ args: { server, workers, ttl } }) => {
      await broker.writeServerState(
        decodeServerInfo(hex(server)),
        workers.map((worker) => decodeWorkerInfo(hex(worker))),
        ttl * 1_000,
      );
    },
    clearServerState: ({ args: { host, pid, serverId } }) => broker.clearServerState({ host, pid, serverId }),

    pause: async ({ queue }) => ((await inspection.pauseQueue(queue)) ? undefined : "ERROR_CODE_UNSPECIFIED"),
    unpause: async ({ queue }) =>
      (await inspection.unpauseQueue(queue)) ? undefined : "ERROR_CODE_UNSPECIFIED",
    queueInfo: async ({ queue }) => {
      const found = await inspection.queueInfo(queue);
      if (found === undefined) return "NOT_FOUND";
      const { queue: _, at: __, latency: latencyMs, ...sizes } = found;
      const { pending, active, scheduled, retry, archived, completed, aggregating } = sizes;
      const size = pending + active + scheduled + retry + archived + completed + aggregating;
      return { ...sizes, latencyMs, size };
    },
    runTask: (trial) => changeOne("run")(trial),
    archiveTask: (trial) => changeOne("archive")(trial),
    deleteTask: (trial) => changeOne("delete")(trial),
    runAll: (trial) => changeAll("run")(trial),
    archiveAll: (trial) => changeAll("archive")(trial),
    deleteAll: (trial) => changeAll("delete")(trial),
    updatePayload: async (trial) => {
      const { queue, args } = trial;
      const { status } = await inspection.rewriteTask(queue, args.id, (old) => ({
        ...old,
        payload: hex(args.payload),
      }));
      if (status === "rewritten") return undefined;
      if (status === "not-scheduled") return "FAILED_PRECONDITION";
      return trial.step.error === "INTERNAL_ERROR" ? trial.step.error : "UNKNOWN";
    },
    groups: async ({ queue }) => {
      const found = await inspection.groups(queue);
      return [...(found?.groups ?? [])].sort((a, b) => (a.group < b.group ? -1 : 1));
    },
    getTaskInfo: async ({ queue, args: { id }, step }) => {
      const found = await inspection.taskInfo(queue, id);
      // An unknown queue is an error of another name in Go; here it has no tasks.
      if (found === undefined) return step.error === "INTERNAL_ERROR" ? step.error : "NOT_FOUND";
      const { state, nextProcessAt } = found;
      return {
        id,
        state,
        ...(nextProcessAt !== undefined && { nextProcessAt: Math.floor(nextProcessAt / 1_000) }),
      };
    },
    list: async ({ queue, args: { state, page, size, group } }) => {
      const found = await inspection.listTasks(queue, state, {
        page,
        size,
        ...(group !== undefined && { group }),
      });
      return found?.map((task) => ({ id: task.id, state: task.state })) ?? "NOT_FOUND";
    },
  };
}
