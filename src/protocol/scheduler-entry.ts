import type { Timestamp } from "./timestamp.ts";

/** A periodic task as the tools see it: asynq's `asynq.SchedulerEntry`, `docs/protocol.md` 5.4. */
export interface SchedulerEntry {
  readonly id: string;
  readonly spec: string;
  readonly taskType: string;
  readonly taskPayload: Uint8Array;
  /** Option texts, `docs/protocol.md` 6.5. */
  readonly enqueueOptions: readonly string[];
  readonly nextEnqueueTime: Timestamp;
  /** `NEVER` before the first run. */
  readonly prevEnqueueTime: Timestamp;
}

/** One run of a periodic task: asynq's `asynq.SchedulerEnqueueEvent`, `docs/protocol.md` 5.5. */
export interface SchedulerEnqueueEvent {
  readonly taskId: string;
  readonly enqueueTime: Timestamp;
}
