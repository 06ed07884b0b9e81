import type { QueueInfo } from "../../src/inspector/inspector.ts";
import { formatGoDuration } from "../../src/protocol/go-text.ts";
import type { TaskInfo } from "../../src/task-info.ts";
import type { AsynqVersion } from "./peer.ts";

/** What asynq's Inspector has to answer, from what ours does; under Go's names, as the peers write it. */
export function goTask(task: TaskInfo, version: AsynqVersion): Record<string, unknown> {
  const headers = Object.keys(task.headers).length === 0 ? null : { ...task.headers };
  return {
    ID: task.id,
    Queue: task.queue,
    Type: task.type,
    Payload: hexOrNull(task.bytes?.length === 0 ? undefined : task.bytes),
    ...(version === "0.26.0" && { Headers: headers }),
    State: task.state,
    MaxRetry: task.maxRetry,
    Retried: task.retried,
    LastErr: task.lastError ?? "",
    LastFailedAt: goInstant(task.lastFailedAt),
    Timeout: goDuration(task.timeout ?? 0),
    Deadline: goInstant(task.deadline),
    Group: task.group ?? "",
    NextProcessAt: goInstant(ceiling(task.nextProcessAt)),
    IsOrphaned: task.orphaned,
    Retention: goDuration(task.retention),
    CompletedAt: goInstant(task.completedAt),
    Result: hexOrNull(task.resultBytes),
  };
}

/** But for memory, latency and the moment. */
export function goQueue(queue: QueueInfo): Record<string, unknown> {
  return {
    Queue: queue.queue,
    Size: queue.size,
    Groups: queue.groups,
    Pending: queue.pending,
    Active: queue.active,
    Scheduled: queue.scheduled,
    Retry: queue.retry,
    Archived: queue.archived,
    Completed: queue.completed,
    Aggregating: queue.aggregating,
    Processed: queue.processed,
    Failed: queue.failed,
    ProcessedTotal: queue.processedTotal,
    FailedTotal: queue.failedTotal,
    Paused: queue.paused,
  };
}

/** RFC 3339 in as few digits as Go writes. */
export function goInstant(at: Date | undefined): string | null {
  return at === undefined ? null : at.toISOString().replace(/\.?0*Z$/, "Z");
}

export function goDuration(ms: number): string {
  return formatGoDuration(BigInt(ms) * 1_000_000n);
}

/** Asynq's sets hold whole seconds: a delay finer than that shows as the second at which it is over. */
function ceiling(at: Date | undefined): Date | undefined {
  return at === undefined ? undefined : new Date(Math.ceil(at.getTime() / 1000) * 1000);
}

function hexOrNull(bytes: Uint8Array | undefined): string | null {
  return bytes === undefined ? null : Buffer.from(bytes).toString("hex");
}
