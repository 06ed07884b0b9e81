import type { Command } from "commander";
import type { GroupInfo, ServerRecord, WorkerRecord } from "titanqueue";
import { type Exit, operate } from "../operate.ts";
import { count } from "../progress.ts";
import type { Session } from "../session.ts";
import { shownInstant } from "../shown-time.ts";
import type { Column } from "../table.ts";
import { bytesText } from "../task-json.ts";
import { jsonlOption, queueOption } from "./shared.ts";

/** `group` and `server`, which only look. */
export function fleetCommands(program: Command, exit: Exit): void {
  program
    .command("group")
    .description("look at groups, whose tasks wait to be aggregated")
    .command("ls")
    .alias("list")
    .description("the groups of a queue that have tasks")
    .addOption(queueOption().makeOptionMandatory())
    .addOption(jsonlOption())
    .action(operate(exit, listGroups));

  program
    .command("server")
    .description("look at the servers that are alive, Go's included")
    .command("ls")
    .alias("list")
    .description("every server: what it serves, what it runs")
    .option("--workers", "each task that runs now, instead of the servers; JSON has both in any case")
    .addOption(jsonlOption())
    .action(operate(exit, listServers));
}

const GROUPS: readonly Column<GroupInfo>[] = [
  { title: "GROUP", value: ({ group }) => group },
  { title: "SIZE", value: ({ size }) => count(size), align: "right" },
];

async function listGroups(
  { inspector, out }: Session,
  options: { readonly queue: string },
): Promise<undefined> {
  const items = await inspector.groups(options.queue);
  out.list({ name: "groups", items, look: { columns: GROUPS }, empty: "no group has tasks" });
  return undefined;
}

export const SERVERS: readonly Column<ServerRecord>[] = [
  { title: "HOST", value: ({ host, pid }) => `${host}:${pid}` },
  { title: "SINCE", value: ({ startedAt }) => shownInstant(startedAt) },
  {
    title: "STATUS",
    value: ({ status }) => status,
    paint: ({ status }, colors) => (status === "active" ? colors.green : colors.yellow),
  },
  { title: "BUSY", value: ({ workers, concurrency }) => `${workers.length}/${concurrency}`, align: "right" },
  {
    title: "QUEUES",
    value: ({ queues, strictPriority }) => weights(queues) + (strictPriority ? " (strict)" : ""),
  },
  { title: "VERSION", value: ({ version }) => version ?? "asynq (Go)" },
];

interface ServedWorker extends WorkerRecord {
  readonly server: string;
}

export const WORKERS: readonly Column<ServedWorker>[] = [
  { title: "SERVER", value: ({ server }) => server },
  { title: "QUEUE", value: ({ queue }) => queue },
  { title: "TYPE", value: ({ type }) => type },
  { title: "ID", value: ({ taskId }) => taskId },
  { title: "SINCE", value: ({ startedAt }) => shownInstant(startedAt) },
  { title: "PAYLOAD", value: ({ payloadBytes }) => bytesText(payloadBytes, 60) },
];

export function workersOf(servers: readonly ServerRecord[]): ServedWorker[] {
  return servers.flatMap(({ host, pid, workers }) =>
    workers.map((worker) => ({ ...worker, server: `${host}:${pid}` })),
  );
}

async function listServers(
  { inspector, out }: Session,
  options: { readonly workers?: boolean },
): Promise<undefined> {
  const servers = await inspector.servers();
  if (options.workers && out.mode === "text") {
    const items = workersOf(servers);
    out.list({ name: "workers", items, look: { columns: WORKERS }, empty: "no task runs now" });
  } else {
    const empty = "no server is alive";
    out.list({ name: "servers", items: servers, look: { columns: SERVERS }, json: serverJson, empty });
  }
  return undefined;
}

/** `null` where there is nothing, as everywhere. */
export function serverJson({ version, workers, ...server }: ServerRecord): object {
  return { ...server, version: version ?? null, workers: workers.map(workerJson) };
}

function workerJson({ payload, payloadBytes, deadline, ...worker }: WorkerRecord): object {
  const base64 = payload === undefined && payloadBytes.length > 0;
  return {
    ...worker,
    payload: payload ?? null,
    payloadBase64: base64 ? Buffer.from(payloadBytes).toString("base64") : null,
    deadline: deadline ?? null,
  };
}

function weights(queues: Readonly<Record<string, number>>): string {
  return Object.entries(queues)
    .map(([queue, weight]) => `${queue}:${weight}`)
    .join(" ");
}
