import type { TaskAttempt, TaskInfo } from "titanqueue";

/** What `--json` says of a task: every name is there, `null` where there is nothing. Lengths are milliseconds. */
export interface TaskJson {
  readonly queue: string;
  readonly id: string;
  readonly type: string;
  readonly state: string;
  /** As JSON, where it is JSON. */
  readonly payload: unknown;
  /** The bytes, where they are not. */
  readonly payloadBase64: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly maxRetry: number;
  readonly retried: number;
  readonly lastError: string | null;
  readonly lastFailedAt: Date | null;
  /** Of one task that was asked for: its failed attempts that are on record. */
  readonly attempts: readonly AttemptJson[] | null;
  readonly timeout: number | null;
  readonly deadline: Date | null;
  readonly group: string | null;
  readonly nextProcessAt: Date | null;
  readonly orphaned: boolean;
  readonly retention: number;
  readonly completedAt: Date | null;
  readonly result: unknown;
  readonly resultBase64: string | null;
  readonly damaged: boolean;
}

interface AttemptJson extends Omit<TaskAttempt, "duration" | "server"> {
  readonly duration: number | null;
  readonly server: string | null;
}

export function taskJson(task: TaskInfo): TaskJson {
  const [payload, payloadBase64] = value(task.bytes);
  const [result, resultBase64] = value(task.resultBytes);
  return {
    queue: task.queue,
    id: task.id,
    type: task.type,
    state: task.state,
    payload,
    payloadBase64,
    headers: { ...task.headers },
    maxRetry: task.maxRetry,
    retried: task.retried,
    lastError: task.lastError ?? null,
    lastFailedAt: task.lastFailedAt ?? null,
    attempts: task.attempts?.map(attemptJson) ?? null,
    timeout: task.timeout ?? null,
    deadline: task.deadline ?? null,
    group: task.group ?? null,
    nextProcessAt: task.nextProcessAt ?? null,
    orphaned: task.orphaned,
    retention: task.retention,
    completedAt: task.completedAt ?? null,
    result,
    resultBase64,
    damaged: task.damaged,
  };
}

function attemptJson({ duration, server, ...attempt }: TaskAttempt): AttemptJson {
  return { ...attempt, duration: duration ?? null, server: server ?? null };
}

/** Bytes as people read them: the text, if it is one, else in hexadecimal. */
export function bytesText(
  bytes: Uint8Array | undefined,
  longest = Number.POSITIVE_INFINITY,
): string | undefined {
  if (bytes === undefined || bytes.length === 0) return undefined;
  const part = bytes.subarray(0, longest);
  const text = utf8(part, part.length < bytes.length);
  const shown = text ?? `0x${Buffer.from(part).toString("hex")}`;
  return part.length < bytes.length ? `${shown}… (${bytes.length} bytes)` : shown;
}

function value(bytes: Uint8Array | undefined): [unknown, string | null] {
  if (bytes === undefined || bytes.length === 0) return [null, null];
  const text = utf8(bytes, false);
  try {
    if (text !== undefined) return [JSON.parse(text), null];
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return [null, Buffer.from(bytes).toString("base64")];
}

/** `cut`: the last character may be incomplete. `undefined`: it is no text. */
function utf8(bytes: Uint8Array, cut: boolean): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes, { stream: cut });
  } catch {
    return undefined;
  }
}
