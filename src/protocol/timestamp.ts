/** `google.protobuf.Timestamp`. */
export interface Timestamp {
  /** Unix seconds. */
  readonly seconds: number;
  readonly nanos: number;
}

/** Go's zero time (year 1): how "never" is written. */
export const NEVER: Timestamp = { seconds: -62_135_596_800, nanos: 0 };

export function timestampOf(ms: number): Timestamp {
  const seconds = Math.floor(ms / 1_000);
  return { seconds, nanos: Math.floor((ms - seconds * 1_000) * 1_000_000) };
}

/** Milliseconds since the epoch, or `undefined` for Go's zero time. */
export function timestampMs({ seconds, nanos }: Timestamp): number | undefined {
  return seconds === NEVER.seconds ? undefined : seconds * 1_000 + nanos / 1_000_000;
}
