import type { PresenceRecord } from "../broker/inspection.ts";
import { decodePayload } from "../payload.ts";
import { timestampMs } from "../protocol/timestamp.ts";
import type { WorkerInfo } from "../protocol/worker-info.ts";

/** A server that is alive: one of ours, or of Go's. */
export interface ServerRecord {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  /** Queue -> weight, as configured. */
  readonly queues: Readonly<Record<string, number>>;
  readonly concurrency: number;
  readonly strictPriority: boolean;
  /** `"new"`, `"active"`, `"stopped"` (takes no more tasks) or `"closed"`. */
  readonly status: string;
  readonly startedAt: Date;
  /** `"titanqueue/…"`; absent: a Go server. */
  readonly version?: string;
  /** The most that its event loop came round too late between its last two heartbeats, milliseconds; absent: a Go server. */
  readonly lag?: number;
  /** What it runs now. */
  readonly workers: readonly WorkerRecord[];
}

/** A task that runs now. */
export interface WorkerRecord {
  readonly taskId: string;
  readonly queue: string;
  readonly type: string;
  /** Read as JSON; `undefined` where it is none. A server may have cut a large one short. */
  readonly payload: unknown;
  readonly payloadBytes: Uint8Array;
  readonly startedAt: Date;
  readonly deadline: Date | undefined;
}

export function serverRecord({ info, workers }: PresenceRecord): ServerRecord {
  return {
    id: info.serverId,
    host: info.host,
    pid: info.pid,
    queues: Object.fromEntries(info.queues),
    concurrency: info.concurrency,
    strictPriority: info.strictPriority,
    status: info.status,
    startedAt: new Date(timestampMs(info.startTime) ?? 0),
    ...(info.peer !== undefined && { version: info.peer }),
    ...(info.lag !== undefined && { lag: info.lag }),
    workers: workers.map(workerRecord),
  };
}

function workerRecord(worker: WorkerInfo): WorkerRecord {
  const deadline = timestampMs(worker.deadline);
  return {
    taskId: worker.taskId,
    queue: worker.queue,
    type: worker.taskType,
    payload: readable(worker),
    payloadBytes: worker.taskPayload,
    startedAt: new Date(timestampMs(worker.startTime) ?? 0),
    deadline: deadline === undefined ? undefined : new Date(deadline),
  };
}

function readable({ taskPayload, taskType }: WorkerInfo): unknown {
  try {
    return taskPayload.length === 0 ? undefined : decodePayload(taskPayload, taskType);
  } catch {
    // Not JSON, or cut short: the bytes are there.
    return undefined;
  }
}
