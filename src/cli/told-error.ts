import { TitanQueueError } from "titanqueue";
import { Failure, Refusal } from "./ending.ts";
import type { Place } from "./engine-url.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { safe, safeJson } from "./safe-text.ts";

/** An error as an operator reads it. */
export interface Told {
  /** Of a TitanQueueError, its own; else `USAGE`, `REFUSED`, `FAILED` or `INTERNAL`. */
  readonly code: string;
  readonly message: string;
  readonly remedy?: string | undefined;
  readonly exit: ExitCode;
  /** More lines for people: of a bug, where it is. */
  readonly details?: string | undefined;
}

/** Errors of what was asked for: nothing was done. All others are failures. */
const REFUSED: ReadonlySet<string> = new Set([
  "INVALID_OPTION",
  "ENGINE_URL_INVALID",
  "ENGINE_URL_MISSING",
  "FILTER_INVALID",
  "QUEUE_NOT_EMPTY",
  "QUEUE_ACTIVE",
  "PAYLOAD_TOO_LARGE",
  "PAYLOAD_NOT_SERIALIZABLE",
]);

const PASSWORD_PLACES = "set TITANQUEUE_URL, or `url` in a config file of mode 600";

/** What to do, by the error's code. */
const REMEDIES: Readonly<Record<string, string | ((place: Place) => string)>> = {
  QUEUE_NOT_FOUND: "`titanqueue queue ls` lists the queues",
  TASK_NOT_FOUND: "`titanqueue search id:…` finds a task in any queue",
  TASK_ACTIVE: "`titanqueue task cancel` stops it",
  TASK_ID_CONFLICT: "leave out --id, or name another",
  DUPLICATE_TASK: "let the equal task finish, or delete it",
  QUEUE_NOT_EMPTY: "--force deletes its tasks as well",
  QUEUE_ACTIVE: "let the active tasks end, or cancel them",
  ENGINE_URL_INVALID: ({ source }) => `the URL comes from ${source}`,
  ENGINE_UNAVAILABLE: ({ shown, source }) =>
    `looked for it at ${shown} (${source}); --url, TITANQUEUE_URL or titanqueue.config.json say where it is`,
  REDIS_AUTH: `the user's name and password belong in the URL: ${PASSWORD_PLACES}`,
  REDIS_NO_PERMISSION: "`titanqueue doctor` lists the permissions that are missing",
  REDIS_READ_ONLY: "name the primary, not a replica; `titanqueue doctor` says more",
};

/** What there is to tell of an error. */
export function told(error: unknown, place?: Place): Told {
  if (error instanceof TitanQueueError) {
    const { code, message } = error;
    const remedy = REMEDIES[code];
    return {
      code,
      message,
      remedy: typeof remedy === "function" ? place && remedy(place) : remedy,
      exit: REFUSED.has(code) ? EXIT.refused : EXIT.failed,
    };
  }
  if (error instanceof Refusal) return { code: "REFUSED", message: error.message, exit: EXIT.refused };
  if (error instanceof Failure) return { code: "FAILED", message: error.message, exit: EXIT.failed };
  const { message = String(error), stack } = error instanceof Error ? error : {};
  return { code: "INTERNAL", message, details: stack, exit: EXIT.failed };
}

/** The text of an error for standard error. */
export function tell({ code, message, remedy, details }: Told, form: "text" | "json"): string {
  if (form === "json") return `${safeJson({ error: { code, message, remedy: remedy ?? null } })}\n`;
  if (details !== undefined) return `titanqueue: ${details.split("\n").map(safe).join("\n")}\n`;
  return `titanqueue: ${safe(message)}${remedy === undefined ? "" : `\n  ${safe(remedy)}`}\n`;
}
