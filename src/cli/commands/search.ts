import { type Command, Option } from "commander";
import type { TaskInfo, TaskState } from "titanqueue";
import { type Watch, watched } from "../bulk.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { type Exit, operate } from "../operate.ts";
import { count } from "../progress.ts";
import type { Session } from "../session.ts";
import { shownInstant } from "../shown-time.ts";
import type { Column } from "../table.ts";
import { bytesText, taskJson } from "../task-json.ts";
import { jsonlOption, queueOption, stateOption, wholeNumber } from "./shared.ts";

const FILTER_HELP =
  "words that must all hold: id: type:email:* state: queue: group: payload.user.id:42 error:~timeout since:1h before:; " +
  "~ stands for `holds`, - before a word for `not`";

export function searchCommand(program: Command, exit: Exit): void {
  program
    .command("search")
    .description("find tasks by what they hold, in small parts, beside servers at work")
    .argument("<filter...>", FILTER_HELP)
    .addOption(queueOption())
    .addOption(stateOption())
    .addOption(
      new Option("--limit <number>", "tasks of one page, at most 1000")
        .default(100)
        .argParser(wholeNumber(1, 1_000)),
    )
    .option("--cursor <text>", "where the page before said that this one begins")
    .addOption(jsonlOption())
    .addHelpText(
      "after",
      "\nWith --jsonl every page is looked for, one after the other. A word of a filter that begins with - stands after --.",
    )
    .action(operate<SearchCommandOptions, [string[]]>(exit, search));
}

interface SearchCommandOptions {
  readonly queue?: string;
  readonly state?: TaskState;
  readonly limit: number;
  readonly cursor?: string;
}

export const FOUND: readonly Column<TaskInfo>[] = [
  { title: "QUEUE", value: ({ queue }) => queue },
  { title: "STATE", value: ({ state }) => state },
  { title: "ID", value: ({ id }) => id },
  { title: "TYPE", value: ({ type, damaged }) => (damaged ? "(damaged)" : type) },
  { title: "AT", value: (task) => shownInstant(task.completedAt ?? task.lastFailedAt ?? task.nextProcessAt) },
  { title: "PAYLOAD", value: ({ bytes }) => bytesText(bytes, 100) },
  { title: "ERROR", value: ({ lastError }) => lastError },
];

async function search(
  session: Session,
  options: SearchCommandOptions,
  words: readonly string[],
): Promise<ExitCode> {
  const { out } = session;
  const { result } = await watched(out, "looked at", (watch) =>
    pages(session, options, words.join(" "), watch),
  );
  if (result === undefined) throw new Error("a search answers when it is stopped");
  const { cursor, found, scanned, total, aborted } = result;
  if (cursor !== undefined) {
    out.note(
      `${count(found)} found in ${count(scanned)} of ${count(total)} tasks; go on with --cursor ${cursor}`,
    );
  } else out.note(`${count(found)} found in ${count(scanned)} tasks`);
  if (!aborted) return EXIT.ok;
  out.error({
    code: "STOPPED",
    message: `stopped after ${count(scanned)} of ${count(total)} tasks`,
    remedy: cursor === undefined ? undefined : `go on with --cursor ${cursor}`,
    exit: EXIT.failed,
  });
  return EXIT.failed;
}

/** One page, or with `--jsonl` one after the other. */
async function pages(
  { inspector, out }: Session,
  { queue, state, limit, cursor: first }: SearchCommandOptions,
  filter: string,
  { signal, onProgress }: Watch,
) {
  const scope = {
    limit,
    signal,
    ...(queue !== undefined && { queues: [queue] }),
    ...(state !== undefined && { states: [state] }),
  };
  let found = 0;
  let scanned = 0;
  for (let cursor = first; ; ) {
    const before = scanned;
    const page = await inspector.search(filter, {
      ...scope,
      ...(cursor !== undefined && { cursor }),
      onProgress: ({ done, total }) => onProgress({ done: Math.min(total, before + done), total }),
    });
    cursor = page.cursor;
    found += page.tasks.length;
    scanned += page.scanned;
    const { total } = page;
    const also = { cursor: cursor ?? null, scanned: page.scanned, total };
    out.list({ name: "tasks", items: page.tasks, look: { columns: FOUND }, json: taskJson, also });
    if (out.mode !== "jsonl" || cursor === undefined || signal.aborted) {
      return { cursor, found, scanned, total, aborted: signal.aborted };
    }
  }
}
