import type { Command } from "commander";
import type { TaskAttempt, TaskInfo, TaskState } from "titanqueue";
import { each } from "../each.ts";
import { Refusal } from "../ending.ts";
import type { ExitCode } from "../exit-codes.ts";
import { type Exit, operate } from "../operate.ts";
import type { Session } from "../session.ts";
import { shownInstant, shownLength } from "../shown-time.ts";
import type { Column, Fact } from "../table.ts";
import { bytesText, taskJson } from "../task-json.ts";
import { changeCommands } from "./change.ts";
import { enqueueCommand } from "./enqueue.ts";
import {
  groupOption,
  idsOf,
  jsonlOption,
  pageOption,
  queueOption,
  sizeOption,
  stateOption,
} from "./shared.ts";

export function taskCommands(program: Command, exit: Exit): void {
  const task = program.command("task").description("look at tasks, enqueue them, change them");

  task
    .command("ls")
    .alias("list")
    .description("a page of the tasks in one state; the next to run, or to be deleted, comes first")
    .addOption(queueOption().makeOptionMandatory())
    .addOption(stateOption().makeOptionMandatory())
    .addOption(groupOption())
    .addOption(pageOption())
    .addOption(sizeOption())
    .option("--all", "every page, one after the other; needs --jsonl")
    .addOption(jsonlOption())
    .action(operate(exit, list));

  task
    .command("inspect")
    .description("one task or several, in full")
    .argument("[ids...]", "their ids")
    .addOption(queueOption().makeOptionMandatory())
    .option("-i, --id <id>", "the same as the id as a word")
    .option(
      "--raw",
      "the payload as it is stored, and nothing else; for a pipe, since it may do things to a terminal",
    )
    .addOption(jsonlOption())
    .action(operate<InspectOptions, [string[]]>(exit, inspect));

  enqueueCommand(task, exit);
  changeCommands(task, exit);
}

interface ListOptions {
  readonly queue: string;
  readonly state: TaskState;
  readonly group?: string;
  readonly page: number;
  readonly size: number;
  readonly all?: boolean;
}

/** As much of a payload as a list shows. */
const LISTED_BYTES = 100;
/** Tasks asked for at once when all are wanted. */
const ALL_SIZE = 500;

/** What a state has to tell beside id, type and payload. */
const BY_STATE: Readonly<Record<TaskState, readonly Column<TaskInfo>[]>> = {
  active: [{ title: "STATE", value: ({ orphaned }) => (orphaned ? "orphaned" : "runs") }],
  pending: [],
  scheduled: [{ title: "RUNS AT", value: ({ nextProcessAt }) => shownInstant(nextProcessAt) }],
  retry: [
    { title: "RUNS AT", value: ({ nextProcessAt }) => shownInstant(nextProcessAt) },
    { title: "RETRIED", value: ({ retried, maxRetry }) => `${retried}/${maxRetry}`, align: "right" },
    { title: "ERROR", value: ({ lastError }) => lastError },
  ],
  archived: [
    { title: "FAILED AT", value: ({ lastFailedAt }) => shownInstant(lastFailedAt) },
    { title: "ERROR", value: ({ lastError }) => lastError },
  ],
  completed: [
    { title: "COMPLETED AT", value: ({ completedAt }) => shownInstant(completedAt) },
    { title: "RESULT", value: ({ resultBytes }) => bytesText(resultBytes, LISTED_BYTES) },
  ],
  aggregating: [{ title: "GROUP", value: ({ group }) => group }],
};

function taskColumns(state: TaskState): readonly Column<TaskInfo>[] {
  return [
    { title: "ID", value: ({ id }) => id },
    { title: "TYPE", value: ({ type, damaged }) => (damaged ? "(damaged)" : type) },
    { title: "PAYLOAD", value: ({ bytes }) => bytesText(bytes, LISTED_BYTES) },
    ...BY_STATE[state],
  ];
}

async function list({ inspector, out }: Session, options: ListOptions): Promise<undefined> {
  const { queue, state, group, all = false } = options;
  if (all && out.mode !== "jsonl") throw new Refusal("--all may be long: add --jsonl");
  const pageSize = all ? ALL_SIZE : options.size;
  for (let page = all ? 1 : options.page; ; page += 1) {
    const items = await inspector.listTasks(queue, state, { page, pageSize, group });
    out.list({
      name: "tasks",
      items,
      look: { columns: taskColumns(state) },
      json: taskJson,
      also: { page, pageSize },
      empty: page === 1 ? `no ${state} tasks` : `no ${state} tasks on page ${page}`,
    });
    if (!all || items.length < pageSize) return undefined;
  }
}

interface InspectOptions {
  readonly queue: string;
  readonly id?: string;
  readonly raw?: boolean;
}

async function inspect(
  session: Session,
  options: InspectOptions,
  words: readonly string[],
): Promise<ExitCode> {
  const { inspector, out } = session;
  const { queue, raw = false } = options;
  const ids = idsOf(words, options.id);
  if (raw && ids.length > 1) throw new Refusal("--raw shows one payload: name one task");
  if (raw && out.mode !== "text") throw new Refusal("--raw and JSON exclude each other");
  const { items, code } = await each(session, ids, (id) => inspector.getTaskInfo({ queue, id }));
  if (raw) for (const { bytes } of items) out.raw(bytes ?? new Uint8Array());
  else out.list({ name: "tasks", items, look: { facts: taskFacts }, json: taskJson });
  return code;
}

function taskFacts(task: TaskInfo): readonly Fact[] {
  const { headers } = task;
  const rows: readonly (Fact | undefined)[] = [
    ["queue", task.queue],
    ["id", task.id],
    ["type", task.damaged ? "(the stored message is damaged: --raw shows its bytes)" : task.type],
    ["state", task.orphaned ? `${task.state} (orphaned: its server is gone)` : task.state],
    ["payload", bytesText(task.bytes)],
    ...Object.entries(headers).map(([name, value]): Fact => [`header ${name}`, value]),
    ["retried", `${task.retried} of ${task.maxRetry}`],
    optional("last error", task.lastError),
    optional("last failed at", shownInstant(task.lastFailedAt)),
    ...(task.attempts ?? []).map(attemptFact),
    ["timeout", task.timeout === undefined ? "none" : shownLength(task.timeout)],
    optional("deadline", shownInstant(task.deadline)),
    optional("group", task.group),
    optional("next run at", shownInstant(task.nextProcessAt)),
    ["retention", task.retention === 0 ? "none" : shownLength(task.retention)],
    optional("completed at", shownInstant(task.completedAt)),
    optional("result", bytesText(task.resultBytes)),
  ];
  return rows.filter((row) => row !== undefined);
}

function attemptFact({ at, outcome, cause, duration, server, error }: TaskAttempt): Fact {
  const after = duration === undefined ? "" : ` after ${shownLength(duration)}`;
  const where = server === undefined ? "" : ` on ${server}`;
  return ["failed attempt", `${shownInstant(at)} ${outcome} (${cause})${after}${where}: ${error}`];
}

function optional(name: string, value: string | undefined): Fact | undefined {
  return value === undefined ? undefined : [name, value];
}
