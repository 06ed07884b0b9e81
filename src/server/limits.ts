import { createHash } from "node:crypto";
import type { LimitScope, LimitSpec } from "../broker/limits.ts";
import type { AnyTaskDefinition, PayloadOf } from "../define-task.ts";
import { type Duration, parseDuration } from "../duration.ts";
import { InvalidOptionError } from "../errors.ts";
import type { TaskMessage } from "../protocol/task-message.ts";
import { isThenable } from "../runtime/thenable.ts";
import { shown } from "../shown-value.ts";
import { requireKnownNames } from "../suggestion.ts";
import { receivedTask } from "../task.ts";
import { requireQueueName, requireTaskType } from "../task-options.ts";

/** How much of something may happen. At least one of `concurrency` and `rate`. */
export interface LimitRule<P = unknown> {
  /** How many tasks may run at once, on all servers together. */
  concurrency?: number | undefined;
  /** How many tasks may start in any time of length `per`, on all servers together. */
  rate?: { limit: number; per: Duration } | undefined;
  /**
   * Counts the tasks of each key by themselves: of each customer, say. `undefined` exempts a task. Called once for each
   * attempt, so it should be quick, and the same on every server. Where it throws, all such tasks count together.
   */
  key?: ((payload: P) => string | undefined) | undefined;
  /**
   * What all servers know this limit by. Only needed where a type or a queue has several. Printable ASCII.
   * @defaultValue the type or the queue
   */
  name?: string | undefined;
}

/** A limit as {@link limit} makes it, for `limits` of a server. */
export interface Limit {
  readonly spec: LimitSpec;
  /** Only tasks of this queue; `undefined`: of any, each queue counted by itself. */
  readonly queue: string | undefined;
  /** @internal Empty: no keys. `undefined`: the task is exempt. */
  keyOf(message: TaskMessage): string | undefined | Promise<string | undefined>;
}

const RULES = ["concurrency", "rate", "key", "name"] as const;
const MAX_CONCURRENCY = 100_000;
const MAX_RATE = 1_000_000_000;
const LONGEST_KEY = 100;
const PRINTABLE = /^[\x20-\x7e]*$/;
/** The key of tasks whose key cannot be computed. */
export const NO_KEY = "#error";

/**
 * Limits how many tasks of a type, of a queue, or of each key of their payload run at once, or how often they start, over
 * all servers that serve the queue. Tasks over it wait without being started, first come, first served.
 *
 * Tasks are counted for each queue by itself. Give every server of a queue the same limits: where they differ, the
 * strictest wins.
 *
 * @param of - a task definition, a type, or `{ queue }`
 * @throws {@link InvalidOptionError} what it is for, or a number, is not acceptable.
 * @example
 * const server = new Server(url, {
 *   limits: [
 *     limit(syncAccount, { concurrency: 1, key: ({ accountId }) => accountId }),
 *     limit({ queue: "mail" }, { rate: { limit: 100, per: "1m" } }),
 *   ],
 * });
 */
export function limit<D extends AnyTaskDefinition>(of: D, rule: LimitRule<PayloadOf<D>>): Limit;
export function limit(of: string | { readonly queue: string }, rule: LimitRule): Limit;
export function limit(
  of: AnyTaskDefinition | string | { readonly queue: string },
  rule: LimitRule<never>,
): Limit {
  const { type, queue, definition } = subjectOf(of);
  requireKnownNames("a limit", rule, RULES);
  const { key } = rule;
  if (key !== undefined && typeof key !== "function") {
    throw new InvalidOptionError("key", `expected a function; got ${shown(key)}`);
  }
  const { concurrency, rate } = measuresOf(rule);
  const name = rule.name ?? defaultName(type, key !== undefined);
  if (name === "" || name.length > LONGEST_KEY || !PRINTABLE.test(name)) {
    throw new InvalidOptionError(
      "name",
      `expected up to ${LONGEST_KEY} printable ASCII characters; got ${shown(name)}`,
    );
  }
  const spec: LimitSpec = { name, type, keyed: key !== undefined, concurrency, rate };
  const keyOf = key as ((payload: unknown) => string | undefined) | undefined;
  return Object.freeze({
    spec,
    queue,
    keyOf: (message: TaskMessage) => (keyOf === undefined ? "" : keyIn(message, definition, keyOf)),
  });
}

/** @throws InvalidOptionError they are no limits, or two of the same queue have one name. */
export function readLimits(limits: unknown): readonly Limit[] {
  if (!Array.isArray(limits)) {
    throw new InvalidOptionError(
      "limits",
      "expected a list, such as [limit(definition, { concurrency: 1 })]",
    );
  }
  const seen: Limit[] = [];
  for (const each of limits as Limit[]) {
    if (typeof each?.keyOf !== "function" || typeof each.spec?.name !== "string") {
      throw new InvalidOptionError("limits", `expected what limit() answers; got ${shown(each)}`);
    }
    if (seen.some((other) => other.spec.name === each.spec.name && overlap(other, each))) {
      throw new InvalidOptionError("limits", `two are called "${each.spec.name}"; give one another \`name\``);
    }
    seen.push(each);
  }
  return limits as Limit[];
}

function overlap(one: Limit, other: Limit): boolean {
  return one.queue === undefined || other.queue === undefined || one.queue === other.queue;
}

/** The limit that applies, by what all servers say, and the key that a task counts by. */
export function scopeOf(spec: LimitSpec, key: string): LimitScope {
  if (key.length <= LONGEST_KEY && PRINTABLE.test(key)) return { spec, key };
  return { spec, key: `#${createHash("sha1").update(key).digest("hex")}` };
}

function subjectOf(of: AnyTaskDefinition | string | { readonly queue: string }): {
  readonly type: string | undefined;
  readonly queue: string | undefined;
  readonly definition: AnyTaskDefinition | undefined;
} {
  if (typeof of === "string") return { type: requireTaskType(of), queue: undefined, definition: undefined };
  if (typeof of === "function") return { type: of.type, queue: undefined, definition: of };
  if (typeof of !== "object" || of === null) {
    throw new InvalidOptionError(
      "limit",
      `expected a task definition, a type or { queue }; got ${shown(of)}`,
    );
  }
  requireKnownNames("what a limit is for", of, ["queue"]);
  return { type: undefined, queue: requireQueueName("queue", of.queue), definition: undefined };
}

function defaultName(type: string | undefined, keyed: boolean): string {
  const subject = type === undefined ? "queue" : `type:${type}`;
  const name = keyed ? `${subject}:key` : subject;
  if (name.length <= LONGEST_KEY && PRINTABLE.test(name)) return name;
  return `#${createHash("sha1").update(name).digest("hex")}`;
}

function measuresOf({ concurrency, rate }: LimitRule<never>): Pick<LimitSpec, "concurrency" | "rate"> {
  if (concurrency === undefined && rate === undefined) {
    throw new InvalidOptionError("limit", "needs a concurrency, a rate, or both");
  }
  if (concurrency !== undefined) wholeNumber("concurrency", concurrency, MAX_CONCURRENCY);
  if (rate === undefined) return { concurrency, rate };
  requireKnownNames("a rate", rate, ["limit", "per"]);
  const per = parseDuration("rate.per", rate.per);
  if (per < 1) throw new InvalidOptionError("rate.per", "must be at least 1 ms");
  return { concurrency, rate: { limit: wholeNumber("rate.limit", rate.limit, MAX_RATE), per } };
}

function wholeNumber(option: string, value: unknown, most: number): number {
  if (!Number.isInteger(value) || (value as number) < 1 || (value as number) > most) {
    throw new InvalidOptionError(option, `expected a whole number from 1 to ${most}; got ${shown(value)}`);
  }
  return value as number;
}

function keyIn(
  message: TaskMessage,
  definition: AnyTaskDefinition | undefined,
  keyOf: (payload: unknown) => string | undefined,
): string | undefined | Promise<string | undefined> {
  const payload =
    definition === undefined ? receivedTask(message).payload : definition.decode(message.payload);
  return isThenable(payload) ? Promise.resolve(payload).then(keyOf) : keyOf(payload);
}
