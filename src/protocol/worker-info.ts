import type { Timestamp } from "./timestamp.ts";

/** A task being run now as the tools see it: asynq's `asynq.WorkerInfo`, `docs/protocol.md` 5.3. */
export interface WorkerInfo {
  readonly host: string;
  readonly pid: number;
  readonly serverId: string;
  readonly taskId: string;
  readonly taskType: string;
  readonly taskPayload: Uint8Array;
  readonly queue: string;
  readonly startTime: Timestamp;
  readonly deadline: Timestamp;
}
