import { type Command, Option } from "commander";
import type { DailyStats, QueueInfo } from "titanqueue";
import { tellStopped, watched } from "../bulk.ts";
import { confirm } from "../confirm.ts";
import { each } from "../each.ts";
import type { ExitCode } from "../exit-codes.ts";
import { type Exit, operate } from "../operate.ts";
import { count, tasks } from "../progress.ts";
import type { Session } from "../session.ts";
import { shownBytes, shownInstant, shownLength } from "../shown-time.ts";
import type { Column, Fact } from "../table.ts";
import { jsonlOption, wholeNumber, yesOption } from "./shared.ts";

export function queueCommands(program: Command, exit: Exit): void {
  const queue = program.command("queue").description("look at queues, hold them, remove them");

  queue
    .command("ls")
    .alias("list")
    .description("every queue: its tasks by state, how long the oldest waits, what ended today")
    .addOption(jsonlOption())
    .action(operate(exit, list));

  queue
    .command("inspect")
    .description("one queue or several, in full")
    .argument("<queues...>", "their names")
    .addOption(jsonlOption())
    .action(operate<object, [string[]]>(exit, inspect));

  queue
    .command("history")
    .description("what ended in one queue or several, day by day")
    .argument("<queues...>", "their names")
    .addOption(
      new Option("-x, --days <number>", "so many days, today (UTC) first; at most 90")
        .default(10)
        .argParser(wholeNumber(1, 90)),
    )
    .addOption(jsonlOption())
    .action(operate<HistoryOptions, [string[]]>(exit, history));

  for (const { name, aliases, paused, description } of HOLDS) {
    queue
      .command(name)
      .aliases(aliases)
      .description(description)
      .argument("<queues...>", "their names")
      .action(operate<object, [string[]]>(exit, (session, _, names) => hold(session, names, paused)));
  }

  queue
    .command("rm")
    .aliases(["remove", "delete"])
    .description("remove a queue; one that holds tasks only by --force")
    .argument("<queues...>", "their names")
    .option("-f, --force", "delete its tasks, too; not those that run now, which stop it")
    .addOption(yesOption())
    .action(operate<RemoveOptions, [string[]]>(exit, remove));
}

const HOLDS = [
  {
    name: "pause",
    aliases: [],
    paused: true,
    description: "servers take no more tasks from these queues; tasks can still be enqueued",
  },
  {
    name: "resume",
    aliases: ["unpause"],
    paused: false,
    description: "servers take tasks from these queues again",
  },
] as const;

/** What is worth a look stands out. */
const COLUMNS: readonly Column<QueueInfo>[] = [
  { title: "QUEUE", value: ({ queue }) => queue },
  ...(["size", "pending", "active", "scheduled", "retry", "archived", "completed"] as const).map(
    (name): Column<QueueInfo> => ({
      title: name.toUpperCase(),
      value: (info) => count(info[name]),
      align: "right",
    }),
  ),
  { title: "GROUPED", value: ({ aggregating }) => count(aggregating), align: "right" },
  { title: "WAITS", value: ({ latency }) => shownLength(latency), align: "right" },
  { title: "TODAY", value: ({ processed }) => count(processed), align: "right" },
  {
    title: "FAILED",
    value: ({ failed }) => count(failed),
    align: "right",
    paint: ({ failed }, colors) => (failed > 0 ? colors.red : String),
  },
  {
    title: "STATE",
    value: ({ paused }) => (paused ? "paused" : "runs"),
    paint: ({ paused }, colors) => (paused ? colors.yellow : colors.green),
  },
];

async function list({ inspector, out }: Session): Promise<undefined> {
  const names = await inspector.queues();
  const queues = await Promise.all(names.map((name) => inspector.getQueueInfo(name)));
  out.list({
    name: "queues",
    items: queues,
    look: { columns: COLUMNS },
    empty: "no queues: nothing was ever enqueued here",
  });
  return undefined;
}

async function inspect(session: Session, _: object, names: readonly string[]): Promise<ExitCode> {
  const { inspector, out } = session;
  const { items, code } = await each(session, names, async (name) => {
    const [info, bytes] = await Promise.all([inspector.getQueueInfo(name), inspector.getMemoryUsage(name)]);
    return { ...info, memoryBytes: bytes ?? null };
  });
  out.list({ name: "queues", items, look: { facts: queueFacts } });
  return code;
}

function queueFacts(info: QueueInfo & { readonly memoryBytes: number | null }): readonly Fact[] {
  return [
    ["queue", info.queue],
    ["state", info.paused ? "paused" : "runs"],
    ["size", count(info.size)],
    ...(
      ["pending", "active", "scheduled", "retry", "archived", "completed", "aggregating", "groups"] as const
    ).map((name): Fact => [name, count(info[name])]),
    ["oldest pending", info.pending === 0 ? undefined : `waits ${shownLength(info.latency)}`],
    ["processed today", count(info.processed)],
    ["failed today", count(info.failed)],
    ["processed ever", count(info.processedTotal)],
    ["failed ever", count(info.failedTotal)],
    ["memory", info.memoryBytes === null ? undefined : `about ${shownBytes(info.memoryBytes)}`],
    ["at", shownInstant(info.timestamp)],
  ];
}

async function hold(session: Session, names: readonly string[], paused: boolean): Promise<ExitCode> {
  const { inspector, out } = session;
  const { items, code } = await each(session, names, async (queue) => {
    // A slip of the pen would hold a queue that nobody sees.
    await inspector.getQueueInfo(queue);
    const changed = await (paused ? inspector.pauseQueue(queue) : inspector.unpauseQueue(queue));
    return { queue, paused, changed };
  });
  const line = ({ queue, changed }: { readonly queue: string; readonly changed: boolean }) =>
    `${queue} ${changed ? (paused ? "is paused" : "runs again") : paused ? "was paused already" : "was not paused"}`;
  out.list({ name: "queues", items, look: { line } });
  return code;
}

interface HistoryOptions {
  readonly days: number;
}

const HISTORY: readonly Column<DailyStats>[] = [
  { title: "QUEUE", value: ({ queue }) => queue },
  { title: "DAY", value: ({ date }) => date },
  { title: "PROCESSED", value: ({ processed }) => count(processed), align: "right" },
  {
    title: "FAILED",
    value: ({ failed }) => count(failed),
    align: "right",
    paint: ({ failed }, colors) => (failed > 0 ? colors.red : String),
  },
  {
    title: "ERROR RATE",
    value: ({ processed, failed }) =>
      processed === 0 ? undefined : `${((failed / processed) * 100).toFixed(1)} %`,
    align: "right",
  },
];

async function history(
  session: Session,
  options: HistoryOptions,
  names: readonly string[],
): Promise<ExitCode> {
  const { items, code } = await each(session, names, (name) => session.inspector.history(name, options.days));
  session.out.list({ name: "history", items: items.flat(), look: { columns: HISTORY } });
  return code;
}

interface RemoveOptions {
  readonly force?: boolean;
  readonly yes?: boolean;
}

async function remove(session: Session, options: RemoveOptions, names: readonly string[]): Promise<ExitCode> {
  const { inspector, out, place } = session;
  const { force = false, yes } = options;
  let stopped: ExitCode | undefined;
  const { items, code } = await each(session, names, async (queue) => {
    if (stopped !== undefined) return { queue, removed: false };
    const { size } = await inspector.getQueueInfo(queue);
    const held = size === 0 ? "" : ` and its ${tasks(size)}`;
    await confirm(out, {
      what: `remove queue "${queue}"${force ? held : ""} at ${place.shown}`,
      yes,
      word: queue,
    });
    const { result, steps } = await watched(out, "deleting", async (watch) => {
      await inspector.deleteQueue(queue, { ...watch, force });
      return true;
    });
    if (result === undefined) stopped = tellStopped(out, steps);
    return { queue, removed: result ?? false };
  });
  out.list({
    name: "queues",
    items,
    look: { line: ({ queue, removed }) => `${queue} is ${removed ? "removed" : "still there, and paused"}` },
  });
  return stopped ?? code;
}
