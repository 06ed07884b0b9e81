import type { ServerRecord } from "../index.ts";
import type { ServerCard } from "./api.ts";
import { maySee, type Visitor } from "./scope.ts";

export function serverCard(record: ServerRecord): ServerCard {
  return {
    id: record.id,
    host: record.host,
    pid: record.pid,
    status: record.status,
    startedAt: record.startedAt.getTime(),
    version: record.version ?? null,
    lag: record.lag ?? null,
    concurrency: record.concurrency,
    strictPriority: record.strictPriority,
    queues: Object.entries(record.queues).map(([queue, priority]) => ({ queue, priority })),
    workers: record.workers.map(({ taskId, queue, type, startedAt, deadline }) => ({
      taskId,
      queue,
      type,
      startedAt: startedAt.getTime(),
      deadline: deadline?.getTime() ?? null,
    })),
  };
}

/** What a visitor may know of the servers: those that serve a queue of theirs, and nothing of other queues. */
export function visibleServers(servers: readonly ServerCard[], visitor: Visitor): ServerCard[] {
  if (visitor.queues === null) return [...servers];
  return servers
    .map((server) => ({
      ...server,
      queues: server.queues.filter(({ queue }) => maySee(visitor, queue)),
      workers: server.workers.filter(({ queue }) => maySee(visitor, queue)),
    }))
    .filter(({ queues }) => queues.length > 0);
}
