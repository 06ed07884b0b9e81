import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import type { EnqueueEntry, Leased, Settlement } from "../../../src/broker/broker.ts";
import type { Change, TaskState } from "../../../src/broker/inspection.ts";
import { Lease, leasedAs } from "../../../src/engine/redis/lease-token.ts";
import { createRedisEngine } from "../../../src/engine/redis/redis-engine.ts";
import {
  decodeServerInfo,
  decodeTaskMessage,
  decodeWorkerInfo,
  encodeTaskMessage,
} from "../../../src/protocol/codec.ts";
import { queueKeys } from "../../../src/protocol/keys.ts";
import { silentLogger } from "../../../src/runtime/logger.ts";
import { fakeRuntime } from "../../support/fake-runtime.ts";
import { redisForFile } from "../../support/redis-rig.ts";
import { fakeTime } from "./fake-time.ts";
import { ALLOWANCES } from "./golden-allowances.ts";
import { dump, type GoldenStore, load } from "./golden-store.ts";

/**
 * What the Go module did with a Redis, step by step, tried on our scripts: the state before a step is written, its
 * call made, and the whole Redis compared. Where our rules differ on purpose, an allowance says so.
 */

interface Step {
  readonly op: string;
  readonly args: Args | null;
  readonly now: string;
  readonly result?: unknown;
  readonly error?: string;
  readonly after: GoldenStore;
}

interface Args {
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

interface Sequence {
  readonly seed: number;
  readonly queue: string;
  readonly steps: readonly Step[];
}

const sequences: Sequence[] = gunzipSync(
  readFileSync(new URL("../../golden/transitions.jsonl.gz", import.meta.url)),
)
  .toString()
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line));

const redis = await redisForFile();
const client = redis.client();
const runtime = fakeRuntime();
const engine = createRedisEngine(
  redis.url,
  { runtime, logger: silentLogger },
  { clockOffset: 0, scriptSource: fakeTime },
);
const { broker, inspection } = engine;
afterAll(() => engine.close());

const hex = (text: string) => Buffer.from(text, "hex");

/** A step before it is made. */
interface Trial {
  readonly queue: string;
  readonly args: Args;
  /** Unix seconds, whole. */
  readonly now: number;
  readonly before: GoldenStore;
  readonly step: Step;
}

/** Makes the call of a step; answers in the words of the vectors. */
type Call = (trial: Trial) => Promise<unknown>;

/** Go's leases have no fraction. The attempts that we hold get this one. */
const FRACTION = 7 / 2 ** 20;

function withFraction(store: GoldenStore, queue: string): GoldenStore {
  const { lease } = queueKeys(queue);
  const leases = store[lease]?.zset;
  if (leases === undefined) return store;
  return { ...store, [lease]: { zset: leases.map(([id, score]) => [id, String(Number(score) + FRACTION)]) } };
}

function withoutFraction(store: GoldenStore, queue: string): GoldenStore {
  for (const lease of store[queueKeys(queue).lease]?.zset ?? []) {
    if (Number(lease[1]) % 1 === FRACTION) lease[1] = String(Math.floor(Number(lease[1])));
  }
  return store;
}

/** The attempt at a task that we hold in the state before. */
function held({ queue, before }: Trial, id: string): Leased {
  const { lease, taskPrefix } = queueKeys(queue);
  const bytes = hex(before[taskPrefix + id]?.hash?.["msg"] ?? "");
  const score = before[lease]?.zset?.find(([member]) => member === id)?.[1];
  return leasedAs(decodeTaskMessage(bytes), new Lease(String(Number(score) + FRACTION), 1, bytes));
}

type Ending = (trial: Trial, message: Leased["message"]) => Settlement;

function settle(ending: Ending): Call {
  return async (trial) => {
    const { id } = decodeTaskMessage(hex(trial.args.message));
    const leased = held(trial, id);
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

const entry = ({ message, ttl, processAt }: Partial<Args>): EnqueueEntry => ({
  message: decodeTaskMessage(hex(message ?? "")),
  ...(ttl !== undefined && { uniqueTtl: ttl * 1_000 }),
  ...(processAt !== undefined && { processAt: processAt * 1_000 }),
});

const calls: Readonly<Record<string, Call>> = {
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
    const message = encodeTaskMessage(leased[0].message).toString("hex");
    return { message, lease: (step.result as { lease: number }).lease };
  },
  done: settle(() => ({ kind: "done" })),
  complete: settle(({ now }, message) => ({
    kind: "complete",
    message: { ...message, completedAt: now },
    expireAt: (now + Number(message.retention)) * 1_000,
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
    const leased = trial.args.ids.map((id) => held(trial, id));
    const answers = await broker.extendLeases(trial.queue, leased);
    return answers.every((answer) => answer === "extended") ? trial.step.result : answers;
  },
  writeResult: async (trial) => {
    const answer = await broker.writeResult(held(trial, trial.args.id), Buffer.from(trial.args.result));
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

/** Go has one error for a task of an unknown queue; here there is no such task. */
const gone = ({ step }: Trial) => (step.error === "INTERNAL_ERROR" ? step.error : "NOT_FOUND");

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

/** Redis counts lifetimes by its own clock: they may differ by the 2 seconds that a step takes at most. */
function clocksApart(actual: GoldenStore, wanted: GoldenStore): GoldenStore {
  for (const [key, value] of Object.entries(actual)) {
    const ttl = wanted[key]?.ttl;
    if (ttl !== undefined && value.ttl !== undefined && Math.abs(ttl - value.ttl) <= 2) value.ttl = ttl;
  }
  return actual;
}

const applied = new Map<string, number>();
const tried = new Map<string, number>();
const count = (counts: Map<string, number>, name: string) => counts.set(name, (counts.get(name) ?? 0) + 1);

describe("golden transitions", () => {
  it.each(sequences.map((sequence) => [sequence.seed, sequence] as const))(
    "does as Go does: sequence %i",
    async (_, { queue, steps }) => {
      let before: GoldenStore = {};
      for (const [index, step] of steps.entries()) {
        const call = calls[step.op];
        if (call !== undefined) {
          count(tried, step.op);
          const at = `step ${index}, ${step.op}`;
          const now = Date.parse(step.now);
          runtime.clock.setWall(now);
          await load(client, withFraction(before, queue), now);
          const trial = {
            queue,
            args: step.args ?? ({} as Args),
            now: Math.floor(now / 1_000),
            before,
            step,
          };
          expect((await call(trial)) ?? null, at).toEqual(step.error ?? step.result ?? null);
          const gos = step.after;
          const ours = clocksApart(withoutFraction(await dump(client), queue), gos);
          for (const { rule, ops, allow } of ALLOWANCES) {
            if (ops.includes(step.op) && allow({ op: step.op, queue, now, ours, gos })) count(applied, rule);
          }
          expect(ours, at).toEqual(gos);
        }
        before = step.after;
      }
      // Leases of Go's year 2030 are no state that this Redis should be in.
      await client.flushall();
    },
  );

  it("tried every call that there is, and needed every allowance", () => {
    expect([...tried.keys()].sort()).toEqual(Object.keys(calls).sort());
    expect([...applied.keys()].sort()).toEqual(ALLOWANCES.map(({ rule }) => rule).sort());
  });
});
