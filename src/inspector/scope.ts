import type { Inspection, ScanPage, TaskRecord, TaskState } from "../broker/inspection.ts";
import { InvalidOptionError, QueueNotFoundError, RedisWrongTypeError } from "../errors.ts";
import { requireNonBlank } from "../task-options.ts";
import type { Matcher } from "./matcher.ts";
import { requireState, STATES } from "./states.ts";

/** Where is looked. */
export interface ScopeOptions {
  /** @defaultValue all of them, but for those of which a key is of another type */
  queues?: readonly string[] | undefined;
  /** @defaultValue all that are possible */
  states?: readonly TaskState[] | undefined;
}

/** Where tasks are looked for, in order. */
export interface Scope {
  readonly queues: readonly string[];
  readonly states: readonly TaskState[];
  /** Tasks that there are. */
  readonly total: number;
}

/** A place in a scope: a queue, a state, and how far its tasks have been gone through. */
export interface ScopePlace {
  readonly queue: string;
  readonly state: TaskState;
  readonly cursor?: string | undefined;
}

export interface ScopePart extends Omit<ScanPage, "cursor"> {
  readonly at: ScopePlace;
  /** Where to go on; `undefined`: nowhere. */
  readonly next: ScopePlace | undefined;
}

/** Tasks of one part: a few milliseconds of the engine's time. */
const PART = 500;
/** Queues. */
const ASKED_AT_ONCE = 500;

/** @throws {@link QueueNotFoundError} nothing was ever enqueued to one of the queues. */
export async function scopeOf(
  door: Inspection,
  options: ScopeOptions,
  matcher: Matcher,
  allowed: readonly TaskState[] = STATES,
): Promise<Scope> {
  const named = list("queues", options.queues)?.map((queue) => requireNonBlank("queues", queue));
  const wanted = list("states", options.states)?.map((state) => requireState(state, allowed)) ?? allowed;
  const states = STATES.filter((state) => wanted.includes(state) && matcher.states.includes(state));
  const queues: string[] = [];
  let total = 0;
  const possible = [...new Set(named ?? (await door.queues()))].filter((queue) => matcher.servesQueue(queue));
  possible.sort();
  for (let at = 0; at < possible.length; at += ASKED_AT_ONCE) {
    const some = possible.slice(at, at + ASKED_AT_ONCE);
    const infos = await Promise.all(some.map((queue) => queueInfo(door, queue, named !== undefined)));
    for (const [nth, info] of infos.entries()) {
      const queue = some[nth] as string;
      if (info === undefined && named !== undefined) throw new QueueNotFoundError(queue);
      if (info === undefined) continue;
      queues.push(queue);
      for (const state of states) total += info[state];
    }
  }
  return { queues, states, total };
}

/** One queue that another program writes to must not hide all others; whoever names it is told. */
async function queueInfo(door: Inspection, queue: string, isNamed: boolean) {
  try {
    return await door.queueInfo(queue);
  } catch (error) {
    if (!isNamed && error instanceof RedisWrongTypeError) return undefined;
    throw error;
  }
}

function list<T>(option: string, value: readonly T[] | undefined): readonly T[] | undefined {
  if (value !== undefined && !Array.isArray(value)) throw new InvalidOptionError(option, "expected an array");
  return value;
}

/**
 * The tasks of a scope, part by part, from a place on or from the beginning.
 *
 * @param size - of one part, more or less
 */
export async function* parts(
  door: Inspection,
  scope: Scope,
  { id }: Matcher,
  from: ScopePlace | undefined,
  size: number = PART,
): AsyncGenerator<ScopePart> {
  // A place may have been made up, or its queue deleted since: nothing outside the scope is looked at.
  const isOutside =
    from !== undefined && !(scope.queues.includes(from.queue) && scope.states.includes(from.state));
  let at = isOutside ? after(scope, from) : (from ?? first(scope));
  while (at !== undefined) {
    if (id === undefined) {
      const { cursor, ...page } = await door.scanTasks(at.queue, at.state, at.cursor, size);
      const next: ScopePlace | undefined = cursor === undefined ? after(scope, at) : { ...at, cursor };
      yield { ...page, at, next };
      at = next;
    } else {
      // There can be one in each queue: it is looked at, not looked for.
      const task: TaskRecord | undefined = await door.taskInfo(at.queue, id);
      const next = after(scope, { queue: at.queue, state: scope.states.at(-1) ?? at.state });
      yield { tasks: task !== undefined && scope.states.includes(task.state) ? [task] : [], at, next };
      at = next;
    }
  }
}

function first({ queues, states }: Scope): ScopePlace | undefined {
  const [queue, state] = [queues[0], states[0]];
  return queue === undefined || state === undefined ? undefined : { queue, state };
}

/** Also where the place is no part of the scope any more: a queue may have been deleted since. */
function after({ queues, states }: Scope, at: ScopePlace): ScopePlace | undefined {
  const laterState = states[states.indexOf(at.state) + 1];
  if (laterState !== undefined && queues.includes(at.queue)) return { queue: at.queue, state: laterState };
  const queue = queues.find((each) => each > at.queue);
  return queue === undefined || states[0] === undefined ? undefined : { queue, state: states[0] };
}
