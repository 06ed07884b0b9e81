import { decodeTaskMessage } from "../../../src/protocol/codec.ts";
import { parseGoDuration } from "../../../src/protocol/go-text.ts";
import type { Step } from "../../engine/redis/golden-calls.ts";
import { type Peer, PeerError, type PeerRecord } from "../peer.ts";
import type { Planned } from "./plan.ts";

type GoCall = (planned: Planned) => Promise<unknown>;
type TaskText = string;

const seconds = (instant: string) => Math.floor(Date.parse(instant) / 1_000);
const instantOf = (unix: number) => new Date(Math.round(unix * 1_000)).toISOString();

const LISTS = {
  pending: "ListPending",
  active: "ListActive",
  scheduled: "ListScheduled",
  retry: "ListRetry",
  archived: "ListArchived",
  completed: "ListCompleted",
} as const;

/** asynq's broker, asked in the words of the golden vectors. */
export function goSide(peer: Peer): (planned: Planned) => Promise<Pick<Step, "result" | "error">> {
  const ask = <R = unknown>(method: string, ...args: unknown[]) => peer.broker<R>(method, ...args);
  const nothing = async (answer: Promise<unknown>) => {
    await answer;
    return undefined;
  };
  const ending =
    (method: string): GoCall =>
    ({ args: { message } }) =>
      nothing(ask(method, message));
  const change =
    (method: string): GoCall =>
    ({ queue, args: { id } }) =>
      nothing(ask(method, queue, id));
  const changeAll =
    (verb: string): GoCall =>
    async ({ queue, args: { state, group } }) => {
      const what = `${verb}${state.charAt(0).toUpperCase()}${state.slice(1)}Tasks`;
      return { n: await (group === undefined ? ask(what, queue) : ask(what, queue, group)) };
    };

  const calls: Readonly<Record<string, GoCall>> = {
    enqueue: ({ args }) => nothing(ask("Enqueue", args.message)),
    enqueueUnique: ({ args }) => nothing(ask("EnqueueUnique", args.message, `${args.ttl}s`)),
    schedule: ({ args }) => nothing(ask("Schedule", args.message, instantOf(args.processAt))),
    scheduleUnique: ({ args }) =>
      nothing(ask("ScheduleUnique", args.message, instantOf(args.processAt), `${args.ttl}s`)),
    addToGroup: ({ args }) => nothing(ask("AddToGroup", args.message, args.group)),
    addToGroupUnique: ({ args }) =>
      nothing(ask("AddToGroupUnique", args.message, args.group, `${args.ttl}s`)),
    dequeue: async ({ queue }) => {
      const [message, lease] = await ask<[TaskText, string]>("Dequeue", queue);
      return { message, lease: seconds(lease) };
    },
    done: ending("Done"),
    complete: ending("MarkAsComplete"),
    requeue: ending("Requeue"),
    retry: ({ args }) =>
      nothing(ask("Retry", args.message, instantOf(args.retryAt), args.errorText, args.isFailure)),
    archive: ({ args }) => nothing(ask("Archive", args.message, args.errorText)),
    extendLease: async ({ queue, args }) => ({
      lease: seconds(await ask("ExtendLease", queue, ...args.ids)),
    }),
    writeResult: ({ queue, args }) =>
      nothing(ask("WriteResult", queue, args.id, Buffer.from(args.result).toString("hex"))),
    forward: ({ queue }) => nothing(ask("ForwardIfReady", queue)),
    listLeaseExpired: async (planned) => {
      const expired = await listExpired(planned);
      return { ids: expired.map((message) => decodeTaskMessage(Buffer.from(message, "hex")).id).sort() };
    },
    recover: async (planned) => {
      const { args } = planned;
      for (const message of await listExpired(planned)) {
        const { retried, retry } = decodeTaskMessage(Buffer.from(message, "hex"));
        if (retried >= retry) await ask("Archive", message, args.errorText);
        else await ask("Retry", message, instantOf(args.retryAt), args.errorText, true);
      }
      return undefined;
    },
    deleteExpiredCompleted: ({ queue, args }) =>
      nothing(ask("DeleteExpiredCompletedTasks", queue, args.batch)),
    aggregationCheck: async ({ queue, at, args }) => ({
      setId: await ask(
        "AggregationCheck",
        queue,
        args.group,
        new Date(at).toISOString(),
        `${args.gracePeriod}s`,
        `${args.maxDelay}s`,
        args.maxSize,
      ),
    }),
    readAggregationSet: async ({ queue, args }) => {
      const [messages, deadline] = await ask<[TaskText[], string]>(
        "ReadAggregationSet",
        queue,
        args.group,
        args.setId,
      );
      const ids = messages.map((message) => decodeTaskMessage(Buffer.from(message, "hex")).id);
      return { deadline: seconds(deadline), ids };
    },
    deleteAggregationSet: ({ queue, args }) =>
      nothing(ask("DeleteAggregationSet", queue, args.group, args.setId)),
    reclaimStaleAggregationSets: ({ queue }) => nothing(ask("ReclaimStaleAggregationSets", queue)),
    writeServerState: ({ args }) =>
      nothing(ask("WriteServerState", args.server, args.workers, `${args.ttl}s`)),
    clearServerState: ({ args }) => nothing(ask("ClearServerState", args.host, args.pid, args.serverId)),
    listServers: async () => {
      const servers = (await ask<string[]>("ListServers")).sort();
      return { servers, workers: (await ask<string[]>("ListWorkers")).sort() };
    },
    writeEntries: ({ args }) =>
      nothing(ask("WriteSchedulerEntries", args.schedulerId, args.entries, `${args.ttl}s`)),
    clearEntries: ({ args }) => nothing(ask("ClearSchedulerEntries", args.schedulerId)),
    listEntries: async () => (await ask<string[]>("ListSchedulerEntries")).sort(),
    recordEvent: ({ args }) => nothing(ask("RecordSchedulerEnqueueEvent", args.entryId, args.event)),
    listEvents: ({ args: { entryId, page, size } }) =>
      ask("ListSchedulerEnqueueEvents", entryId, { Page: page, Size: size }),
    pause: ({ queue }) => nothing(ask("Pause", queue)),
    unpause: ({ queue }) => nothing(ask("Unpause", queue)),
    queues: async () => (await ask<string[]>("AllQueues")).sort(),
    queueInfo: async ({ queue }) => shownInfo(await ask("CurrentStats", queue)),
    history: async ({ queue, args }) => {
      const days = await ask<{ Processed: number; Failed: number; Time: string }[]>(
        "HistoricalStats",
        queue,
        args.days,
      );
      return days.map(({ Processed, Failed, Time }) => ({
        processed: Processed,
        failed: Failed,
        day: Time.slice(0, 10),
      }));
    },
    removeQueue: ({ queue }) => nothing(ask("RemoveQueue", queue, false)),
    runTask: change("RunTask"),
    archiveTask: change("ArchiveTask"),
    deleteTask: change("DeleteTask"),
    runAll: changeAll("RunAll"),
    archiveAll: changeAll("ArchiveAll"),
    deleteAll: changeAll("DeleteAll"),
    updatePayload: ({ queue, args }) => nothing(ask("UpdateTaskPayload", queue, args.id, args.payload)),
    groups: async ({ queue }) =>
      (await ask<{ Group: string; Size: number }[]>("GroupStats", queue))
        .map(({ Group, Size }) => ({ group: Group, size: Size }))
        .sort((a, b) => (a.group < b.group ? -1 : 1)),
    getTaskInfo: async ({ queue, args: { id } }) => {
      const info = await ask<PeerRecord>("GetTaskInfo", queue, id);
      const next = info["NextProcessAt"];
      return { id, state: info["State"], ...(typeof next === "string" && { nextProcessAt: seconds(next) }) };
    },
    list: async ({ queue, args }) => {
      const page = { Page: args.page, Size: args.size };
      const tasks = await (args.state === "aggregating"
        ? ask<PeerRecord[]>("ListAggregating", queue, args.group, page)
        : ask<PeerRecord[]>(LISTS[args.state], queue, page));
      return tasks.map((task) => ({
        id: decodeTaskMessage(Buffer.from(String(task["Message"]), "hex")).id,
        state: task["State"],
      }));
    },
  };

  function listExpired({ queue, args }: Planned): Promise<TaskText[]> {
    return ask("ListLeaseExpired", instantOf(args.cutoff), queue);
  }

  return async (planned) => {
    try {
      await peer.setClock(planned.at);
      return { result: await calls[planned.op]!(planned) };
    } catch (error) {
      if (error instanceof PeerError) return { error: error.code };
      throw error;
    }
  };
}

/** The names of the golden vectors. */
function shownInfo(stats: PeerRecord): Record<string, unknown> {
  const count = (name: string) => stats[name];
  const latency = parseGoDuration(String(stats["Latency"])) ?? 0n;
  return {
    pending: count("Pending"),
    active: count("Active"),
    scheduled: count("Scheduled"),
    retry: count("Retry"),
    archived: count("Archived"),
    completed: count("Completed"),
    aggregating: count("Aggregating"),
    groups: count("Groups"),
    processed: count("Processed"),
    failed: count("Failed"),
    processedTotal: count("ProcessedTotal"),
    failedTotal: count("FailedTotal"),
    paused: count("Paused"),
    latencyMs: Number(latency / 1_000_000n),
    size: count("Size"),
  };
}
