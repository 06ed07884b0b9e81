import type { Broker, CallOptions } from "../../broker/broker.ts";
import type { EnqueueAnswer, EnqueueEntry } from "../../broker/enqueue-entry.ts";
import { AmbiguousEnqueueError, RedisWrongTypeError } from "../../errors.ts";
import { encodeTaskMessage } from "../../protocol/codec.ts";
import { ALL_QUEUES, groupKey, type QueueKeys, queueKeys } from "../../protocol/keys.ts";
import { ceilSeconds, floorSeconds, pendingSinceNs } from "../../protocol/units.ts";
import { type ClockWindow, withinClock } from "./clock-guard.ts";
import { type RedisArg, type RedisCallOptions, type RedisReply, UnansweredError } from "./redis-commands.ts";
import type { RedisContext } from "./redis-context.ts";
import { replyError } from "./redis-errors.ts";
import { enqueue, enqueuePending } from "./scripts.gen.ts";
import { wrongTypeError } from "./wrong-type.ts";

/** A script call stops at this many tasks or bytes of messages: beyond it, others on the server wait for nothing won. */
const MOST_TASKS = 200;
const MOST_BYTES = 256 * 1_024;
/** Calls of one queue that are under way at once. */
const WINDOW = 4;
/** Finer than whole seconds counts only for what is due soon, `docs/protocol.md` 18.2. */
const EXACT_WITHIN = 60_000;

type Context = Pick<RedisContext, "commands" | "clock" | "runtime" | "logger" | "commandTimeout" | "cluster">;

/** Tasks of one queue that travel together. */
interface Batch {
  readonly queue: string;
  readonly entries: EnqueueEntry[];
  readonly messages: Uint8Array[];
  /** Of each entry, its position in the caller's list. */
  readonly positions: number[];
  /** All are to run now, without lock, group or ado, and no id comes twice. */
  plain: boolean;
}

export function redisEnqueue(context: Context): Broker["enqueue"] {
  return async (entries, options) => {
    const answers = new Array<EnqueueAnswer>(entries.length);
    const byQueue = new Map<string, number[]>();
    for (const [position, { message }] of entries.entries()) {
      const positions = byQueue.get(message.queue);
      if (positions === undefined) byQueue.set(message.queue, [position]);
      else positions.push(position);
    }
    const work = context.cluster ? [register(context, [...byQueue.keys()], options)] : [];
    for (const [queue, positions] of byQueue) {
      const batches = cut(queue, entries, positions, context.clock.now());
      for (let lane = 0; lane < Math.min(WINDOW, positions.length); lane += 1) {
        work.push(drain(context, batches, answers, options));
      }
    }
    await Promise.all(work);
    return answers;
  };
}

/**
 * In a Cluster the registry of queues lives on a node of its own. Every call registers, so that a removed queue comes
 * back; should it fail, the next one mends it.
 */
export async function register(context: Context, queues: string[], options: CallOptions = {}): Promise<void> {
  try {
    await context.commands.command(ALL_QUEUES, "SADD", [ALL_QUEUES, ...queues], options);
  } catch (error) {
    context.logger.warn({ queues, error }, "the queue could not be registered; tools may not show it yet");
  }
}

/** Encodes only what is about to travel. Several lanes take from one such list, in order. */
function* cut(
  queue: string,
  entries: readonly EnqueueEntry[],
  positions: readonly number[],
  now: number,
): Generator<Batch, void, undefined> {
  let batch: Batch = { queue, entries: [], messages: [], positions: [], plain: true };
  let bytes = 0;
  let ids = new Set<string>();
  for (const position of positions) {
    const entry = entries[position];
    if (entry === undefined) continue;
    const message = encodeTaskMessage(entry.message);
    if (batch.entries.length === MOST_TASKS || (bytes > 0 && bytes + message.length > MOST_BYTES)) {
      yield batch;
      batch = { queue, entries: [], messages: [], positions: [], plain: true };
      bytes = 0;
      ids = new Set();
    }
    batch.entries.push(entry);
    batch.messages.push(message);
    batch.positions.push(position);
    batch.plain &&= isPlain(entry, now) && !ids.has(entry.message.id);
    bytes += message.length;
    ids.add(entry.message.id);
  }
  yield batch;
}

function isPlain({ message, processAt, uniqueTtl, replaceFinished }: EnqueueEntry, now: number): boolean {
  return (
    message.groupKey === "" &&
    uniqueTtl === undefined &&
    replaceFinished !== true &&
    (processAt === undefined || processAt <= now)
  );
}

async function drain(
  context: Context,
  batches: Iterable<Batch>,
  answers: EnqueueAnswer[],
  options: CallOptions | undefined,
): Promise<void> {
  for (const batch of batches) {
    const send = batch.plain ? sendPending : sendMixed;
    const given = await send(context, batch, options).catch((error: unknown) => failures(batch, error));
    for (const [i, answer] of given.entries()) answers[batch.positions[i] ?? -1] = answer;
  }
}

/** What was sent and not answered may be stored; all else is surely not. */
function failures({ queue, entries }: Batch, error: unknown): EnqueueAnswer[] {
  const cause = error instanceof Error ? error : new Error(String(error));
  return entries.map(({ message }) => ({
    status: "failed",
    error: cause instanceof UnansweredError ? new AmbiguousEnqueueError(queue, message.id, { cause }) : cause,
  }));
}

const PENDING: EnqueueAnswer = { status: "enqueued", state: "pending" };
const SCHEDULED: EnqueueAnswer = { status: "enqueued", state: "scheduled" };
const AGGREGATING: EnqueueAnswer = { status: "enqueued", state: "aggregating" };
const CONFLICT: EnqueueAnswer = { status: "conflict" };

async function sendPending(
  context: Context,
  { queue, entries, messages }: Batch,
  options: CallOptions | undefined,
): Promise<EnqueueAnswer[]> {
  const { pending, active, lease, taskPrefix } = queueKeys(queue);
  const keys = { pending, active, lease, tasks: entries.map(({ message }) => taskPrefix + message.id) };
  const run = ({ now, deadline }: ClockWindow, call: RedisCallOptions) => {
    const args = {
      queue,
      registry: context.cluster ? "" : ALL_QUEUES,
      now,
      deadline,
      pendingSince: pendingSinceNs(now),
      prefixLength: Buffer.byteLength(taskPrefix),
      messages,
    };
    return enqueuePending.run(context.commands, keys, args, call);
  };
  const answers = entries.map(() => PENDING);
  for (const position of (await withinClock(context, run, options)) as number[]) {
    answers[position - 1] = CONFLICT;
  }
  return answers;
}

async function sendMixed(
  context: Context,
  { queue, entries, messages }: Batch,
  options: CallOptions | undefined,
): Promise<EnqueueAnswer[]> {
  const names = queueKeys(queue);
  const { taskPrefix, uniquePrefix } = names;
  let stored: EnqueueAnswer[] = [];
  let keys: string[] = [];
  const run = ({ now, deadline }: ClockWindow, call: RedisCallOptions) => {
    keys = [];
    const args: RedisArg[] = [];
    stored = entries.map((entry, i) => {
      args.push("", messages[i] ?? "");
      return pushEntry(entry, now, names, keys, args);
    });
    return enqueue.run(
      context.commands,
      { ...names, entries: keys },
      {
        queue,
        registry: context.cluster ? "" : ALL_QUEUES,
        now,
        deadline,
        pendingSince: pendingSinceNs(now),
        nowSeconds: floorSeconds(now),
        prefixLength: Buffer.byteLength(taskPrefix),
        uniquePrefix,
        entries: args,
      },
      call,
    );
  };
  const replies = (await withinClock(context, run, options)) as RedisReply[];
  const answers = replies.map((reply, i) => answerOf(reply, stored[i] ?? PENDING));
  return nameWrongType(context, answers, [...Object.values(names), ...keys], options);
}

/** Redis does not say which key is of another type. */
async function nameWrongType(
  { commands }: Context,
  answers: EnqueueAnswer[],
  keys: readonly string[],
  options: CallOptions | undefined,
): Promise<EnqueueAnswer[]> {
  const unnamed = (answer: EnqueueAnswer) =>
    answer.status === "failed" && answer.error instanceof RedisWrongTypeError;
  const first = answers.find(unnamed);
  if (first?.status !== "failed") return answers;
  const call = { what: "enqueue", keys, text: first.error.message };
  const error = await wrongTypeError(commands, call, options ?? {});
  return answers.map((answer) => (unnamed(answer) ? { status: "failed", error } : answer));
}

/** Appends what the script reads of one entry, and says where the task goes if it is stored. */
export function pushEntry(
  entry: EnqueueEntry,
  now: number,
  names: QueueKeys,
  keys: string[],
  args: RedisArg[],
): EnqueueAnswer {
  const { message, uniqueTtl, replaceFinished } = entry;
  const flagsAt = args.length - 2;
  let flags = replaceFinished === true ? "r" : "";
  keys.push(names.taskPrefix + message.id);
  if (uniqueTtl !== undefined) {
    flags += "u";
    keys.push(message.uniqueKey);
    args.push(Math.max(1, Math.floor(uniqueTtl)));
  }
  const at = entry.processAt === undefined ? 0 : Math.ceil(entry.processAt);
  const scheduled = at > now;
  if (scheduled) {
    flags += "s";
    args.push(ceilSeconds(at));
    if (at % 1_000 !== 0 && at - now <= EXACT_WITHIN) {
      flags += "a";
      args.push(at);
    }
  }
  const grouped = message.groupKey !== "";
  if (grouped) {
    flags += "g";
    args.push(message.groupKey);
    if (!scheduled) keys.push(groupKey(message.queue, message.groupKey));
  }
  args[flagsAt] = flags;
  return scheduled ? SCHEDULED : grouped ? AGGREGATING : PENDING;
}

export function answerOf(reply: RedisReply, stored: EnqueueAnswer): EnqueueAnswer {
  if (reply === 1) return stored;
  if (reply instanceof Error) return { status: "failed", error: replyError(reply) };
  return Buffer.isBuffer(reply) ? { status: "duplicate", holder: reply.toString() } : CONFLICT;
}
