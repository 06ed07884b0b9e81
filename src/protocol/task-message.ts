/** A 64-bit integer of the wire: a number where it is exact, a bigint beyond 2^53. */
export type Int64 = number | bigint;

/**
 * A task as it lies in the store: asynq's protobuf message `asynq.TaskMessage`. Field numbers, units and defaults
 * are normative in `docs/protocol.md` 5.1. Zero values stand for absent ones, as in proto3.
 */
export interface TaskMessage {
  readonly type: string;
  /** `undefined` is Go's nil: no payload was given. On the wire it equals an empty one. */
  readonly payload: Uint8Array | undefined;
  readonly id: string;
  readonly queue: string;
  /** Maximum number of retries. */
  readonly retry: number;
  /** Retries so far. */
  readonly retried: number;
  readonly errorMsg: string;
  /** Seconds; 0 = none. */
  readonly timeout: Int64;
  /** Unix seconds; 0 = none. */
  readonly deadline: Int64;
  /** Full name of the unique lock key; empty = not unique. */
  readonly uniqueKey: string;
  /** Unix seconds; 0 = never. */
  readonly lastFailedAt: Int64;
  /** Seconds to keep the task after success; 0 = delete at once. */
  readonly retention: Int64;
  /** Unix seconds; 0 = not completed. */
  readonly completedAt: Int64;
  /** Empty = no group. */
  readonly groupKey: string;
  readonly headers: ReadonlyMap<string, string>;
  /** Fields of a newer peer, as raw bytes; written back after the known ones. */
  readonly unknownFields?: Uint8Array;
}

/** The headers of every message that has none. */
export const NO_HEADERS: ReadonlyMap<string, string> = new Map();
