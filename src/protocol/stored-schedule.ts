import { DecodeError } from "../errors.ts";

/** A periodic task that lives in the store, `docs/protocol.md` 18.5. */
export interface StoredSchedule {
  readonly spec: string;
  readonly type: string;
  /** `undefined`: the task has none. */
  readonly payload: Uint8Array | undefined;
  /** Options of the task, as plain values. */
  readonly options: Readonly<Record<string, unknown>>;
  /** What becomes of missed ticks. */
  readonly missed: unknown;
  /** When it was stored, in milliseconds: earlier ticks are not its own. */
  readonly since: number;
}

export function encodeStoredSchedule({ payload, ...rest }: StoredSchedule): string {
  const bytes = payload === undefined ? undefined : Buffer.from(payload).toString("base64");
  return JSON.stringify({ ...rest, payload: bytes });
}

/** @throws {@link DecodeError} the text is no stored schedule. */
export function decodeStoredSchedule(text: string): StoredSchedule {
  const { spec, type, payload, options, missed, since } = objectIn(text);
  const isSound =
    typeof spec === "string" &&
    typeof type === "string" &&
    typeof since === "number" &&
    (payload === undefined || typeof payload === "string") &&
    typeof options === "object" &&
    options !== null;
  if (!isSound) throw new DecodeError("a stored schedule lacks a field, or has one of another type");
  const bytes = payload === undefined ? undefined : Buffer.from(payload, "base64");
  return { spec, type, payload: bytes, options: options as Record<string, unknown>, missed, since };
}

function objectIn(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch (cause) {
    throw new DecodeError("a stored schedule is no JSON", { cause });
  }
  throw new DecodeError("a stored schedule is no object");
}
