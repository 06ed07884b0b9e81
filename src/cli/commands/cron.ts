import type { Command } from "commander";
import type { SchedulerEntryInfo } from "titanqueue";
import { each } from "../each.ts";
import type { ExitCode } from "../exit-codes.ts";
import { type Exit, operate } from "../operate.ts";
import type { Session } from "../session.ts";
import { shownInstant } from "../shown-time.ts";
import type { Column } from "../table.ts";
import { bytesText } from "../task-json.ts";
import { jsonlOption, pageOption, sizeOption } from "./shared.ts";

export function cronCommands(program: Command, exit: Exit): void {
  const cron = program.command("cron").description("look at periodic tasks");

  cron
    .command("ls")
    .alias("list")
    .description("every entry of the schedulers that are alive, and those that are stored")
    .addOption(jsonlOption())
    .action(operate(exit, list));

  cron
    .command("history")
    .description("what schedulers enqueued for an entry or several, the newest first")
    .argument("<entries...>", "their ids")
    .addOption(pageOption())
    .addOption(sizeOption())
    .addOption(jsonlOption())
    .action(operate<HistoryOptions, [string[]]>(exit, history));
}

const ENTRIES: readonly Column<SchedulerEntryInfo>[] = [
  { title: "ID", value: ({ id }) => id },
  { title: "SPEC", value: ({ spec }) => spec },
  { title: "TYPE", value: ({ type }) => type },
  { title: "PAYLOAD", value: ({ payloadBytes }) => bytesText(payloadBytes, 60) },
  { title: "OPTIONS", value: ({ options }) => options.join(" ") || undefined },
  { title: "NEXT", value: ({ next }) => shownInstant(next) ?? "never" },
  { title: "PREVIOUS", value: ({ previous }) => shownInstant(previous) },
  {
    title: "STATE",
    value: ({ paused, schedulers }) => (paused ? "paused" : schedulers === 0 ? "no scheduler" : "runs"),
    paint: ({ paused, schedulers }, colors) => (paused || schedulers === 0 ? colors.yellow : colors.green),
  },
];

async function list({ inspector, out }: Session): Promise<undefined> {
  const items = await inspector.schedulerEntries();
  const empty = "no scheduler is alive, and no entry is stored";
  out.list({ name: "entries", items, look: { columns: ENTRIES }, json: entryJson, empty });
  return undefined;
}

function entryJson(info: SchedulerEntryInfo): object {
  const { payload, payloadBytes, next, previous, queue, definition: _, ...entry } = info;
  const base64 = payload === undefined && payloadBytes.length > 0;
  return {
    ...entry,
    queue: queue ?? null,
    payload: payload ?? null,
    payloadBase64: base64 ? Buffer.from(payloadBytes).toString("base64") : null,
    next: next ?? null,
    previous: previous ?? null,
  };
}

interface HistoryOptions {
  readonly page: number;
  readonly size: number;
}

interface EntryEvent {
  readonly entry: string;
  readonly taskId: string;
  readonly enqueuedAt: Date;
}

const EVENTS: readonly Column<EntryEvent>[] = [
  { title: "ENTRY", value: ({ entry }) => entry },
  { title: "ENQUEUED AT", value: ({ enqueuedAt }) => shownInstant(enqueuedAt) },
  { title: "TASK", value: ({ taskId }) => taskId },
];

async function history(
  session: Session,
  { page, size: pageSize }: HistoryOptions,
  entries: readonly string[],
): Promise<ExitCode> {
  const { inspector, out } = session;
  const { items, code } = await each(session, entries, async (entry) => {
    const events = await inspector.schedulerEvents(entry, { page, pageSize });
    return events.map(({ taskId, enqueuedAt }): EntryEvent => ({ entry, taskId, enqueuedAt }));
  });
  const empty = "nothing was enqueued for it";
  out.list({
    name: "events",
    items: items.flat(),
    look: { columns: EVENTS },
    also: { page, pageSize },
    empty,
  });
  return code;
}
