import { types } from "node:util";
import { type AnyTaskDefinition, type InputOf, isTaskDefinition, type PayloadOf } from "../define-task.ts";
import { type Duration, parseDuration } from "../duration.ts";
import { InvalidOptionError } from "../errors.ts";
import { isThenable } from "../runtime/thenable.ts";
import type { TaskInfo } from "../task-info.ts";
import { type Instant, parseInstant, requireNonBlank } from "../task-options.ts";
import type { DeepPartial } from "./deep-partial.ts";
import { differences, showExpected } from "./differences.ts";
import { showDue, showLength } from "./show.ts";

/** Some of a task's payload, as it was enqueued or as its handler gets it. */
export type PayloadMatch<D extends AnyTaskDefinition> = DeepPartial<InputOf<D>> | DeepPartial<PayloadOf<D>>;

/** Which tasks are meant, beside their type and payload. */
export interface EnqueuedFilter {
  /** Only this queue. @defaultValue every queue */
  queue?: string | undefined;
  /** Due then: an instant, or how long from now. To the millisecond, unless `within` says how far it may be off. */
  at?: Instant | Duration | undefined;
  /** With `at`, how far from it at most, before or after. Without, due at most so long from now. */
  within?: Duration | undefined;
}

export const FILTER_NAMES = ["queue", "at", "within"] as const;

/** Which tasks a test means. */
export class Expectation {
  readonly #type: string;
  readonly #definition: AnyTaskDefinition | undefined;
  readonly #match: unknown;
  readonly #queue: string | undefined;
  readonly #due: DueRange | undefined;
  readonly #now: number;

  /** @throws {@link InvalidOptionError} an option is unknown or not acceptable. */
  constructor(task: AnyTaskDefinition | string, match: unknown, filter: EnqueuedFilter, now: number) {
    this.#definition = isTaskDefinition(task) ? task : undefined;
    this.#type = this.#definition?.type ?? requireNonBlank("task", task);
    this.#match = match;
    const { queue, at, within } = filter;
    this.#queue = queue === undefined ? undefined : requireNonBlank("queue", queue);
    this.#due = dueRange(at, within, now);
    this.#now = now;
  }

  /** Whether it is of the type that is meant. */
  isKin({ type }: { readonly type: string }): boolean {
    return type === this.#type;
  }

  /** In what `task` is not the one that is meant, one line each; nothing: it is. */
  differences(task: TaskInfo): string[] {
    if (!this.isKin(task)) return [`type: expected ${this.#type}, got ${task.type}`];
    const found: string[] = [];
    if (this.#queue !== undefined && task.queue !== this.#queue) {
      found.push(`queue: expected ${this.#queue}, got ${task.queue}`);
    }
    const due = task.nextProcessAt?.getTime();
    if (this.#due !== undefined && !(due !== undefined && this.#due.from <= due && due <= this.#due.to)) {
      const got = due === undefined ? "when its group is aggregated" : showDue(due, this.#now);
      found.push(`due: expected ${this.#due.text}, got ${got}`);
    }
    return [...found, ...this.#payloadDifferences(task)];
  }

  /** `email:welcome with { userId: 42 } in queue critical, due in 10m`. */
  toString(): string {
    let text = this.#type;
    if (this.#match !== undefined) text += ` with ${showExpected(this.#match)}`;
    if (this.#queue !== undefined) text += ` in queue ${this.#queue}`;
    if (this.#due !== undefined) text += ` due ${this.#due.text}`;
    return text;
  }

  /** By the reading of the payload that comes nearest. */
  #payloadDifferences(task: TaskInfo): string[] {
    if (this.#match === undefined) return [];
    let least: string[] | undefined;
    for (const payload of readings(task, this.#definition, this.#match)) {
      const found = differences(this.#match, payload);
      if (least === undefined || found.length < least.length) least = found;
    }
    return least ?? ["payload: cannot be read"];
  }
}

/**
 * What a test may mean by a task's payload: the JSON value that was enqueued, and what the handler gets; or the bytes,
 * if it speaks of bytes. Of these, those that are to be had now: a schema may validate asynchronously.
 */
function readings(task: TaskInfo, definition: AnyTaskDefinition | undefined, match: unknown): unknown[] {
  if (types.isUint8Array(match)) return [task.bytes];
  const reads = [() => task.payload];
  if (definition !== undefined) reads.push(() => definition.decode(task.bytes));
  return reads.flatMap((read) => {
    try {
      const payload = read();
      if (!isThenable(payload)) return [payload];
      payload.then(undefined, () => undefined);
    } catch {
      // Not JSON, or not what the schema asks for: then it cannot be what is meant either.
    }
    return [];
  });
}

interface DueRange {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

function dueRange(at: unknown, within: unknown, now: number): DueRange | undefined {
  const off = within === undefined ? undefined : parseDuration("within", within);
  if (at === undefined) {
    if (off === undefined) return undefined;
    return { from: Number.NEGATIVE_INFINITY, to: now + off, text: `within ${showLength(off)}` };
  }
  const instant = instantOf(at, now);
  const text = showDue(instant, now) + (off === undefined ? "" : `, ${showLength(off)} more or less`);
  return { from: instant - (off ?? 0), to: instant + (off ?? 0), text };
}

/** Only instants have a `T` between date and time. */
function instantOf(at: unknown, now: number): number {
  if (at instanceof Date || (typeof at === "string" && at.includes("T"))) return parseInstant("at", at);
  try {
    return now + parseDuration("at", at);
  } catch (cause) {
    const forms = 'a Date, ISO 8601 text with a zone, or a length from now such as "10m"';
    throw new InvalidOptionError("at", `expected ${forms}; got ${showExpected(at)}`, { cause });
  }
}
