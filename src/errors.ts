/**
 * Every error a caller can act on, each with a stable `code`. `docs/errors.md` lists them with the remedy, and a
 * test keeps that list complete. A bug is not a situation: it surfaces as a plain TypeError or RangeError.
 */

const brand: unique symbol = Symbol.for("titanqueue.error") as never;

/**
 * Base of all errors of this package.
 *
 * `instanceof` also holds between two copies of the package in one process (an ESM and a CommonJS build, say):
 * the copies recognise each other by a shared brand and the class's code.
 */
export abstract class TitanQueueError extends Error {
  /** Stable and upper-case, for programs; its meaning never changes. */
  abstract readonly code: string;
  readonly [brand] = true;

  static override [Symbol.hasInstance](this: ErrorClass, value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: it is the class on the right of `instanceof`
    return isInstance(this, value);
  }
}

interface ErrorClass {
  readonly code?: string;
  readonly prototype: object;
}

/** Handlers may throw anything; a Proxy that does not let itself be looked at is none of ours. */
function isInstance(wanted: ErrorClass, value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  try {
    if (Object.prototype.isPrototypeOf.call(wanted.prototype, value)) return true;
    if (!(brand in value)) return false;
    if (wanted.prototype === TitanQueueError.prototype) return true;
    return Object.hasOwn(wanted, "code") && (value as { code?: unknown }).code === wanted.code;
  } catch {
    return false;
  }
}

// ---- what a caller handed in --------------------------------------------------------------------------------

/** An option, name, length or instant is not acceptable. The message names it, what was wrong, and what is allowed. */
export class InvalidOptionError extends TitanQueueError {
  static readonly code = "INVALID_OPTION";
  override readonly name = "InvalidOptionError";
  readonly code = InvalidOptionError.code;
  /** The option's name as the caller wrote it, for example `"timeout"`. */
  readonly option: string;

  constructor(option: string, problem: string, options?: ErrorOptions) {
    super(`${option}: ${problem}`, options);
    this.option = option;
  }
}

/** The payload holds something JSON cannot carry (BigInt, a cycle, a Map, …). `path` says where. */
export class PayloadNotSerializableError extends TitanQueueError {
  static readonly code = "PAYLOAD_NOT_SERIALIZABLE";
  override readonly name = "PayloadNotSerializableError";
  readonly code = PayloadNotSerializableError.code;
  /** Where in the value, as `payload.user.id`. */
  readonly path: string;

  constructor(path: string, problem: string, options?: ErrorOptions) {
    super(`${path}: ${problem}`, options);
    this.path = path;
  }
}

/** The task is larger than the client allows. Store the data elsewhere and enqueue a reference, or raise `maxPayloadBytes`. */
export class PayloadTooLargeError extends TitanQueueError {
  static readonly code = "PAYLOAD_TOO_LARGE";
  override readonly name = "PayloadTooLargeError";
  readonly code = PayloadTooLargeError.code;
  readonly bytes: number;
  readonly limit: number;

  constructor(bytes: number, limit: number) {
    super(
      `payload is ${bytes} bytes, the limit is ${limit}; enqueue a reference to the data, or raise maxPayloadBytes`,
    );
    this.bytes = bytes;
    this.limit = limit;
  }
}

/** One complaint of a schema. */
export interface ValidationIssue {
  /** Where in the value, as `user.id`; empty for the value itself. */
  readonly path: string;
  readonly message: string;
}

/** The payload does not fit the schema of its task definition. At the server such a task is archived at once. */
export class InvalidPayloadError extends TitanQueueError {
  static readonly code = "INVALID_PAYLOAD";
  override readonly name = "InvalidPayloadError";
  readonly code = InvalidPayloadError.code;
  readonly taskType: string;
  readonly issues: readonly ValidationIssue[];

  constructor(taskType: string, issues: readonly ValidationIssue[], hint?: string, options?: ErrorOptions) {
    const list = issues
      .map((issue) => (issue.path ? `${issue.path}: ${issue.message}` : issue.message))
      .join("; ");
    super(`payload of "${taskType}" is invalid: ${list}${hint ? ` (${hint})` : ""}`, options);
    this.taskType = taskType;
    this.issues = issues;
  }
}

/** The stored payload is not UTF-8 JSON. Read `task.bytes`, or give the definition a `codec`. */
export class PayloadNotJsonError extends TitanQueueError {
  static readonly code = "PAYLOAD_NOT_JSON";
  override readonly name = "PayloadNotJsonError";
  readonly code = PayloadNotJsonError.code;
  readonly taskType: string;

  constructor(taskType: string, options?: ErrorOptions) {
    super(`payload of "${taskType}" is not JSON; read task.bytes, or define the task with a codec`, options);
    this.taskType = taskType;
  }
}

// ---- enqueueing ---------------------------------------------------------------------------------------------

/** An equal task holds the unique lock. Let it finish, or let its lock expire, then enqueue again. */
export class DuplicateTaskError extends TitanQueueError {
  static readonly code = "DUPLICATE_TASK";
  override readonly name = "DuplicateTaskError";
  readonly code = DuplicateTaskError.code;
  readonly queue: string;
  /** Id of the task that holds the lock. */
  readonly taskId: string;

  constructor(queue: string, holder: string) {
    super(`queue "${queue}" already holds an equal task (id "${holder}")`);
    this.queue = queue;
    this.taskId = holder;
  }
}

/** `taskId` is taken in this queue. Ids stay taken while the task is kept (retention, archive); see `replaceFinished`. */
export class TaskIdConflictError extends TitanQueueError {
  static readonly code = "TASK_ID_CONFLICT";
  override readonly name = "TaskIdConflictError";
  readonly code = TaskIdConflictError.code;
  readonly queue: string;
  readonly taskId: string;

  constructor(queue: string, taskId: string) {
    super(`task id "${taskId}" is already taken in queue "${queue}"`);
    this.queue = queue;
    this.taskId = taskId;
  }
}

/**
 * The connection broke after the task was sent: it may or may not be stored. Enqueue again with this `taskId`:
 * `TaskIdConflictError` then means that the first one arrived.
 */
export class AmbiguousEnqueueError extends TitanQueueError {
  static readonly code = "AMBIGUOUS_ENQUEUE";
  override readonly name = "AmbiguousEnqueueError";
  readonly code = AmbiguousEnqueueError.code;
  readonly queue: string;
  readonly taskId: string;

  constructor(queue: string, taskId: string, options?: ErrorOptions) {
    super(
      `task "${taskId}" for queue "${queue}" was sent, but its answer was lost; repeat it with the same taskId`,
      options,
    );
    this.queue = queue;
    this.taskId = taskId;
  }
}

// ---- the engine ---------------------------------------------------------------------------------------------

/** No URL was given and TITANQUEUE_URL is not set. */
export class EngineUrlMissingError extends TitanQueueError {
  static readonly code = "ENGINE_URL_MISSING";
  override readonly name = "EngineUrlMissingError";
  readonly code = EngineUrlMissingError.code;

  constructor() {
    super('no engine: pass a URL such as "redis://127.0.0.1:6379" or "memory:", or set TITANQUEUE_URL');
  }
}

/** The URL cannot be understood, or names a scheme that no engine serves. The text never holds a password. */
export class EngineUrlInvalidError extends TitanQueueError {
  static readonly code = "ENGINE_URL_INVALID";
  override readonly name = "EngineUrlInvalidError";
  readonly code = EngineUrlInvalidError.code;
}

/** The engine cannot be reached, or did not answer in time. Nothing was stored, unless it is `inDoubt`. */
export class EngineUnavailableError extends TitanQueueError {
  static readonly code = "ENGINE_UNAVAILABLE";
  override readonly name = "EngineUnavailableError";
  readonly code = EngineUnavailableError.code;
  /**
   * The call was sent and its answer was lost: all or a part of it may have been done. `false`: surely nothing was.
   * Never for `enqueue`, which answers `AmbiguousEnqueueError` then.
   */
  readonly inDoubt: boolean;

  constructor(message: string, options?: ErrorOptions, inDoubt = false) {
    super(message, options);
    this.inDoubt = inDoubt;
  }
}

/** The engine, or the client or server on it, is closed. */
export class ClosedError extends TitanQueueError {
  static readonly code = "CLOSED";
  override readonly name = "ClosedError";
  readonly code = ClosedError.code;

  constructor(what: string) {
    super(`${what} is closed`);
  }
}

/** This runtime has no TCP sockets or files (an Edge runtime): use Node.js. */
export class EdgeRuntimeError extends TitanQueueError {
  static readonly code = "EDGE_RUNTIME";
  override readonly name = "EdgeRuntimeError";
  readonly code = EdgeRuntimeError.code;
}

/** The value is neither a URL, an engine, nor a client that this engine can duplicate. */
export class UnsupportedClientError extends TitanQueueError {
  static readonly code = "UNSUPPORTED_CLIENT";
  override readonly name = "UnsupportedClientError";
  readonly code = UnsupportedClientError.code;
}

/** Redis is older than 6.2. */
export class RedisVersionError extends TitanQueueError {
  static readonly code = "REDIS_TOO_OLD";
  override readonly name = "RedisVersionError";
  readonly code = RedisVersionError.code;
  readonly version: string;

  constructor(version: string) {
    super(`Redis ${version} is too old: 6.2 or newer (or Valkey) is needed`);
    this.version = version;
  }
}

/** Redis refused the user name or password. */
export class RedisAuthError extends TitanQueueError {
  static readonly code = "REDIS_AUTH";
  override readonly name = "RedisAuthError";
  readonly code = RedisAuthError.code;
}

/** The Redis user lacks a permission; the message names the command or key. */
export class RedisPermissionError extends TitanQueueError {
  static readonly code = "REDIS_NO_PERMISSION";
  override readonly name = "RedisPermissionError";
  readonly code = RedisPermissionError.code;
}

/** Redis refuses writes: a replica, a disk error (MISCONF), too few replicas. Nothing was stored. */
export class RedisReadOnlyError extends TitanQueueError {
  static readonly code = "REDIS_READ_ONLY";
  override readonly name = "RedisReadOnlyError";
  readonly code = RedisReadOnlyError.code;
}

/** Redis is at `maxmemory`. Nothing was stored; tasks that run keep their leases and free memory as they finish. */
export class RedisOutOfMemoryError extends TitanQueueError {
  static readonly code = "REDIS_OUT_OF_MEMORY";
  override readonly name = "RedisOutOfMemoryError";
  readonly code = RedisOutOfMemoryError.code;
}

/**
 * A key holds another type than the protocol says: another program writes to the same keys. The message names the key
 * and both types or, where they could not be found out, the operation and a key of the queue.
 */
export class RedisWrongTypeError extends TitanQueueError {
  static readonly code = "REDIS_WRONG_TYPE";
  override readonly name = "RedisWrongTypeError";
  readonly code = RedisWrongTypeError.code;
  /** The key, where it could be found out. */
  readonly key: string | undefined;

  constructor(message: string, key?: string, options?: ErrorOptions) {
    super(message, options);
    this.key = key;
  }
}

/** Redis answered a command with an error that has no class of its own. */
export class RedisCommandError extends TitanQueueError {
  static readonly code = "REDIS_COMMAND";
  override readonly name = "RedisCommandError";
  readonly code = RedisCommandError.code;
}

/** This Node has no SQLite, and the package that brings it is not installed. The message is the command to run. */
export class SqliteDriverMissingError extends TitanQueueError {
  static readonly code = "SQLITE_DRIVER_MISSING";
  override readonly name = "SqliteDriverMissingError";
  readonly code = SqliteDriverMissingError.code;

  constructor(options?: ErrorOptions) {
    super(
      "Node before 22.13 has no SQLite of its own; run: npm install @photostructure/sqlite@1 (or use a newer Node)",
      options,
    );
  }
}

/** A problem with a SQLite file, which `file` names. */
abstract class SqliteFileProblem extends TitanQueueError {
  /** Its full path. */
  readonly file: string;

  constructor(file: string, problem: string, options?: ErrorOptions) {
    super(`${file}: ${problem}`, options);
    this.file = file;
  }
}

/** The directory that the file is to lie in does not exist. It is not made: the path may be a mistake. */
export class SqliteDirectoryMissingError extends SqliteFileProblem {
  static readonly code = "SQLITE_DIRECTORY_MISSING";
  override readonly name = "SqliteDirectoryMissingError";
  readonly code = SqliteDirectoryMissingError.code;
}

/** The file, or the directory that it lies in, cannot be written. Nothing was stored. */
export class SqliteReadOnlyError extends SqliteFileProblem {
  static readonly code = "SQLITE_READ_ONLY";
  override readonly name = "SqliteReadOnlyError";
  readonly code = SqliteReadOnlyError.code;
}

/** The disk is full. Nothing was stored; everything goes on as soon as there is space. */
export class SqliteFullError extends SqliteFileProblem {
  static readonly code = "SQLITE_FULL";
  override readonly name = "SqliteFullError";
  readonly code = SqliteFullError.code;
}

/** The file is something else: no SQLite database, or one of another program. It was left as it is. */
export class SqliteForeignFileError extends SqliteFileProblem {
  static readonly code = "SQLITE_FOREIGN_FILE";
  override readonly name = "SqliteForeignFileError";
  readonly code = SqliteForeignFileError.code;
}

/** The file is damaged. */
export class SqliteCorruptError extends SqliteFileProblem {
  static readonly code = "SQLITE_CORRUPT";
  override readonly name = "SqliteCorruptError";
  readonly code = SqliteCorruptError.code;
}

/** A newer version of this package has written the file. It was left as it is. */
export class SqliteSchemaNewerError extends SqliteFileProblem {
  static readonly code = "SQLITE_SCHEMA_NEWER";
  override readonly name = "SqliteSchemaNewerError";
  readonly code = SqliteSchemaNewerError.code;
  readonly version: number;

  constructor(file: string, version: number, known: number) {
    super(file, `its schema has version ${version}, this titanqueue knows ${known}; use a newer titanqueue`);
    this.version = version;
  }
}

/** The file was deleted or moved while the engine used it. Nothing was stored where anybody could find it. */
export class SqliteFileGoneError extends SqliteFileProblem {
  static readonly code = "SQLITE_FILE_GONE";
  override readonly name = "SqliteFileGoneError";
  readonly code = SqliteFileGoneError.code;
}

/** SQLite answered with an error that has no class of its own. */
export class SqliteError extends SqliteFileProblem {
  static readonly code = "SQLITE_ERROR";
  override readonly name = "SqliteError";
  readonly code = SqliteError.code;
  /** It came at such a moment that what was to be stored may be stored all the same. */
  readonly inDoubt: boolean;

  constructor(file: string, problem: string, options?: ErrorOptions, inDoubt = false) {
    super(file, problem, options);
    this.inDoubt = inDoubt;
  }
}

/** A stored message is not what the protocol says. The task is quarantined: archived with its bytes untouched. */
export class DecodeError extends TitanQueueError {
  static readonly code = "MESSAGE_UNDECODABLE";
  override readonly name = "DecodeError";
  readonly code = DecodeError.code;
}

// ---- inspecting ---------------------------------------------------------------------------------------------

/** No such queue: nothing was ever enqueued to it, or it was removed. */
export class QueueNotFoundError extends TitanQueueError {
  static readonly code = "QUEUE_NOT_FOUND";
  override readonly name = "QueueNotFoundError";
  readonly code = QueueNotFoundError.code;
  readonly queue: string;

  constructor(queue: string) {
    super(`queue "${queue}" does not exist`);
    this.queue = queue;
  }
}

/** No such task in the queue: it succeeded and was not kept, was deleted, or never existed. */
export class TaskNotFoundError extends TitanQueueError {
  static readonly code = "TASK_NOT_FOUND";
  override readonly name = "TaskNotFoundError";
  readonly code = TaskNotFoundError.code;
  readonly queue: string;
  readonly taskId: string;

  constructor(queue: string, taskId: string) {
    super(`queue "${queue}" holds no task "${taskId}"`);
    this.queue = queue;
    this.taskId = taskId;
  }
}

// ---- scheduling ---------------------------------------------------------------------------------------------

/** The spec of a periodic task cannot be understood. The message says where, and what may have been meant. */
export class CronSpecInvalidError extends TitanQueueError {
  static readonly code = "CRON_SPEC_INVALID";
  override readonly name = "CronSpecInvalidError";
  readonly code = CronSpecInvalidError.code;
  /** Its beginning, if it is long. */
  readonly spec: string;
  /** Where in the spec, from 0. */
  readonly position: number;
  /** What may have been meant, if anything is known. */
  readonly hint: string | undefined;

  constructor(spec: string, position: number, problem: string, hint?: string) {
    const shown = JSON.stringify(spec.length > 64 ? `${spec.slice(0, 64)}…` : spec);
    super(`cron spec ${shown}, at ${position}: ${problem}${hint ? `; ${hint}` : ""}`);
    this.spec = spec;
    this.position = position;
    this.hint = hint;
  }
}

/** The task runs now, or is being aggregated: it cannot be changed. Cancel it, or wait for its end. */
export class TaskActiveError extends TitanQueueError {
  static readonly code = "TASK_ACTIVE";
  override readonly name = "TaskActiveError";
  readonly code = TaskActiveError.code;
  readonly queue: string;
  readonly taskId: string;

  constructor(queue: string, taskId: string) {
    super(`task "${taskId}" of queue "${queue}" is running: cancel it, or wait for its end`);
    this.queue = queue;
    this.taskId = taskId;
  }
}

/** The task's state does not admit what was asked for: it is so already, say, or cannot be read. */
export class TaskStateError extends TitanQueueError {
  static readonly code = "TASK_STATE";
  override readonly name = "TaskStateError";
  readonly code = TaskStateError.code;
  readonly queue: string;
  readonly taskId: string;

  constructor(queue: string, taskId: string, problem: string) {
    super(`task "${taskId}" of queue "${queue}" ${problem}`);
    this.queue = queue;
    this.taskId = taskId;
  }
}

/** The queue still holds tasks, so it is not deleted. `force` deletes them with it. */
export class QueueNotEmptyError extends TitanQueueError {
  static readonly code = "QUEUE_NOT_EMPTY";
  override readonly name = "QueueNotEmptyError";
  readonly code = QueueNotEmptyError.code;
  readonly queue: string;

  constructor(queue: string) {
    super(`queue "${queue}" still holds tasks; force deletes them with it`);
    this.queue = queue;
  }
}

/** Tasks of the queue are running, so it is not deleted. Pause it, and wait for their end or cancel them. */
export class QueueActiveError extends TitanQueueError {
  static readonly code = "QUEUE_ACTIVE";
  override readonly name = "QueueActiveError";
  readonly code = QueueActiveError.code;
  readonly queue: string;

  constructor(queue: string) {
    super(`tasks of queue "${queue}" are running: pause it, and wait for their end or cancel them`);
    this.queue = queue;
  }
}

/** A filter cannot be understood. The message says where and what was meant to stand there. */
export class FilterInvalidError extends TitanQueueError {
  static readonly code = "FILTER_INVALID";
  override readonly name = "FilterInvalidError";
  readonly code = FilterInvalidError.code;
  /** Of the first character that is wrong, from 0. */
  readonly position: number;
  /** What to write instead. */
  readonly hint: string;

  constructor(position: number, problem: string, hint: string) {
    super(`filter, at character ${position + 1}: ${problem}; ${hint}`);
    this.position = position;
    this.hint = hint;
  }
}

/** An equal entry is there already, or another one of that id. Give one of them an `id` of its own. */
export class SchedulerEntryExistsError extends TitanQueueError {
  static readonly code = "SCHEDULER_ENTRY_EXISTS";
  override readonly name = "SchedulerEntryExistsError";
  readonly code = SchedulerEntryExistsError.code;
  readonly entryId: string;

  constructor(entryId: string, problem: string) {
    super(`scheduler entry "${entryId}": ${problem}`);
    this.entryId = entryId;
  }
}

/** This scheduler has no such entry, and none is stored. */
export class SchedulerEntryNotFoundError extends TitanQueueError {
  static readonly code = "SCHEDULER_ENTRY_NOT_FOUND";
  override readonly name = "SchedulerEntryNotFoundError";
  readonly code = SchedulerEntryNotFoundError.code;
  readonly entryId: string;

  constructor(entryId: string) {
    super(`there is no scheduler entry "${entryId}"`);
    this.entryId = entryId;
  }
}

/** The scheduler was started before, or has been shut down. A scheduler is used once; make a new one. */
export class SchedulerStateError extends TitanQueueError {
  static readonly code = "SCHEDULER_STATE";
  override readonly name = "SchedulerStateError";
  readonly code = SchedulerStateError.code;
}

/** The monitor would be reachable from other machines, and nobody would have to log in. Give it `auth`, or leave out `host`. */
export class MonitorExposedError extends TitanQueueError {
  static readonly code = "MONITOR_EXPOSED";
  override readonly name = "MonitorExposedError";
  readonly code = MonitorExposedError.code;
  readonly host: string;

  constructor(host: string) {
    super(
      `the monitor does not listen on ${host} while nobody has to log in: give it auth, or leave out the host`,
    );
    this.host = host;
  }
}

// ---- serving ------------------------------------------------------------------------------------------------

/** The server was started twice, or used after its shutdown. */
export class ServerStateError extends TitanQueueError {
  static readonly code = "SERVER_STATE";
  override readonly name = "ServerStateError";
  readonly code = ServerStateError.code;
}

/** With `strictQueues`: a handled task definition goes to a queue that this server does not serve. */
export class QueueNotServedError extends TitanQueueError {
  static readonly code = "QUEUE_NOT_SERVED";
  override readonly name = "QueueNotServedError";
  readonly code = QueueNotServedError.code;
  readonly queue: string;
  readonly taskType: string;

  constructor(queue: string, taskType: string) {
    super(
      `"${taskType}" goes to queue "${queue}", which this server does not serve: add "${queue}" to queues`,
    );
    this.queue = queue;
    this.taskType = taskType;
  }
}

/** A mux pattern is blank or registered twice, or the handler is missing. */
export class InvalidPatternError extends TitanQueueError {
  static readonly code = "INVALID_PATTERN";
  override readonly name = "InvalidPatternError";
  readonly code = InvalidPatternError.code;
}

/** No handler matches the task's type. The task is retried, so a later deploy can serve it. */
export class HandlerNotFoundError extends TitanQueueError {
  static readonly code = "HANDLER_NOT_FOUND";
  override readonly name = "HandlerNotFoundError";
  readonly code = HandlerNotFoundError.code;
  readonly taskType: string;

  constructor(taskType: string) {
    super(`handler not found for task "${taskType}"`);
    this.taskType = taskType;
  }
}

/** No aggregator of this server takes tasks of that type out of that group. The task is archived. */
export class AggregatorNotFoundError extends TitanQueueError {
  static readonly code = "AGGREGATOR_NOT_FOUND";
  override readonly name = "AggregatorNotFoundError";
  readonly code = AggregatorNotFoundError.code;
  readonly group: string;
  readonly taskType: string;

  constructor(group: string, taskType: string) {
    super(`no aggregator takes tasks of type "${taskType}" in group "${group}"`);
    this.group = group;
    this.taskType = taskType;
  }
}

/** An aggregator took longer than its set can wait. Its signal has aborted; the tasks return to their group. */
export class AggregatorTimeoutError extends TitanQueueError {
  static readonly code = "AGGREGATOR_TIMEOUT";
  override readonly name = "AggregatorTimeoutError";
  readonly code = AggregatorTimeoutError.code;
  readonly group: string;

  constructor(group: string) {
    super(`the aggregator of group "${group}" took too long`);
    this.group = group;
  }
}

/** `ctx.signal.reason` when the task's timeout or deadline has passed. */
export class TaskTimeoutError extends TitanQueueError {
  static readonly code = "TASK_TIMEOUT";
  override readonly name = "TaskTimeoutError";
  readonly code = TaskTimeoutError.code;

  constructor(message = "context deadline exceeded") {
    super(message);
  }
}

/** `ctx.signal.reason` when someone canceled the task. */
export class TaskCanceledError extends TitanQueueError {
  static readonly code = "TASK_CANCELED";
  override readonly name = "TaskCanceledError";
  readonly code = TaskCanceledError.code;

  constructor(message = "context canceled") {
    super(message);
  }
}

/** `ctx.signal.reason` when the task's lease is gone: another server may run it. Nothing this handler does is recorded. */
export class LeaseLostError extends TitanQueueError {
  static readonly code = "LEASE_LOST";
  override readonly name = "LeaseLostError";
  readonly code = LeaseLostError.code;

  constructor(message = "asynq: task lease expired") {
    super(message);
  }
}

/** `ctx.signal.reason` when the shutdown no longer waits. The task goes back to the head of its queue. */
export class ShuttingDownError extends TitanQueueError {
  static readonly code = "SHUTTING_DOWN";
  override readonly name = "ShuttingDownError";
  readonly code = ShuttingDownError.code;

  constructor(message = "the server is shutting down") {
    super(message);
  }
}

// ---- thrown by handlers -------------------------------------------------------------------------------------

/** Throw it from a handler: archive the task now, whatever retries are left. */
export class SkipRetry extends TitanQueueError {
  static readonly code = "SKIP_RETRY";
  override readonly name: string = "SkipRetry";
  readonly code = SkipRetry.code;

  constructor(message = "skip retry for the task", options?: ErrorOptions) {
    super(message, options);
  }
}

/** Throw it from a handler: drop the task as if it had succeeded; it is not kept, whatever its retention. */
export class RevokeTask extends TitanQueueError {
  static readonly code = "REVOKE_TASK";
  override readonly name: string = "RevokeTask";
  readonly code = RevokeTask.code;

  constructor(message = "revoke task", options?: ErrorOptions) {
    super(message, options);
  }
}
