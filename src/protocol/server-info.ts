import type { Timestamp } from "./timestamp.ts";

export type ServerStatus = "new" | "active" | "stopped" | "closed";

/** A running server as the tools see it: asynq's `asynq.ServerInfo`, `docs/protocol.md` 5.2. */
export interface ServerInfo {
  readonly host: string;
  readonly pid: number;
  readonly serverId: string;
  readonly concurrency: number;
  /** Queue name -> weight as configured. */
  readonly queues: ReadonlyMap<string, number>;
  readonly strictPriority: boolean;
  readonly status: ServerStatus | (string & {});
  readonly startTime: Timestamp;
  readonly activeWorkerCount: number;
  /** Unknown field 1000, `titanqueue/x.y.z`; absent on a Go server. */
  readonly peer?: string;
  /** Unknown field 1001, the most that its event loop came round too late since the record before, milliseconds; of ours alone. */
  readonly lag?: number;
}
