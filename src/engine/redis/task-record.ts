import type { TaskRecord, TaskState } from "../../broker/inspection.ts";
import { ceilSeconds, PARKED_UNTIL } from "../../protocol/units.ts";
import { readMessage } from "./stored-message.ts";

const STATES: ReadonlySet<string> = new Set<TaskState>([
  "active",
  "pending",
  "scheduled",
  "retry",
  "archived",
  "completed",
  "aggregating",
]);

export type BulkReply = Buffer | null;

/** Scripts answer an id and four fields of each task. */
export const FIELDS_A_TASK = 5;

/** What a script answers of a task. */
export interface TaskFields {
  readonly message: BulkReply;
  readonly result: BulkReply;
  /** Milliseconds. */
  readonly exactAt: number | undefined;
  /** Of the zset that the task lies in, or of its lease. */
  readonly score: number | undefined;
}

/** Message, result, exact instant and score, in this order. */
export function fieldsOf([message = null, result = null, exactAt, score]: readonly (
  | BulkReply
  | undefined
)[]): TaskFields {
  const number = (text: BulkReply | undefined) => (text ? Number(text) : undefined);
  return { message, result, exactAt: number(exactAt), score: number(score) };
}

export function isState(text: BulkReply | undefined): boolean {
  return text instanceof Buffer && STATES.has(text.toString());
}

/** The task in what a script answered of it; a missing hash has no message. */
export function taskRecord(
  queue: string,
  id: string,
  state: TaskState,
  fields: TaskFields,
  now: number,
): TaskRecord {
  const message = fields.message === null ? undefined : readMessage(queue, id, fields.message);
  const due = dueAt(fields, state, now);
  const parked = state === "scheduled" && due === PARKED_UNTIL;
  return {
    queue,
    id,
    state,
    message,
    ...(fields.message !== null && message === undefined && { undecodable: fields.message }),
    ...(due !== undefined && (parked ? { parked } : { nextProcessAt: due })),
    ...(fields.result !== null && { result: fields.result }),
  };
}

/** The score is the whole second after the instant; the instant itself is known only where ours was written last. */
function dueAt({ exactAt, score }: TaskFields, state: TaskState, now: number): number | undefined {
  if (state === "pending") return now;
  if ((state !== "scheduled" && state !== "retry") || score === undefined) return undefined;
  return exactAt !== undefined && ceilSeconds(exactAt) === score ? exactAt : score * 1_000;
}
