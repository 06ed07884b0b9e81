import {
  type BulkResult,
  type Inspector,
  type MatchingOptions,
  type MatchingResult,
  type Runtime,
  TaskActiveError,
  type TaskInfo,
  type TaskRef,
  type TaskState,
} from "../index.ts";
import { sleep } from "../runtime/clock.ts";
import type { BulkAction, BulkRequest, Operation } from "./api.ts";
import { type Deletions, type Doomed, doomed } from "./deletions.ts";
import { httpErrorOf } from "./error-answer.ts";
import { fingerprintOf, normalised } from "./fingerprint.ts";
import { badRequest, HttpError } from "./http-error.ts";
import { taskRow } from "./rows.ts";
import type { Visitor } from "./scope.ts";

/** Operations that run at once, at most. */
const AT_ONCE = 4;
/** How long one is remembered after its end, in milliseconds. */
const REMEMBERED = 3_600_000;
const SAMPLE = 5;
/** Tasks that are archived at once before they are deleted. */
const STEP = 200;

export interface Order extends BulkRequest {
  /** Where the visitor may act; `undefined`: everywhere. */
  readonly queues?: string[];
}

interface Running {
  operation: Operation;
  readonly stop: AbortController;
  readonly ended: Promise<void>;
  /** By the monotonic clock. */
  endedAt: number | undefined;
}

interface Steps {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: { readonly done: number; readonly total: number }) => void;
}

/** What an operation leads to. */
type Result = (BulkResult | MatchingResult) & {
  /** Tasks that were put aside: they are deleted later on, unless that is undone. */
  readonly held?: readonly Doomed[];
  readonly canUndo?: boolean;
};

/** The states that tasks of a group of failures are in, and in which each action may find them. */
const FAILED: Readonly<Record<BulkAction, readonly TaskState[]>> = {
  run: ["retry", "archived"],
  archive: ["retry"],
  delete: ["retry", "archived"],
  redrive: ["archived"],
};

/** Changes of many tasks, which go on while the visitor looks at other things, or is gone. */
export class Operations {
  readonly #inspector: Inspector;
  readonly #runtime: Runtime;
  readonly #now: () => number;
  readonly #onEnd: (operation: Operation, visitor: Visitor) => void;
  readonly #deletions: Deletions;
  readonly #operations = new Map<string, Running>();

  constructor(
    inspector: Inspector,
    runtime: Runtime,
    now: () => number,
    deletions: Deletions,
    onEnd: (operation: Operation, visitor: Visitor) => void,
  ) {
    this.#inspector = inspector;
    this.#runtime = runtime;
    this.#now = now;
    this.#deletions = deletions;
    this.#onEnd = onEnd;
  }

  /** The newest first. */
  get all(): Operation[] {
    this.#forget();
    return [...this.#operations.values()].map(({ operation }) => operation).reverse();
  }

  get(id: string): Operation {
    return this.#find(id).operation;
  }

  begin(order: Order, visitor: Visitor): Operation {
    const {
      action,
      filter,
      queues,
      dryRun = false,
      rate,
      limit,
      fingerprint = null,
      group = null,
      undoable = false,
    } = order;
    if (undoable && action !== "delete") throw badRequest("is for action delete", "undoable");
    if (group !== null) requireOneGroup(order);
    const states = statesFor(order);
    const facts = {
      action,
      filter,
      queues: queues ?? null,
      states: states ?? null,
      dryRun,
      fingerprint,
      group,
    };
    return this.#begin({ ...facts, command: commandOf(order) }, visitor, async (steps) => {
      const where = whichOf(order);
      const options = { ...steps, dryRun, rate, limit, where };
      if (action === "redrive") return this.#redrive(filter, queues, options);
      if (undoable) return this.#deleteUndoably(filter, { ...options, queues, states });
      const matching = {
        run: "runMatching",
        archive: "archiveMatching",
        delete: "deleteMatching",
      } as const;
      return this.#inspector[matching[action]](filter, { ...options, queues, states });
    });
  }

  deleteQueue(queue: string, force: boolean, visitor: Visitor): Operation {
    const command = `titanqueue queue rm ${quoted(queue)}${force ? " --force" : ""}`;
    return this.#begin(
      {
        action: "delete-queue",
        filter: "",
        queues: [queue],
        states: null,
        dryRun: false,
        fingerprint: null,
        group: null,
        command,
      },
      visitor,
      async (steps) => {
        await this.#inspector.deleteQueue(queue, { ...steps, force });
        return undefined;
      },
    );
  }

  /**
   * Deletes tasks that were chosen one by one, so that it can be undone.
   *
   * @throws {@link HttpError} it could not be undone; nothing was changed.
   */
  async deleteChosen(
    refs: readonly TaskRef[],
    visitor: Visitor,
  ): Promise<{ readonly operation: Operation; readonly errors: readonly (Error | undefined)[] }> {
    const seen: (TaskInfo | Error)[] = await Promise.all(
      refs.map((ref) => this.#inspector.getTaskInfo(ref).catch((error: Error) => error)),
    );
    const errors = seen.map((each) => {
      if (each instanceof Error) return each;
      return each.state === "active" ? new TaskActiveError(each.queue, each.id) : undefined;
    });
    const found = seen.flatMap((each, i) =>
      each instanceof Error || errors[i] ? [] : [{ i, task: doomed(each) }],
    );
    const tasks = found.map(({ task }) => task);
    const release = await this.#deletions.reserve(tasks);
    if (release === undefined) throw notUndoable();
    try {
      const operation = this.#begin(
        {
          action: "delete",
          filter: "",
          queues: [...new Set(refs.map(({ queue }) => queue))],
          states: null,
          dryRun: false,
          fingerprint: null,
          group: null,
          command: null,
        },
        visitor,
        async () => {
          const failed = await this.#deletions.archive(tasks);
          for (const [nth, { i }] of found.entries()) errors[i] = failed[nth];
          const held = tasks.filter((_, nth) => failed[nth] === undefined);
          const counts = { changed: held.length, matched: tasks.length, total: refs.length };
          return { ...counts, stopped: false, sample: [], held };
        },
      );
      const entry = this.#find(operation.id);
      await entry.ended;
      return { operation: entry.operation, errors };
    } finally {
      release();
    }
  }

  /** @throws {@link HttpError} it cannot be undone (any more). */
  async undo(id: string): Promise<{ readonly operation: Operation; readonly restored: number }> {
    const entry = this.#find(id);
    const restored = await this.#deletions.undo(id);
    entry.operation = {
      ...entry.operation,
      undone: (entry.operation.undone ?? 0) + restored,
      undoUntil: null,
    };
    return { operation: entry.operation, restored };
  }

  /** Its tasks are deleted for good. */
  finished(id: string): Operation | undefined {
    const entry = this.#operations.get(id);
    if (entry !== undefined) entry.operation = { ...entry.operation, undoUntil: null };
    return entry?.operation;
  }

  stop(id: string): Operation {
    const { stop, operation } = this.#find(id);
    stop.abort();
    return operation;
  }

  async close(): Promise<void> {
    for (const { stop } of this.#operations.values()) stop.abort();
    await Promise.all([...this.#operations.values()].map(({ ended }) => ended));
  }

  async #redrive(
    filter: string,
    queues: readonly string[] | undefined,
    options: Steps & Pick<MatchingOptions, "rate" | "limit" | "where" | "dryRun">,
  ): Promise<MatchingResult> {
    let all: MatchingResult = { changed: 0, total: 0, stopped: false, matched: 0, sample: [] };
    for (const queue of queues ?? (await this.#inspector.queues())) {
      const left = options.limit === undefined ? undefined : options.limit - all.changed;
      if (all.stopped || left === 0) break;
      const { total } = all;
      const one = await this.#inspector.redrive(queue, {
        ...options,
        ...(filter !== "" && { filter }),
        limit: left,
        onProgress: (progress) =>
          options.onProgress({ done: total + progress.done, total: total + progress.total }),
      });
      all = {
        changed: all.changed + one.changed,
        total: all.total + one.total,
        stopped: one.stopped,
        matched: all.matched + one.matched,
        sample: [...all.sample, ...one.sample],
      };
    }
    return all;
  }

  /** Looks at all of them first: whether they are too many is known before any is changed. */
  async #deleteUndoably(filter: string, options: Steps & MatchingOptions): Promise<Result> {
    const { dryRun = false, where: isWanted = () => true } = options;
    const tasks: Doomed[] = [];
    let tooMany = false;
    const { room } = this.#deletions;
    const where = (task: TaskInfo): boolean => {
      if (!isWanted(task)) return false;
      if (tasks.length < room) tasks.push(doomed(task));
      else if (dryRun) tooMany = true;
      else throw notUndoable();
      return true;
    };
    const seen = await this.#inspector.deleteMatching(filter, {
      ...options,
      rate: undefined,
      where,
      dryRun: true,
    });
    if (dryRun) return { ...seen, canUndo: !tooMany && (await this.#deletions.canUndo(tasks)) };
    const release = await this.#deletions.reserve(tasks);
    if (release === undefined) throw notUndoable();
    try {
      return { ...seen, ...(await this.#putAside(tasks, seen, options)) };
    } finally {
      release();
    }
  }

  async #putAside(
    tasks: readonly Doomed[],
    seen: MatchingResult,
    { signal, rate, onProgress }: Steps & Pick<MatchingOptions, "rate">,
  ): Promise<Pick<Result, "changed" | "stopped" | "held">> {
    const { clock } = this.#runtime;
    const beganAt = clock.monotonic();
    const held: Doomed[] = [];
    const step = Math.min(STEP, rate ?? STEP);
    for (let at = 0; at < tasks.length && !seen.stopped && !signal.aborted; at += step) {
      const some = tasks.slice(at, at + step);
      let failed: (Error | undefined)[];
      try {
        failed = await this.#deletions.archive(some);
      } catch (error) {
        // What was archived until now is to be undone all the same.
        if (held.length === 0) throw error;
        break;
      }
      held.push(...some.filter((_, i) => failed[i] === undefined));
      onProgress({ done: Math.min(seen.total, at + some.length), total: seen.total });
      const due = rate === undefined ? 0 : beganAt + (held.length / rate) * 1_000 - clock.monotonic();
      if (due > 0) await sleep(clock, due, signal);
    }
    const stopped = seen.stopped || signal.aborted;
    return { changed: held.length, stopped, held };
  }

  #begin(
    facts: Pick<
      Operation,
      "action" | "filter" | "queues" | "states" | "dryRun" | "command" | "fingerprint" | "group"
    >,
    visitor: Visitor,
    work: (steps: Steps) => Promise<Result | undefined>,
  ): Operation {
    this.#forget();
    const running = [...this.#operations.values()].filter(({ endedAt }) => endedAt === undefined);
    if (running.length >= AT_ONCE) {
      throw new HttpError(429, "TOO_MANY_REQUESTS", `${AT_ONCE} operations run already; wait for one to end`);
    }
    const operation: Operation = {
      ...facts,
      id: this.#runtime.uuid(),
      status: "running",
      startedBy: visitor.user,
      startedAt: this.#now(),
      endedAt: null,
      done: 0,
      total: null,
      matched: null,
      changed: 0,
      sample: [],
      error: null,
      canUndo: null,
      undoUntil: null,
      undone: null,
    };
    const stop = new AbortController();
    const entry: Running = { operation, stop, ended: Promise.resolve(), endedAt: undefined };
    const onProgress: Steps["onProgress"] = ({ done, total }) => {
      entry.operation = { ...entry.operation, done, total };
    };
    const run = async (): Promise<void> => {
      let end: Partial<Operation>;
      try {
        const result = await work({ signal: stop.signal, onProgress });
        end = { ...endOf(result), status: result?.stopped ? "stopped" : "done" };
        const { held = [] } = result ?? {};
        if (held.length > 0) end = { ...end, undoUntil: this.#deletions.hold(operation.id, held) };
      } catch (error) {
        const { facts: told } =
          httpErrorOf(error) ?? new HttpError(500, "INTERNAL", "the operation has failed");
        end = stop.signal.aborted ? { status: "stopped" } : { status: "failed", error: told };
      }
      entry.operation = { ...entry.operation, ...end, endedAt: this.#now() };
      entry.endedAt = this.#runtime.clock.monotonic();
      this.#onEnd(entry.operation, visitor);
    };
    this.#operations.set(operation.id, Object.assign(entry, { ended: run() }));
    return operation;
  }

  #find(id: string): Running {
    const found = this.#operations.get(id);
    if (found === undefined) throw new HttpError(404, "NOT_FOUND", "there is no such operation (any more)");
    return found;
  }

  #forget(): void {
    const now = this.#runtime.clock.monotonic();
    for (const [id, { endedAt }] of this.#operations) {
      if (endedAt !== undefined && now - endedAt > REMEMBERED) this.#operations.delete(id);
    }
  }
}

function endOf(result: Result | undefined): Partial<Operation> {
  if (result === undefined) return {};
  const { changed, total } = result;
  const matching = "matched" in result ? result : undefined;
  return {
    changed,
    total,
    ...(!result.stopped && { done: total }),
    matched: matching?.matched ?? null,
    canUndo: result.canUndo ?? null,
    sample: (matching?.sample ?? []).slice(0, SAMPLE).map((info) => taskRow(info)),
  };
}

function notUndoable(): HttpError {
  return new HttpError(
    409,
    "NOT_UNDOABLE",
    "there are too many of them to be undone, or some are in a group",
  );
}

/** @throws {@link HttpError} tasks of a group of failures are in none of these. */
function statesFor({ action, fingerprint, group, states }: Order): TaskState[] | undefined {
  if (group !== undefined) return ["aggregating"];
  if (fingerprint === undefined) return states;
  const possible = FAILED[action];
  if (states === undefined) return [...possible];
  if (states.every((state) => possible.includes(state))) return states;
  throw badRequest(`expected ${possible.join(" or ")}, with a fingerprint`, "states");
}

/** @throws {@link HttpError} groups are of one queue, and none of their tasks has failed for good. */
function requireOneGroup({ action, queues, states, fingerprint }: Order): void {
  if (queues?.length !== 1) throw badRequest("expected the queue of the group", "queues");
  if (action === "redrive") throw badRequest("expected run, archive or delete, with a group", "action");
  if (fingerprint !== undefined) throw badRequest("is not for tasks of a group", "fingerprint");
  if (states?.some((state) => state !== "aggregating") === true) {
    throw badRequest("expected aggregating, with a group", "states");
  }
}

/** What no filter can ask for: exactly one group of failures, or of tasks. */
function whichOf({ fingerprint, group }: Order): ((task: TaskInfo) => boolean) | undefined {
  if (group !== undefined) return (task) => task.group === group;
  if (fingerprint === undefined) return undefined;
  return ({ type, lastError = "" }) => fingerprintOf(type, normalised(lastError)) === fingerprint;
}

/** The command that does the same, a line for each queue; `null`: none does. */
function commandOf({
  action,
  filter,
  queues,
  states,
  dryRun,
  rate,
  limit,
  fingerprint,
  group,
}: Order): string | null {
  if (fingerprint !== undefined) return null;
  if (group !== undefined) {
    if (filter !== "" || limit !== undefined) return null;
    const [queue = ""] = queues ?? [];
    const pace = rate === undefined ? [] : ["--rate", String(rate)];
    const where = ["--queue", quoted(queue), "--state", "aggregating", "--group", quoted(group)];
    return ["titanqueue", "task", `${action}all`, ...where, ...pace].join(" ");
  }
  const options: string[] = [];
  if (filter !== "") options.push("--filter", quoted(filter));
  for (const state of states ?? []) options.push("--state", state);
  if (dryRun) options.push("--dry-run");
  if (rate !== undefined) options.push("--rate", String(rate));
  if (limit !== undefined) options.push("--limit", String(limit));
  const lines = (queues ?? [undefined]).map((queue) => {
    const name = queue === undefined ? [] : [quoted(queue)];
    if (action === "redrive") return ["titanqueue", "redrive", ...name, ...options];
    const where = name.length > 0 ? ["--queue", ...name] : [];
    return ["titanqueue", "task", `${action}all`, ...where, ...options];
  });
  return lines.map((words) => words.join(" ")).join("\n");
}

/** One word for a POSIX shell. */
function quoted(text: string): string {
  return /^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
