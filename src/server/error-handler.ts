import type { Task } from "../task.ts";
import type { TaskContext } from "./task-context.ts";
import type { Verdict } from "./verdict.ts";

/** Called for every failed attempt with what becomes of its task; `ctx` is `undefined` when the server that ran it died. */
export type ErrorHandler = (
  error: unknown,
  task: Task,
  ctx: TaskContext | undefined,
  verdict: Verdict,
) => unknown;
