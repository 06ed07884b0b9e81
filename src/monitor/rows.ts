import type { TaskAttempt, TaskInfo } from "../index.ts";
import type { Attempt, Header, TaskDetail, TaskRow } from "./api.ts";
import { contentOf, previewOf } from "./content.ts";
import type { Redaction } from "./redaction.ts";

/** Characters of an error in a table, and on the page of its task. */
const ERROR_IN_ROW = 500;
const ERROR_IN_FULL = 65_536;

/** `redaction`: the visitor may not see secrets. */
export function taskRow(info: TaskInfo, redaction?: Redaction): TaskRow {
  const bytes = info.bytes;
  return {
    queue: info.queue,
    id: info.id,
    type: info.type,
    state: info.state,
    damaged: info.damaged,
    orphaned: info.orphaned,
    retried: info.retried,
    maxRetry: info.maxRetry,
    nextProcessAt: info.nextProcessAt?.getTime() ?? null,
    lastFailedAt: info.lastFailedAt?.getTime() ?? null,
    completedAt: info.completedAt?.getTime() ?? null,
    group: info.group ?? null,
    lastError: info.lastError?.slice(0, ERROR_IN_ROW) ?? null,
    preview: previewOf(bytes, redaction),
    payloadBytes: bytes?.length ?? 0,
    deleteAt: null,
  };
}

export function taskDetail(
  info: TaskInfo,
  now: number,
  { runningOn, uniqueLock }: Pick<TaskDetail, "runningOn" | "uniqueLock">,
  redaction?: Redaction,
): TaskDetail {
  return {
    ...taskRow(info, redaction),
    now,
    error: info.lastError?.slice(0, ERROR_IN_FULL) ?? null,
    payload: contentOf(info.bytes, redaction),
    result: contentOf(info.resultBytes, redaction),
    headers: headersOf(info, redaction),
    timeout: info.timeout ?? null,
    deadline: info.deadline?.getTime() ?? null,
    retention: info.retention,
    attempts: info.attempts?.map(attemptOf) ?? null,
    uniqueLock,
    runningOn,
  };
}

function attemptOf({ at, server, duration, ...attempt }: TaskAttempt): Attempt {
  return { ...attempt, at: at.getTime(), server: server ?? null, duration: duration ?? null };
}

function headersOf({ headers }: TaskInfo, redaction?: Redaction): Header[] {
  return Object.entries(headers).map(([name, value]) => ({
    name,
    value: redaction?.redactHeader(name, value) ?? value,
  }));
}
