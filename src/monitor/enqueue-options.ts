import type { TaskOptions } from "../index.ts";
import type { EnqueueOptions } from "./api.ts";

/** Options as a request has them, in the words of the package. */
export function taskOptions(options: EnqueueOptions): TaskOptions {
  const { deadline, processAt, headers, unique, uniqueKey, ...rest } = options;
  return {
    ...rest,
    ...(unique !== undefined && {
      unique: uniqueKey === undefined ? unique : { for: unique, key: uniqueKey },
    }),
    ...(deadline !== undefined && { deadline: new Date(deadline) }),
    ...(processAt !== undefined && { processAt: new Date(processAt) }),
    ...(headers !== undefined && {
      headers: Object.fromEntries(headers.map(({ name, value }) => [name, value])),
    }),
  };
}

/** Options of a definition or of a stored entry: of a task, or with a lock's key that is made of each input. */
type GivenOptions = Omit<TaskOptions, "unique"> & { readonly unique?: unknown };

/** The other way about. A key that is a function cannot be told, and `processAt` is no option of what is enqueued again and again. */
export function enqueueOptions(given: GivenOptions): EnqueueOptions {
  const { queue, taskId, maxRetry, timeout, deadline, retention, unique, group, processIn, headers } = given;
  const lock = lockOf(unique);
  const told: { [K in keyof EnqueueOptions]: EnqueueOptions[K] | undefined } = {
    queue,
    taskId,
    maxRetry,
    timeout: lengthText(timeout),
    deadline: deadline === undefined ? undefined : new Date(deadline).getTime(),
    retention: lengthText(retention),
    unique: lengthText(lock.for),
    uniqueKey: typeof lock.key === "string" ? lock.key : undefined,
    replaceFinished: given.replaceFinished,
    group,
    processIn: lengthText(processIn),
    headers: headers && Object.entries(headers).map(([name, value]) => ({ name, value: String(value) })),
  };
  const known = Object.entries(told).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known) as EnqueueOptions;
}

function lockOf(unique: unknown): { readonly for?: string | number; readonly key?: unknown } {
  if (typeof unique === "string" || typeof unique === "number") return { for: unique };
  return typeof unique === "object" && unique !== null ? unique : {};
}

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
] as const;

/** `90m`, where it is stored as `5400000ms`; what is no length stays as it is. */
function lengthText(length: string | number | undefined): string | undefined {
  const ms = typeof length === "number" ? length : Number(/^(\d+)ms$/.exec(length ?? "")?.[1] ?? Number.NaN);
  if (Number.isNaN(ms)) return length as string | undefined;
  const [unit, size] = UNITS.find(([, each]) => ms > 0 && ms % each === 0) ?? ["ms", 1];
  return `${ms / size}${unit}`;
}
