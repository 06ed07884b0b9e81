import type { BulkResult, Inspector, MatchingResult, Runtime } from "../index.ts";
import type { BulkRequest, Operation } from "./api.ts";
import { httpErrorOf } from "./error-answer.ts";
import { HttpError } from "./http-error.ts";
import { taskRow } from "./rows.ts";
import type { Visitor } from "./scope.ts";

/** Operations that run at once, at most. */
const AT_ONCE = 4;
/** How long one is remembered after its end, in milliseconds. */
const REMEMBERED = 3_600_000;
const SAMPLE = 5;

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

/** Changes of many tasks, which go on while the visitor looks at other things, or is gone. */
export class Operations {
  readonly #inspector: Inspector;
  readonly #runtime: Runtime;
  readonly #now: () => number;
  readonly #onEnd: (operation: Operation, visitor: Visitor) => void;
  readonly #operations = new Map<string, Running>();

  constructor(
    inspector: Inspector,
    runtime: Runtime,
    now: () => number,
    onEnd: (operation: Operation, visitor: Visitor) => void,
  ) {
    this.#inspector = inspector;
    this.#runtime = runtime;
    this.#now = now;
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
    const { action, filter, queues, states, dryRun = false, rate, limit } = order;
    return this.#begin(
      { action, filter, queues: queues ?? null, states: states ?? null, dryRun, command: commandOf(order) },
      visitor,
      async (steps) => {
        const options = { ...steps, dryRun, rate, limit };
        if (action === "redrive") return this.#redrive(filter, queues, options);
        const matching = {
          run: "runMatching",
          archive: "archiveMatching",
          delete: "deleteMatching",
        } as const;
        return this.#inspector[matching[action]](filter, { ...options, queues, states });
      },
    );
  }

  deleteQueue(queue: string, force: boolean, visitor: Visitor): Operation {
    const command = `titanqueue queue rm ${quoted(queue)}${force ? " --force" : ""}`;
    return this.#begin(
      { action: "delete-queue", filter: "", queues: [queue], states: null, dryRun: false, command },
      visitor,
      async (steps) => {
        await this.#inspector.deleteQueue(queue, { ...steps, force });
        return undefined;
      },
    );
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
    options: Steps & { readonly rate: number | undefined; readonly limit: number | undefined },
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

  #begin(
    facts: Pick<Operation, "action" | "filter" | "queues" | "states" | "dryRun" | "command">,
    visitor: Visitor,
    work: (steps: Steps) => Promise<BulkResult | MatchingResult | undefined>,
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
      fingerprint: null,
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

function endOf(result: BulkResult | MatchingResult | undefined): Partial<Operation> {
  if (result === undefined) return {};
  const { changed, total } = result;
  const matching = "matched" in result ? result : undefined;
  return {
    changed,
    total,
    ...(!result.stopped && { done: total }),
    matched: matching?.matched ?? null,
    sample: (matching?.sample ?? []).slice(0, SAMPLE).map((info) => taskRow(info)),
  };
}

/** The command that does the same, a line for each queue. */
function commandOf({ action, filter, queues, states, dryRun, rate, limit }: Order): string {
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
