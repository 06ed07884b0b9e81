import type { Redis } from "ioredis";
import type { Leased } from "../../../src/broker/broker.ts";
import type { Engine } from "../../../src/broker/engine.ts";
import { encodeTaskMessage } from "../../../src/protocol/codec.ts";
import { queueKeys } from "../../../src/protocol/keys.ts";
import type { Difference } from "../../engine/redis/golden-allowances.ts";
import type { Peer } from "../peer.ts";

/** The queue and the task of every case. */
export const QUEUE = "default";
export const ID = "a";
const KEYS = queueKeys(QUEUE);
const TASK = KEYS.taskPrefix + ID;

/** What is left of the task. */
export interface Look {
  readonly answer: unknown;
  readonly pending: readonly string[];
  readonly active: readonly string[];
  readonly leased: readonly string[];
  readonly retry: readonly string[];
  readonly archived: number;
  /** Absent: there is no hash, or it has no such field. */
  readonly state: string | null;
  readonly result: string | null;
  /** Tasks that lie in the archive no more, but have a hash. */
  readonly orphans: number;
}

/** What Go's broker knows of the attempt: the message, in hex. */
interface Given {
  readonly peer: Peer;
  readonly message: string;
  readonly engine: Engine;
  readonly leased: Leased;
  /** Milliseconds. */
  readonly at: number;
}

/** A defect of asynq that shows on data that is damaged, late or much. Both sides have the same task, which runs. */
export interface Defect extends Difference {
  /** Done to both, after the task was leased. */
  readonly damage: (redis: Redis, at: number) => Promise<unknown>;
  readonly goCall: (given: Given) => Promise<unknown>;
  readonly ourCall: (given: Given) => Promise<unknown>;
  readonly gos: Partial<Look>;
  readonly ours: Partial<Look>;
}

const hexOf = (text: string) => Buffer.from(text).toString("hex");
const failedAt = (leased: Leased, at: number) => ({
  ...leased.message,
  errorMsg: "no",
  lastFailedAt: Math.floor(at / 1_000),
});

async function settle(
  { engine: { broker }, leased }: Given,
  settlement: Parameters<Engine["broker"]["exchange"]>[1][number]["settlement"],
): Promise<unknown> {
  const { answers } = await broker.exchange(QUEUE, [{ leased, settlement }], 0);
  return answers[0];
}

const archive = (given: Given) =>
  settle(given, { kind: "archive", message: failedAt(given.leased, given.at) });

/** So many archived tasks, `age` seconds old. */
const FILL = `
for i = 1, tonumber(ARGV[1]) do
  redis.call('ZADD', KEYS[1], ARGV[2], 'old-' .. i)
  redis.call('HSET', ARGV[3] .. 'old-' .. i, 'msg', ARGV[4], 'state', 'archived')
end`;

function fillArchive(count: number, age: number): Defect["damage"] {
  return (redis, at) => {
    const score = String(Math.floor(at / 1_000) - age);
    return redis.eval(FILL, 1, KEYS.archived, String(count), score, KEYS.taskPrefix, "");
  };
}

const UNDECODABLE = Buffer.from([0xff, 0xff, 0xff]);
const OTHER = encodeTaskMessage({
  type: "mail",
  payload: undefined,
  id: "b",
  queue: QUEUE,
  retry: 1,
  retried: 0,
  errorMsg: "",
  timeout: 60,
  deadline: 0,
  uniqueKey: "",
  lastFailedAt: 0,
  retention: 0,
  completedAt: 0,
  groupKey: "",
  headers: new Map(),
});

export const DEFECTS: readonly Defect[] = [
  {
    rule: "15.1: a task without a lease is settled all the same",
    asynq:
      "takes the task off the list of active ones, then answers that there is none: it is in no list any more",
    why: "the task would be lost",
    ops: ["retry", "archive", "done", "complete", "requeue"],
    damage: (redis) => redis.zrem(KEYS.lease, ID),
    goCall: ({ peer, message, at }) =>
      peer.broker("Retry", message, new Date(at + 60_000).toISOString(), "no", true),
    ourCall: (given) => {
      const message = { ...failedAt(given.leased, given.at), retried: 1 };
      return settle(given, { kind: "retry", message, retryAt: given.at + 60_000, isFailure: true });
    },
    gos: { answer: "INTERNAL_ERROR", active: [], retry: [], state: "active" },
    ours: { answer: "settled", active: [], retry: [ID], state: "retry" },
  },
  {
    rule: "15.2: an id whose task is missing is dropped",
    asynq: "makes it an active task without a message, and answers that the queue is empty",
    why: "it would be active for ever, and the tasks behind it would wait for another look",
    ops: ["dequeue"],
    damage: (redis) =>
      redis.multi().lrem(KEYS.active, 0, ID).zrem(KEYS.lease, ID).del(TASK).rpush(KEYS.pending, ID).exec(),
    goCall: ({ peer }) => peer.broker("Dequeue", QUEUE),
    ourCall: async ({ engine }) => (await engine.broker.exchange(QUEUE, [], 1)).dropped,
    gos: { answer: "empty", active: [ID], leased: [ID], state: "active" },
    ours: { answer: [ID], active: [], leased: [], state: null },
  },
  {
    rule: "15.12: a late result does not bring a deleted task back",
    asynq: "writes it into a hash of its own",
    why: "a hash that nothing ever deletes, and an id that is taken",
    ops: ["writeResult"],
    damage: (redis) => redis.multi().lrem(KEYS.active, 0, ID).zrem(KEYS.lease, ID).del(TASK).exec(),
    goCall: ({ peer }) => peer.broker("WriteResult", QUEUE, ID, hexOf("late")),
    ourCall: ({ engine, leased }) => engine.broker.writeResult(leased, Buffer.from("late")),
    gos: { state: null, result: "late" },
    ours: { answer: "gone", state: null, result: null },
  },
  {
    rule: "15.38: an attempt settles itself alone",
    asynq: "a worker whose lease was lost deletes the task under the one that runs it now",
    why: "the other's failure would not be retried",
    ops: ["done", "complete", "retry", "archive", "requeue", "writeResult"],
    // As a Go recoverer and a Go dequeue leave it.
    damage: (redis, at) => redis.zadd(KEYS.lease, Math.floor(at / 1_000) + 90, ID),
    goCall: ({ peer, message }) => peer.broker("Done", message),
    ourCall: (given) => settle(given, { kind: "done" }),
    gos: { active: [], state: null },
    ours: { answer: "fenced", active: [ID], leased: [ID], state: "active" },
  },
  {
    rule: "15.37: a lease that was lost is noticed when it is renewed",
    asynq: "answers a new expiry, and writes nothing",
    why: "nobody would ever recover the task if its worker died now; ours takes the lease up again",
    ops: ["extendLease"],
    damage: (redis) => redis.zrem(KEYS.lease, ID),
    goCall: ({ peer }) => peer.broker("ExtendLease", QUEUE, ID),
    ourCall: ({ engine, leased }) => engine.broker.extendLeases(QUEUE, [leased]),
    gos: { active: [ID], leased: [] },
    ours: { answer: ["extended"], active: [ID], leased: [ID] },
  },
  {
    rule: "15.10: the archive keeps 10,000",
    asynq: "9,999",
    why: "that is the number which asynq documents; a janitor trims, not whoever archives",
    ops: ["archive"],
    damage: fillArchive(9_999, 60),
    goCall: ({ peer, message }) => peer.broker("Archive", message, "no"),
    ourCall: archive,
    gos: { archived: 9_999, state: "archived" },
    ours: { answer: "settled", archived: 10_000, state: "archived" },
  },
  {
    rule: "15.10: what leaves the archive leaves its hash",
    asynq: "an operator's archiving drops the oldest from the archive, and keeps their hashes",
    why: "memory that no tool shows, and ids that are taken for ever",
    ops: ["archiveTask", "archiveAll"],
    damage: async (redis, at) => {
      await fillArchive(10_000, 60)(redis, at);
      await redis
        .multi()
        .lrem(KEYS.active, 0, ID)
        .zrem(KEYS.lease, ID)
        .lpush(KEYS.pending, ID)
        .hset(TASK, "state", "pending")
        .exec();
    },
    goCall: ({ peer }) => peer.broker("ArchiveTask", QUEUE, ID),
    ourCall: async ({ engine }) => {
      const answers = await engine.inspection.changeTasks(QUEUE, "archive", [ID]);
      await engine.broker.trimArchive(QUEUE, 100);
      return answers;
    },
    gos: { archived: 9_999, orphans: 2 },
    ours: { answer: [{ status: "changed" }], archived: 10_000, orphans: 0 },
  },
  {
    rule: "15.22: thousands of old archived tasks are no hindrance",
    asynq:
      "above about 8,000 the script fails halfway: the task stays active inside the archive, and so does every later one",
    why: "every script does bounded work",
    ops: ["archive"],
    damage: fillArchive(8_500, 91 * 86_400),
    goCall: ({ peer, message }) => peer.broker("Archive", message, "no"),
    ourCall: archive,
    gos: { answer: "INTERNAL_ERROR", state: "active", archived: 8_501 },
    ours: { answer: "settled", state: "archived", archived: 8_501 },
  },
  {
    rule: "8.15: a message that cannot be read keeps no other from being recovered",
    asynq: "fails, and recovers no task of any queue of that server",
    why: "one damaged message would stop all recovery; ours is set aside in the archive as it is",
    ops: ["listLeaseExpired", "recover"],
    damage: (redis, at) => {
      const over = Math.floor(at / 1_000) - 60;
      return redis
        .multi()
        .hset(TASK, "msg", UNDECODABLE)
        .zadd(KEYS.lease, over, ID)
        .hset(`${KEYS.taskPrefix}b`, { msg: OTHER, state: "active" })
        .lpush(KEYS.active, "b")
        .zadd(KEYS.lease, over, "b")
        .exec();
    },
    goCall: ({ peer, at }) => peer.broker("ListLeaseExpired", new Date(at - 30_000).toISOString(), QUEUE),
    ourCall: async ({ engine }) =>
      (await engine.broker.listExpired(QUEUE, 10)).map(({ message }) => message.id),
    gos: { answer: "INTERNAL_ERROR", active: ["b", ID], state: "active" },
    ours: { answer: ["b"], active: ["b"], state: "archived" },
  },
];
