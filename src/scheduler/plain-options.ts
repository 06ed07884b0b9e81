import { type GoOption, goOptionText } from "../protocol/go-text.ts";
import {
  type CheckedTaskOptions,
  checkTaskOptions,
  LAST_INSTANT,
  type TaskOptions,
} from "../task-options.ts";

/**
 * Options of a task and of its entry as plain values, the same for equal ones however they were written: as they are
 * stored, compared, and shown to tools.
 *
 * @param input - what a key that is a function is made from
 * @throws {@link InvalidOptionError} an option is unknown or not acceptable.
 */
export function plainOptions(own: unknown, call: unknown, input: unknown): PlainOptions {
  const checked = { ...checkTaskOptions(own), ...withoutUndefined(checkTaskOptions(call)) };
  const headers = new Map([
    ...(checkTaskOptions(own).headers ?? []),
    ...(checkTaskOptions(call).headers ?? []),
  ]);
  return { checked, options: plain(checked, headers, input), texts: goTexts(checked, headers) };
}

export interface PlainOptions {
  readonly checked: CheckedTaskOptions;
  readonly options: TaskOptions;
  /** As asynq's tools read them. */
  readonly texts: readonly string[];
}

function withoutUndefined(options: CheckedTaskOptions): CheckedTaskOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

/** Lengths as text: a small number would be taken for a mistake in the unit. */
function plain(
  { timeout, deadline, processIn, unique, retention, ...rest }: CheckedTaskOptions,
  headers: ReadonlyMap<string, string>,
  input: unknown,
): TaskOptions {
  const { queue, maxRetry, taskId, replaceFinished, group } = rest;
  const options: TaskOptions = {
    queue,
    maxRetry,
    timeout: timeout === undefined || timeout === "none" ? timeout : ms(timeout),
    deadline: deadline === undefined ? undefined : new Date(deadline).toISOString(),
    processIn: ms(processIn),
    unique:
      unique === undefined
        ? undefined
        : {
            for: `${unique.ttl}ms`,
            key: typeof unique.key === "function" ? String(unique.key(input)) : unique.key,
          },
    retention: ms(retention),
    taskId,
    replaceFinished,
    group,
    headers: headers.size === 0 ? undefined : Object.fromEntries([...headers].sort()),
  };
  return JSON.parse(JSON.stringify(options)) as TaskOptions;
}

function ms(length: number | undefined): string | undefined {
  return length === undefined ? undefined : `${length}ms`;
}

function goTexts(options: CheckedTaskOptions, headers: ReadonlyMap<string, string>): string[] {
  const { queue, maxRetry, timeout, deadline, processIn, unique, retention, taskId, group } = options;
  const known: (GoOption | undefined)[] = [
    queue === undefined ? undefined : ["Queue", queue],
    maxRetry === undefined ? undefined : ["MaxRetry", maxRetry],
    typeof timeout === "number" ? ["Timeout", timeout] : undefined,
    deadline === undefined && timeout !== "none" ? undefined : ["Deadline", deadline ?? LAST_INSTANT],
    processIn === undefined ? undefined : ["ProcessIn", processIn],
    unique === undefined ? undefined : ["Unique", unique.ttl],
    retention === undefined ? undefined : ["Retention", retention],
    taskId === undefined ? undefined : ["TaskID", taskId],
    group === undefined ? undefined : ["Group", group],
    ...[...headers].map(([name, value]): GoOption => ["Header", name, value]),
  ];
  return known.filter((option) => option !== undefined).map(goOptionText);
}
