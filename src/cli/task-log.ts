import type { Clock, Logger, Server, ServerOptions, TaskSettled, Verdict } from "titanqueue";
import type { PrettyLog } from "./pretty-log.ts";
import { shownLength } from "./shown-time.ts";

/** What a server logs of failures, which are told here in more words. */
const TOLD_HERE = ["attempt failed", "task archived", "task dropped"];

/** Frames of a failure that are shown. */
const SHOWN_FRAMES = 4;

interface Failed {
  readonly error: unknown;
  readonly verdict: Verdict;
}

/** Tells of every task that a server runs: when it begins, how it ends and why. */
export class TaskLog {
  readonly #log: PrettyLog;
  readonly #clock: Pick<Clock, "now">;
  /** Failures whose outcome is on its way to the store. */
  readonly #failed = new Map<string, Failed>();

  constructor(log: PrettyLog, clock: Pick<Clock, "now">) {
    this.#log = log;
    this.#clock = clock;
  }

  /** These options, with an ear for failures, and our log where there is none. */
  listening(options: ServerOptions): ServerOptions {
    const { errorHandler } = options;
    return {
      ...options,
      logger: options.logger ?? this.#untold(),
      errorHandler: (error, task, ctx, verdict) => {
        if (ctx !== undefined) this.#failed.set(ctx.taskId, { error, verdict });
        return errorHandler?.(error, task, ctx, verdict);
      },
    };
  }

  follow(server: Server): void {
    server.on("taskStarted", ({ type, taskId }) => this.#log.tell("started", `${type} ${taskId}`));
    server.on("leaseLost", ({ taskId }) => this.#failed.delete(taskId));
    server.on("taskSettled", (settled) => this.#settled(settled));
  }

  #untold(): Logger {
    const pass =
      (level: keyof Logger): Logger[keyof Logger] =>
      (fields, text) => {
        if (!TOLD_HERE.includes(text)) this.#log[level](fields, text);
      };
    return { debug: pass("debug"), info: pass("info"), warn: pass("warn"), error: pass("error") };
  }

  #settled({ type, taskId, queue, attempt, outcome, cause, durationMs }: TaskSettled): void {
    const failed = this.#failed.get(taskId);
    this.#failed.delete(taskId);
    const took = durationMs === undefined ? "" : ` in ${shownLength(durationMs)}`;
    const fields = { ...(queue !== "default" && { queue }), ...(attempt > 1 && { attempt }) };
    if (failed === undefined || outcome === "done" || outcome === "completed") {
      const why = cause === "success" || cause === "revoked" ? "" : `: ${cause}`;
      this.#log.tell(outcome, `${type} ${taskId}${took}${why}`, fields);
      return;
    }
    const [text, ...frames] = linesOf(failed.error);
    this.#log.tell(outcome, `${type} ${taskId}${took}: ${text}${this.#next(failed.verdict)}`, fields, frames);
  }

  #next(verdict: Verdict): string {
    if (verdict.outcome === "retry")
      return `; again in ${shownLength(verdict.at.getTime() - this.#clock.now())}`;
    return verdict.outcome === "archive" ? `; archived (${verdict.reason})` : "; dropped";
  }
}

/** What was thrown, and from where in the user's code. */
function linesOf(error: unknown): readonly string[] {
  if (!(error instanceof Error)) return [String(error)];
  const frames = (error.stack ?? "")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line.startsWith("at ") && !/[\\/]node_modules[\\/]|node:internal/.test(line));
  return [error.message === "" ? error.name : error.message, ...frames.slice(0, SHOWN_FRAMES)];
}
