import type { EnqueueEntry } from "../broker/enqueue-entry.ts";
import { InvalidOptionError, PayloadTooLargeError } from "../errors.ts";
import type { TaskMessage } from "../protocol/task-message.ts";
import { uniqueKey } from "../protocol/unique-key.ts";
import { ceilSeconds, floorSeconds } from "../protocol/units.ts";
import { Task, taskBrand } from "../task.ts";
import {
  type CheckedTaskOptions,
  type CheckedUnique,
  checkTaskOptions,
  LAST_INSTANT,
  requireNonBlank,
  requireTaskType,
} from "../task-options.ts";

/** What a message needs beside its task. */
export interface Composer {
  /** Milliseconds of the engine's clock. */
  now(): number;
  uuid(): string;
  readonly maxPayloadBytes: number;
}

/** A task that is ready to be stored. */
export interface Composed {
  readonly entry: EnqueueEntry;
  readonly ifDuplicate: "throw" | "return";
  /** When it is to be processed, as the caller will see it. */
  readonly processAt: number;
}

const DEFAULT_QUEUE = "default";
const DEFAULT_MAX_RETRY = 25;
const DEFAULT_TIMEOUT = 30 * 60_000;
const NO_HEADERS: ReadonlyMap<string, string> = new Map();

/**
 * From a call to what is stored, `docs/protocol.md` 7: checks everything, fills in the defaults, chooses id and
 * unique key. A promise only where the task's schema validates asynchronously.
 *
 * @throws the errors that `Client.enqueue` lists, but for those of the engine.
 */
export function compose(
  task: unknown,
  callOptions: unknown,
  composer: Composer,
): Composed | Promise<Composed> {
  const known = requireTask(task);
  const own = checkTaskOptions(known.options);
  const call = checkTaskOptions(callOptions);
  const payload = known.bytes;
  const headers = mergeHeaders(known, own, call);
  requireSize(payload, headers, composer.maxPayloadBytes);

  const validation = known[taskBrand]?.check(known.payload as never, payload);
  if (validation === undefined) return build(known, payload, headers, own, call, composer);
  return validation.then(() => build(known, payload, headers, own, call, composer));
}

function requireTask(task: unknown): Task {
  if (!(task instanceof Task)) {
    const problem =
      typeof task === "function" ? "got a function; call the definition to build a task" : "expected a Task";
    throw new InvalidOptionError("task", problem);
  }
  requireTaskType(task.type);
  return task;
}

/** Headers of the call win over those of the task. A task that a handler received brings its own along. */
function mergeHeaders(
  task: Task,
  own: CheckedTaskOptions,
  call: CheckedTaskOptions,
): ReadonlyMap<string, string> {
  const inherited = own.headers ?? Object.entries(task.headers);
  if (call.headers === undefined) return inherited.length === 0 ? NO_HEADERS : new Map(inherited);
  return new Map([...inherited, ...call.headers]);
}

function requireSize(
  payload: Uint8Array | undefined,
  headers: ReadonlyMap<string, string>,
  limit: number,
): void {
  let bytes = payload?.length ?? 0;
  for (const [name, text] of headers) bytes += Buffer.byteLength(name) + Buffer.byteLength(text);
  if (bytes > limit) throw new PayloadTooLargeError(bytes, limit);
}

function build(
  task: Task,
  payload: Uint8Array | undefined,
  headers: ReadonlyMap<string, string>,
  own: CheckedTaskOptions,
  call: CheckedTaskOptions,
  composer: Composer,
): Composed {
  const now = composer.now();
  const processAt = processAtOf(own, call, now);
  const queue = call.queue ?? own.queue ?? DEFAULT_QUEUE;
  const unique = call.unique ?? own.unique;
  const taskId = call.taskId ?? own.taskId;
  const replaceFinished = call.replaceFinished ?? own.replaceFinished ?? false;
  if (replaceFinished && taskId === undefined)
    throw new InvalidOptionError("replaceFinished", "needs a taskId");

  const message: TaskMessage = {
    type: task.type,
    payload,
    id: taskId ?? composer.uuid(),
    queue,
    retry: call.maxRetry ?? own.maxRetry ?? DEFAULT_MAX_RETRY,
    retried: 0,
    errorMsg: "",
    ...limitsOf(call.timeout ?? own.timeout, call.deadline ?? own.deadline),
    uniqueKey: unique === undefined ? "" : uniqueKey(queue, task.type, uniqueBytes(unique, task, payload)),
    lastFailedAt: 0,
    retention: ceilSeconds(call.retention ?? own.retention ?? 0),
    completedAt: 0,
    groupKey: call.group ?? own.group ?? "",
    headers,
  };
  const entry: { -readonly [K in keyof EnqueueEntry]: EnqueueEntry[K] } = { message };
  if (processAt > now) entry.processAt = processAt;
  // The lock outlives the wait: it is held for its time from when the task is to be processed.
  if (unique !== undefined) entry.uniqueTtl = processAt - now + unique.ttl;
  if (replaceFinished) entry.replaceFinished = true;
  return { entry, ifDuplicate: call.ifDuplicate ?? own.ifDuplicate ?? "throw", processAt };
}

/** `now` for whatever may run at once. The call's `processAt` or `processIn` replaces either of the definition. */
function processAtOf(own: CheckedTaskOptions, call: CheckedTaskOptions, now: number): number {
  const { processAt, processIn } = call.processAt === undefined && call.processIn === undefined ? own : call;
  if (processAt !== undefined) return Math.max(now, processAt);
  return processIn === undefined ? now : now + processIn;
}

/**
 * Whole seconds, as the wire has them. Both zero would mean 30 minutes to a Go server, so no limit at all is written
 * as a deadline that nobody lives to see.
 */
function limitsOf(
  timeout: number | "none" | undefined,
  deadline: number | undefined,
): Pick<TaskMessage, "timeout" | "deadline"> {
  const last = deadline === undefined ? 0 : floorSeconds(deadline);
  if (timeout === "none") return { timeout: 0, deadline: last || floorSeconds(LAST_INSTANT) };
  if (timeout !== undefined) return { timeout: ceilSeconds(timeout), deadline: last };
  return { timeout: last === 0 ? ceilSeconds(DEFAULT_TIMEOUT) : 0, deadline: last };
}

/** A key takes the payload's place in the name of the lock; a blank one would make all tasks equal. */
function uniqueBytes(
  { key }: CheckedUnique,
  task: Task,
  payload: Uint8Array | undefined,
): Uint8Array | undefined {
  if (key === undefined) return payload;
  return Buffer.from(typeof key === "string" ? key : requireNonBlank("unique.key", key(task.payload)));
}
