import { type Duration, parseDuration, parseLongDuration } from "./duration.ts";
import { InvalidOptionError } from "./errors.ts";
import { shown } from "./shown-value.ts";
import { requireKnownNames, unknownName } from "./suggestion.ts";

/** A point in time: a `Date`, or ISO 8601 text with a zone. */
export type Instant = Date | string;

/** How one task is enqueued. Options of the call win over those of its definition; headers add up. */
export interface TaskOptions {
  /** Which queue it goes to: 1 to 512 bytes of UTF-8, without braces. @defaultValue `"default"` */
  queue?: string | undefined;
  /** How many times a failed task is tried again; negative means 0. @defaultValue 25 */
  maxRetry?: number | undefined;
  /**
   * Longest run of one attempt, rounded up to whole seconds. `"none"`: no limit.
   * @defaultValue `"30m"`, or none when there is a deadline
   */
  timeout?: Duration | "none" | undefined;
  /** The task must have ended by then, whatever attempts it has left. Whole seconds, rounded down. */
  deadline?: Instant | undefined;
  /** Not before this instant; now, if it has passed. `processIn` and `processAt` exclude each other. */
  processAt?: Instant | undefined;
  /** Not before this time has passed. */
  processIn?: Duration | undefined;
  /**
   * Refuse an equal task for this long, or until this one has succeeded. Equal: same queue and type, and same bytes
   * of payload, or same `key`. At least `"1s"`, counted from when the task is to be processed. An archived task
   * keeps its lock until the time is over.
   */
  unique?: Duration | { readonly for: Duration; readonly key?: string | undefined } | undefined;
  /** What an enqueue does when an equal task holds the lock: throw, or answer that task. It throws
   * all the same when that task was deleted and its lock was left behind. @defaultValue `"throw"` */
  ifDuplicate?: "throw" | "return" | undefined;
  /** How long to keep the task and its result after success, rounded up to whole seconds. @defaultValue 0: deleted at once */
  retention?: Duration | undefined;
  /** Unique in its queue for as long as the task is kept. 1 to 512 bytes of UTF-8. @defaultValue a fresh UUID */
  taskId?: string | undefined;
  /** With `taskId`: a completed or archived task of that id makes room for this one. @defaultValue false */
  replaceFinished?: boolean | undefined;
  /** Collect the task in this group until it is aggregated. 1 to 512 bytes of UTF-8, without braces. */
  group?: string | undefined;
  /** Text that travels with the task, for middleware: trace context, tenant, … Counts towards the client's size limit. */
  headers?: Readonly<Record<string, string>> | undefined;
}

/** {@link TaskOptions} after their check: lengths and instants in milliseconds. */
export interface CheckedTaskOptions {
  queue?: string;
  maxRetry?: number;
  timeout?: number | "none";
  deadline?: number;
  processAt?: number;
  processIn?: number;
  unique?: CheckedUnique;
  ifDuplicate?: "throw" | "return";
  retention?: number;
  taskId?: string;
  replaceFinished?: boolean;
  group?: string;
  headers?: readonly (readonly [string, string])[];
}

export interface CheckedUnique {
  readonly ttl: number;
  /** The key itself, or how to make it from what the task was built with. */
  readonly key: string | ((input: unknown) => unknown) | undefined;
}

/** Longest queue, group and id, in bytes of UTF-8. */
const MAX_NAME_BYTES = 512;
const MAX_TYPE_BYTES = 1_024;
const MAX_INT32 = 2 ** 31 - 1;
/** Nobody means an instant of 1970: it is a number of seconds taken for milliseconds. */
const FIRST_INSTANT = Date.UTC(1971, 0, 1);
/** The last second of the year 9999. As a deadline it stands for none. */
export const LAST_INSTANT = Date.UTC(9999, 11, 31, 23, 59, 59);

type Reader = (to: CheckedTaskOptions, value: unknown) => void;

const READERS: { readonly [Name in keyof TaskOptions]-?: Reader } = {
  queue: (to, value) => {
    to.queue = requireQueueName("queue", value);
  },
  maxRetry: (to, value) => {
    if (!Number.isInteger(value) || (value as number) > MAX_INT32) {
      throw new InvalidOptionError(
        "maxRetry",
        `expected a whole number up to ${MAX_INT32}; got ${shown(value)}`,
      );
    }
    to.maxRetry = Math.max(0, value as number);
  },
  timeout: (to, value) => {
    const timeout = value === "none" ? value : parseLongDuration("timeout", value);
    if (timeout === 0) {
      throw new InvalidOptionError(
        "timeout",
        'must not be 0; write "none" for no limit, or leave it out for "30m"',
      );
    }
    to.timeout = timeout;
  },
  deadline: (to, value) => {
    to.deadline = parseInstant("deadline", value);
  },
  processAt: (to, value) => {
    to.processAt = parseInstant("processAt", value);
  },
  processIn: (to, value) => {
    to.processIn = parseDuration("processIn", value);
  },
  unique: (to, value) => {
    to.unique = readUnique(value);
  },
  ifDuplicate: (to, value) => {
    if (value !== "throw" && value !== "return") {
      throw new InvalidOptionError("ifDuplicate", `expected "throw" or "return"; got ${shown(value)}`);
    }
    to.ifDuplicate = value;
  },
  retention: (to, value) => {
    to.retention = parseLongDuration("retention", value);
  },
  taskId: (to, value) => {
    to.taskId = requireName("taskId", value, MAX_NAME_BYTES);
  },
  replaceFinished: (to, value) => {
    if (typeof value !== "boolean") {
      throw new InvalidOptionError("replaceFinished", `expected true or false; got ${shown(value)}`);
    }
    to.replaceFinished = value;
  },
  group: (to, value) => {
    to.group = requireUnbraced("group", requireName("group", value, MAX_NAME_BYTES));
  },
  headers: (to, value) => {
    to.headers = readHeaders(value);
  },
};

const NAMES = Object.keys(READERS);
const NOTHING: CheckedTaskOptions = Object.freeze({});
/** Options that were checked and frozen when their definition was made, so that an enqueue need not do it again. */
const sealed = new WeakMap<object, CheckedTaskOptions>();

/**
 * Checks options and turns them into plain units.
 *
 * @throws {@link InvalidOptionError} naming the option, what was wrong, and what is allowed.
 */
export function checkTaskOptions(options: unknown): CheckedTaskOptions {
  if (options === undefined) return NOTHING;
  if (!isRecord(options)) {
    throw new InvalidOptionError("options", `expected an object; got ${shown(options)}`);
  }
  const known = sealed.get(options);
  if (known !== undefined) return known;
  const checked: CheckedTaskOptions = {};
  for (const name of Object.keys(options)) {
    const value = (options as Record<string, unknown>)[name];
    if (value === undefined) continue;
    if (!Object.hasOwn(READERS, name)) throw unknownName("a task", name, NAMES);
    READERS[name as keyof TaskOptions](checked, value);
  }
  if (checked.processAt !== undefined && checked.processIn !== undefined) {
    throw new InvalidOptionError("processIn", "excludes processAt; give one of them");
  }
  return checked;
}

/**
 * A copy that no later change of the caller's object, or of its headers, reaches. What is no object stays what it is,
 * for the check to refuse.
 */
export function copyTaskOptions<T extends TaskOptions>(options: T): T {
  if (!isRecord(options) || sealed.has(options)) return options;
  return isRecord(options.headers) ? { ...options, headers: { ...options.headers } } : { ...options };
}

function isRecord(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A frozen copy of a definition's options, checked once for all its tasks. */
export function sealTaskOptions<T extends object>(options: T | undefined): T {
  const checked = checkTaskOptions(options);
  const copy = Object.freeze(copyTaskOptions({ ...options })) as T;
  sealed.set(copy, checked);
  return copy;
}

/** @throws {@link InvalidOptionError} the type is blank, too long, or not text. */
export function requireTaskType(type: unknown): string {
  return requireName("type", type, MAX_TYPE_BYTES);
}

/** @throws {@link InvalidOptionError} the queue's name is blank, too long, holds a brace, or is not text. */
export function requireQueueName(option: string, queue: unknown): string {
  return requireUnbraced(option, requireName(option, queue, MAX_NAME_BYTES));
}

/** @throws {@link InvalidOptionError} it is blank, or not text that UTF-8 can carry. */
export function requireNonBlank(option: string, value: unknown): string {
  const text = requireText(option, value);
  if (text.trim() === "") throw new InvalidOptionError(option, "must not be blank");
  return text;
}

function requireName(option: string, value: unknown, maxBytes: number): string {
  const text = requireNonBlank(option, value);
  // A UTF-16 unit takes three bytes at most, so most names need no count.
  if (text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes) {
    throw new InvalidOptionError(
      option,
      `is ${Buffer.byteLength(text)} bytes long, the limit is ${maxBytes}`,
    );
  }
  return text;
}

const LONE_SURROGATE = /\p{Surrogate}/u;

function requireText(option: string, value: unknown): string {
  if (typeof value !== "string") throw new InvalidOptionError(option, `expected text; got ${shown(value)}`);
  if (LONE_SURROGATE.test(value)) {
    throw new InvalidOptionError(option, "holds half of a surrogate pair, which UTF-8 cannot carry");
  }
  return value;
}

/** Braces would cut the name short where Redis Cluster looks for the hash tag, and split the queue over its nodes. */
function requireUnbraced(option: string, name: string): string {
  if (/[{}]/.test(name)) throw new InvalidOptionError(option, `must not hold a brace; got ${shown(name)}`);
  return name;
}

const ISO = /^(\d{4})-(\d\d)-(\d\d)T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)$/;

/**
 * Milliseconds since the Unix epoch.
 *
 * @throws {@link InvalidOptionError} it is neither a valid Date nor ISO 8601 text with a zone, or not of our time.
 */
export function parseInstant(option: string, value: unknown): number {
  const ms = value instanceof Date ? value.getTime() : typeof value === "string" ? isoMs(value) : undefined;
  if (ms === undefined || Number.isNaN(ms)) {
    throw new InvalidOptionError(
      option,
      `expected a valid Date, or ISO 8601 text with a zone such as "2030-01-31T09:00:00Z"; got ${shown(value)}`,
    );
  }
  if (ms < FIRST_INSTANT || ms >= LAST_INSTANT + 1_000) {
    const got = Number.isFinite(ms) ? new Date(ms).toISOString() : ms;
    throw new InvalidOptionError(
      option,
      `must be between 1971 and 9999 (a Date counts milliseconds); got ${got}`,
    );
  }
  return ms;
}

function isoMs(text: string): number {
  const [, year, month, day] = ISO.exec(text) ?? [];
  if (year === undefined) return Number.NaN;
  // Date.parse takes February 30 for March 1.
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  return date.getUTCDate() === Number(day) ? Date.parse(text) : Number.NaN;
}

function readUnique(value: unknown): CheckedUnique {
  if (typeof value !== "object" || value === null) return { ttl: readLock("unique", value), key: undefined };
  requireKnownNames("unique", value, ["for", "key"]);
  const { for: length, key } = value as { for?: unknown; key?: unknown };
  const ttl = readLock("unique.for", length);
  if (typeof key === "function") return { ttl, key: key as (input: unknown) => unknown };
  return { ttl, key: key === undefined ? undefined : requireNonBlank("unique.key", key) };
}

function readLock(option: string, value: unknown): number {
  const ttl = parseLongDuration(option, value);
  if (ttl < 1_000) throw new InvalidOptionError(option, `must be at least "1s"; got ${shown(value)}`);
  return ttl;
}

function readHeaders(value: unknown): [string, string][] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new InvalidOptionError("headers", `expected an object of texts; got ${shown(value)}`);
  }
  return Object.entries(value).map(([name, text]) => [
    requireText("headers", name),
    requireText(`headers[${JSON.stringify(name)}]`, text),
  ]);
}
