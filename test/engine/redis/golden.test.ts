import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import type { EnqueueEntry } from "../../../src/broker/broker.ts";
import type { TaskState } from "../../../src/broker/inspection.ts";
import { createRedisEngine } from "../../../src/engine/redis/redis-engine.ts";
import { decodeServerInfo, decodeTaskMessage, decodeWorkerInfo } from "../../../src/protocol/codec.ts";
import { silentLogger } from "../../../src/runtime/logger.ts";
import { fakeRuntime } from "../../support/fake-runtime.ts";
import { redisForFile } from "../../support/redis-rig.ts";
import { fakeTime } from "./fake-time.ts";
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
  readonly batch: number;
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

/** Makes the call of a step; answers in the words of the vectors. */
type Call = (queue: string, args: Args, step: Step) => Promise<unknown>;

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
  enqueue: (_, args) => enqueue(entry(args)),
  enqueueUnique: (_, args) => enqueue(entry(args)),
  schedule: (_, args) => enqueue(entry(args)),
  scheduleUnique: (_, args) => enqueue(entry(args)),
  addToGroup: (_, args) => enqueue(entry(args)),
  addToGroupUnique: (_, args) => enqueue(entry(args)),
  forward: async (queue) => {
    await broker.forward(queue, 100);
  },
  deleteExpiredCompleted: async (queue, { batch }) => {
    await broker.deleteExpired(queue, batch);
  },
  reclaimStaleAggregationSets: async (queue) => {
    await broker.reclaimAggregationSets(queue);
  },
  writeServerState: async (_, { server, workers, ttl }) => {
    await broker.writeServerState(
      decodeServerInfo(hex(server)),
      workers.map((worker) => decodeWorkerInfo(hex(worker))),
      ttl * 1_000,
    );
  },
  clearServerState: (_, { host, pid, serverId }) => broker.clearServerState({ host, pid, serverId }),
  pause: async (queue) => ((await inspection.pauseQueue(queue)) ? undefined : "ERROR_CODE_UNSPECIFIED"),
  unpause: async (queue) => ((await inspection.unpauseQueue(queue)) ? undefined : "ERROR_CODE_UNSPECIFIED"),
  queueInfo: async (queue) => {
    const found = await inspection.queueInfo(queue);
    if (found === undefined) return "NOT_FOUND";
    const { queue: _, at: __, latency: latencyMs, ...sizes } = found;
    const { pending, active, scheduled, retry, archived, completed, aggregating } = sizes;
    const size = pending + active + scheduled + retry + archived + completed + aggregating;
    return { ...sizes, latencyMs, size };
  },
  getTaskInfo: async (queue, { id }, { error }) => {
    const found = await inspection.taskInfo(queue, id);
    // An unknown queue is an error of another name in Go; here it has no tasks.
    if (found === undefined) return error === "INTERNAL_ERROR" ? error : "NOT_FOUND";
    const { state, nextProcessAt } = found;
    return {
      id,
      state,
      ...(nextProcessAt !== undefined && { nextProcessAt: Math.floor(nextProcessAt / 1_000) }),
    };
  },
  list: async (queue, { state, page, size, group }) => {
    const found = await inspection.listTasks(queue, state, {
      page,
      size,
      ...(group !== undefined && { group }),
    });
    return found?.map((task) => ({ id: task.id, state: task.state })) ?? "NOT_FOUND";
  },
};

/** Redis counts lifetimes by its own clock: they may differ by the 2 seconds that a step takes at most. */
function clocksApart(actual: GoldenStore, wanted: GoldenStore): GoldenStore {
  for (const [key, value] of Object.entries(actual)) {
    const ttl = wanted[key]?.ttl;
    if (ttl !== undefined && value.ttl !== undefined && Math.abs(ttl - value.ttl) <= 2) value.ttl = ttl;
  }
  return actual;
}

describe("golden transitions", () => {
  it.each(sequences.map((sequence) => [sequence.seed, sequence] as const))(
    "does as Go does: sequence %i",
    async (_, { queue, steps }) => {
      let before: GoldenStore = {};
      for (const [index, step] of steps.entries()) {
        const call = calls[step.op];
        if (call !== undefined) {
          const now = Date.parse(step.now);
          runtime.clock.setWall(now);
          await load(client, before, now);
          const result = await call(queue, step.args ?? ({} as Args), step);
          const at = `step ${index}, ${step.op}`;
          expect(result ?? null, at).toEqual(step.error ?? step.result ?? null);
          expect(clocksApart(await dump(client), step.after), at).toEqual(step.after);
        }
        before = step.after;
      }
      // Leases of Go's year 2030 are no state that this Redis should be in.
      await client.flushall();
    },
  );
});
