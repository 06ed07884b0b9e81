import type { TaskRecord, TaskState } from "./broker/inspection.ts";
import { decodePayload } from "./payload.ts";
import type { AttemptRecord } from "./protocol/attempt-log.ts";
import type { Int64, TaskMessage } from "./protocol/task-message.ts";
import { type Headers, headersOf } from "./task.ts";
import { LAST_INSTANT } from "./task-options.ts";

/** A failed attempt at a task. */
export interface TaskAttempt {
  /** When it ended. */
  readonly at: Date;
  readonly outcome: "retry" | "archive";
  /** As in the event `taskSettled` of a server. A later version may have more causes. */
  readonly cause: string;
  /** How long its handler ran, milliseconds; `undefined`: not known, since its lease ran out. */
  readonly duration: number | undefined;
  /** `host:pid` of the server that ran it; `undefined`: not known. */
  readonly server: string | undefined;
  /** What it threw, of which 512 bytes are kept. */
  readonly error: string;
}

/**
 * A task as it was stored at one moment. It does not change with the task: ask the Inspector again.
 *
 * @typeParam R - what the task's handler returns
 */
export interface TaskInfo<R = unknown> {
  readonly queue: string;
  readonly id: string;
  readonly type: string;
  readonly state: TaskState;
  /** Not the task of this enqueue, but the equal one that holds the lock (`ifDuplicate: "return"`). */
  readonly duplicate: boolean;
  /** The stored message is missing or unreadable: only `queue`, `id`, `state` and `bytes` mean anything. */
  readonly damaged: boolean;
  /** The payload as stored. Of a damaged task, the whole message. */
  readonly bytes: Uint8Array | undefined;
  /**
   * The payload, read as JSON when asked for.
   * @throws {@link PayloadNotJsonError} it is not JSON: read `bytes`.
   */
  readonly payload: unknown;
  /** An object without prototype. */
  readonly headers: Headers;
  readonly maxRetry: number;
  /** Retries so far. */
  readonly retried: number;
  /** What the last failed attempt threw. */
  readonly lastError: string | undefined;
  readonly lastFailedAt: Date | undefined;
  /**
   * The last ten failed attempts that TitanQueue's servers ran, oldest first; `undefined`: none is on record. Known only to
   * `getTaskInfo`.
   */
  readonly attempts: readonly TaskAttempt[] | undefined;
  /** Milliseconds; `undefined` = no limit. */
  readonly timeout: number | undefined;
  readonly deadline: Date | undefined;
  readonly group: string | undefined;
  /** When it will run: now if it is pending; `undefined` once it runs or has ended, and while it waits in a group. */
  readonly nextProcessAt: Date | undefined;
  /** Scheduled for no instant: it waits until a limit of the servers has room for it. */
  readonly parked: boolean;
  /** Active, but its lease has run out: its server is gone. Known only in lists of active tasks. */
  readonly orphaned: boolean;
  /** Milliseconds to keep the task after success; 0 = not at all. */
  readonly retention: number;
  readonly completedAt: Date | undefined;
  /** The result as stored. */
  readonly resultBytes: Uint8Array | undefined;
  /**
   * What the handler returned or wrote, read as JSON when asked for; `undefined` when there is none.
   * @throws {@link PayloadNotJsonError} it is not JSON: read `resultBytes`.
   */
  readonly result: R | undefined;
  /** With `payload` and `result` in place of their bytes, where they are JSON. */
  toJSON(): object;
}

export function taskInfo<R>(record: TaskRecord, duplicate = false): TaskInfo<R> {
  return new RecordedTask<R>(record, duplicate);
}

class RecordedTask<R> implements TaskInfo<R> {
  readonly queue: string;
  readonly id: string;
  readonly type: string;
  readonly state: TaskState;
  readonly duplicate: boolean;
  readonly damaged: boolean;
  readonly headers: Headers;
  readonly maxRetry: number;
  readonly retried: number;
  readonly lastError: string | undefined;
  readonly lastFailedAt: Date | undefined;
  readonly attempts: readonly TaskAttempt[] | undefined;
  readonly timeout: number | undefined;
  readonly deadline: Date | undefined;
  readonly group: string | undefined;
  readonly nextProcessAt: Date | undefined;
  readonly parked: boolean;
  readonly orphaned: boolean;
  readonly retention: number;
  readonly completedAt: Date | undefined;
  readonly #record: TaskRecord;

  constructor(record: TaskRecord, duplicate: boolean) {
    const message = record.message ?? NO_MESSAGE;
    this.queue = record.queue;
    this.id = record.id;
    this.type = message.type;
    this.state = record.state;
    this.duplicate = duplicate;
    this.damaged = record.message === undefined;
    this.headers = headersOf(message);
    this.maxRetry = message.retry;
    this.retried = message.retried;
    this.lastError = message.errorMsg || undefined;
    this.lastFailedAt = instant(message.lastFailedAt);
    this.attempts = record.attempts?.map(taskAttempt);
    this.timeout = milliseconds(message.timeout) || undefined;
    this.deadline = instant(message.deadline);
    this.group = message.groupKey || undefined;
    this.nextProcessAt = record.nextProcessAt === undefined ? undefined : new Date(record.nextProcessAt);
    this.parked = record.parked ?? false;
    this.orphaned = record.orphaned ?? false;
    this.retention = milliseconds(message.retention);
    this.completedAt = instant(message.completedAt);
    this.#record = record;
  }

  get bytes(): Uint8Array | undefined {
    return this.#record.message ? this.#record.message.payload : this.#record.undecodable;
  }

  get payload(): unknown {
    return decodePayload(this.#record.message?.payload, this.type);
  }

  get resultBytes(): Uint8Array | undefined {
    return this.#record.result;
  }

  get result(): R | undefined {
    return decodePayload(this.#record.result, this.type) as R | undefined;
  }

  toJSON(): object {
    return { ...this, payload: readable(() => this.payload), result: readable(() => this.result) };
  }
}

function taskAttempt({ at, ...record }: AttemptRecord): TaskAttempt {
  return { at: new Date(at), ...record };
}

const NO_MESSAGE: TaskMessage = {
  type: "",
  payload: undefined,
  id: "",
  queue: "",
  retry: 0,
  retried: 0,
  errorMsg: "",
  timeout: 0,
  deadline: 0,
  uniqueKey: "",
  lastFailedAt: 0,
  retention: 0,
  completedAt: 0,
  groupKey: "",
  headers: new Map(),
};

function milliseconds(seconds: Int64): number {
  return Number(seconds) * 1_000;
}

/** 0 is none on the wire, and so is what lies beyond the years that can be written. */
function instant(seconds: Int64): Date | undefined {
  const ms = milliseconds(seconds);
  return ms === 0 || ms >= LAST_INSTANT ? undefined : new Date(ms);
}

function readable(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    return undefined;
  }
}
