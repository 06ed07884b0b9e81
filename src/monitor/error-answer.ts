import { CronSpecInvalidError, FilterInvalidError, InvalidPayloadError, TitanQueueError } from "../errors.ts";
import type { ErrorFacts } from "./api.ts";
import { HttpError } from "./http-error.ts";

interface Meaning {
  readonly status: number;
  readonly message: string;
}

/** What the package's errors mean to whoever asked over HTTP. Their own texts name what was sent; these do not. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  QUEUE_NOT_FOUND: { status: 404, message: "there is no such queue" },
  TASK_NOT_FOUND: { status: 404, message: "there is no such task (any more)" },
  SCHEDULER_ENTRY_NOT_FOUND: { status: 404, message: "there is no such scheduler entry" },
  TASK_ACTIVE: { status: 409, message: "the task runs now; cancel it" },
  TASK_STATE: { status: 409, message: "the task is not in a state in which this can be done" },
  QUEUE_NOT_EMPTY: { status: 409, message: "the queue holds tasks" },
  QUEUE_ACTIVE: { status: 409, message: "tasks of the queue run now" },
  DUPLICATE_TASK: { status: 409, message: "an equal task holds the unique lock" },
  TASK_ID_CONFLICT: { status: 409, message: "the task id is taken" },
  INVALID_OPTION: { status: 400, message: "an option is not acceptable" },
  INVALID_PAYLOAD: { status: 400, message: "the payload does not fit the schema of its type" },
  PAYLOAD_NOT_JSON: { status: 400, message: "the payload is not JSON" },
  PAYLOAD_NOT_SERIALIZABLE: { status: 400, message: "the payload cannot be stored" },
  PAYLOAD_TOO_LARGE: { status: 413, message: "the payload is too large" },
  CRON_SPEC_INVALID: { status: 400, message: "the spec cannot be understood" },
  SCHEDULER_ENTRY_EXISTS: { status: 409, message: "there is an entry of that id" },
  FILTER_INVALID: { status: 400, message: "the filter cannot be understood" },
  AMBIGUOUS_ENQUEUE: { status: 504, message: "the task was sent and its answer lost: it may be stored" },
  ENGINE_UNAVAILABLE: { status: 503, message: "the engine cannot be reached, or did not answer in time" },
  CLOSED: { status: 503, message: "the monitor is closed" },
  REDIS_NO_PERMISSION: { status: 502, message: "the engine's user may not do this" },
  REDIS_READ_ONLY: { status: 502, message: "the engine takes no writes now" },
  REDIS_OUT_OF_MEMORY: { status: 502, message: "the engine is out of memory" },
};

/** What stands in parentheses is said by a check, and may hold what was sent. */
function withoutCheck(hint: string): string {
  return hint.replace(/ \(.*\)$/s, "");
}

/** `undefined`: a bug, which is to be logged and not shown. */
export function httpErrorOf(error: unknown): HttpError | undefined {
  if (error instanceof HttpError) return error;
  if (!(error instanceof TitanQueueError)) return undefined;
  const { status, message } = MEANINGS[error.code] ?? { status: 502, message: "the engine refused this" };
  return new HttpError(status, error.code, message, moreOf(error));
}

/** What else of an error may be told: places, and what the author of a schema or a spec is told. */
function moreOf(error: TitanQueueError): Partial<ErrorFacts> {
  if (error instanceof FilterInvalidError || error instanceof CronSpecInvalidError) {
    return { position: error.position, ...(error.hint !== undefined && { hint: withoutCheck(error.hint) }) };
  }
  if (error instanceof InvalidPayloadError) {
    const issues = error.issues.map(({ path, message }) => ({ path, message }));
    const [first = { path: "" }] = issues;
    return { where: first.path === "" ? "payload" : `payload.${first.path}`, issues };
  }
  return "option" in error && typeof error.option === "string" ? { where: error.option } : {};
}
