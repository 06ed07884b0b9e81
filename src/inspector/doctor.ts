import type { Engine } from "../broker/engine.ts";
import type { PresenceRecord } from "../broker/inspection.ts";
import type { Advice } from "../broker/repair.ts";
import { TitanQueueError } from "../errors.ts";

/** What is known of a store, its servers and its queues, and what to do about it. */
export interface DoctorReport {
  /** `"redis"`, `"sqlite"`, `"memory"`. */
  readonly engine: string;
  /** The worst of all. */
  readonly severity: Advice["severity"];
  /** The worst first. */
  readonly advice: readonly Advice[];
  readonly facts: Readonly<Record<string, string | number | boolean>>;
}

const SEVERITIES = ["problem", "warning", "ok"] as const;

/** Tasks that failed of each queue whose errors are looked at. */
const ERRORS_ASKED = 100;

/** Asks the store about itself, and looks at who serves what. */
export async function doctor({ repair, inspection, kind }: Engine): Promise<DoctorReport> {
  const { facts, advice: found } = await repair.diagnose();
  const advice = [...found];
  const unseen: string[] = [];
  const servers = await seen("who serves", unseen, () => inspection.servers());
  if (servers !== undefined) advice.push(...aboutServers(servers));
  const queues = (await seen("the queues", unseen, () => inspection.queues())) ?? [];
  for (const queue of queues.sort()) {
    const look = await seen(`queue ${queue}`, unseen, () => aboutQueue(queue, servers, inspection));
    if (look !== undefined) advice.push(...look);
  }
  if (unseen.length > 0) {
    advice.push({
      code: "UNSEEN",
      severity: "warning",
      finding: `this user may not look at: ${unseen.join("; ")}`,
      meaning: "Nothing is known of these, and nothing is assumed to be good.",
    });
  }
  advice.sort((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
  return { engine: kind, severity: advice[0]?.severity ?? "ok", advice, facts };
}

async function seen<T>(what: string, unseen: string[], look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof TitanQueueError) || error.code !== "REDIS_NO_PERMISSION") throw error;
    unseen.push(what);
    return undefined;
  }
}

function aboutServers(servers: readonly PresenceRecord[]): Advice[] {
  const advice: Advice[] = [
    {
      code: "SERVERS",
      severity: "ok",
      finding: servers.length === 1 ? "one server is alive" : `${servers.length} servers are alive`,
    },
  ];
  const go = servers.filter(({ info }) => info.peer === undefined);
  if (go.length > 0) {
    const names = go.map(({ info }) => `${info.host}:${info.pid} (${[...info.queues.keys()].join(", ")})`);
    advice.push({
      code: "GO_PEERS",
      severity: "warning",
      finding: `${go.length} Go servers share the queues: ${names.join("; ")}`,
      meaning:
        "They do not keep limits, round instants to seconds, and may settle an attempt that is no longer theirs.",
      remedy: "let TitanQueue serve a queue alone where that matters",
    });
  }
  return advice;
}

async function aboutQueue(
  queue: string,
  servers: readonly PresenceRecord[] | undefined,
  inspection: Engine["inspection"],
): Promise<Advice[]> {
  const info = await inspection.queueInfo(queue);
  if (info === undefined) return [];
  const advice: Advice[] = [];
  if (info.paused) {
    advice.push({
      code: "QUEUE_PAUSED",
      severity: "warning",
      finding: `queue ${queue} is paused, with ${info.pending} tasks to run`,
      meaning: "Servers take no tasks from it.",
      remedy: `titanqueue queue resume ${queue}`,
    });
  }
  if (info.pending > 0 && servers?.every((server) => !server.info.queues.has(queue))) {
    advice.push({
      code: "QUEUE_UNSERVED",
      severity: "problem",
      finding: `queue ${queue} has ${info.pending} tasks to run, and no server serves it`,
      meaning: "They wait until one does.",
      remedy: `start a server with queues: { ${JSON.stringify(queue)}: 1 }`,
    });
  }
  const types = await typesWithoutHandler(queue, inspection);
  if (types.length > 0) {
    advice.push({
      code: "HANDLER_MISSING",
      severity: "problem",
      finding: `queue ${queue} has tasks that failed since no server had a handler for ${types.join(", ")}`,
      meaning: "They are retried in vain, and then archived.",
      remedy: `mux.handle(${JSON.stringify(types[0])}, …), or run them on a server that has it`,
    });
  }
  return advice;
}

async function typesWithoutHandler(queue: string, inspection: Engine["inspection"]): Promise<string[]> {
  const types = new Set<string>();
  for (const state of ["retry", "archived"] as const) {
    const tasks = (await inspection.listTasks(queue, state, { page: 0, size: ERRORS_ASKED })) ?? [];
    for (const { message } of tasks) {
      // The words of asynq, and ours.
      if (message !== undefined && /handler not found/i.test(message.errorMsg)) types.add(message.type);
    }
  }
  return [...types].sort();
}
