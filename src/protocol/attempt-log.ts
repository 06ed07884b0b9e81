import { safeText } from "./utf8.ts";

/** A failed attempt as it is kept with its task, in the hash field `tq:log`: `docs/protocol.md` 18.12. */
export interface AttemptRecord {
  /** When it ended, milliseconds. */
  readonly at: number;
  readonly outcome: "retry" | "archive";
  /** Why, as in the event `taskSettled`. */
  readonly cause: string;
  /** How long its handler ran, milliseconds; `undefined`: not known, since its lease ran out. */
  readonly duration: number | undefined;
  /** `host:pid` of the server that ran it; `undefined`: not known. */
  readonly server: string | undefined;
  /** What it threw, of which 512 bytes are kept. */
  readonly error: string;
}

/** Entries that a task keeps. */
const KEPT = 10;
/** Of an error that are kept, in bytes of UTF-8. */
const ERROR_BYTES = 512;
/** Between two entries. No JSON text has a line break in it, so a script can count them without reading JSON. */
const SEPARATOR = "\n,";

/** The entry that a script adds. */
export function encodeAttempt({ at, outcome, cause, duration, server, error }: AttemptRecord): string {
  return JSON.stringify([
    Math.floor(at),
    outcome,
    cause,
    duration === undefined ? null : Math.round(duration),
    server ?? null,
    safeText(error, ERROR_BYTES),
  ]);
}

/** The log with one more entry: what `settle.lua` does in Redis. */
export function withAttempt(log: string | undefined, entry: string): string {
  const kept = log === undefined ? [] : log.slice(1, -1).split(SEPARATOR);
  return `[${[...kept.slice(1 - KEPT), entry].join(SEPARATOR)}]`;
}

/** The attempts in a log, oldest first. What is none, as others may have written it, is left out. */
export function decodeAttempts(log: string): AttemptRecord[] {
  let entries: unknown;
  try {
    entries = JSON.parse(log);
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
  return Array.isArray(entries) ? entries.slice(-KEPT).flatMap((entry) => decodeAttempt(entry) ?? []) : [];
}

function decodeAttempt(entry: unknown): AttemptRecord | undefined {
  if (!Array.isArray(entry)) return undefined;
  const [at, outcome, cause, duration, server, error] = entry as unknown[];
  if (typeof at !== "number" || !Number.isFinite(at)) return undefined;
  if (outcome !== "retry" && outcome !== "archive") return undefined;
  if (typeof cause !== "string" || typeof error !== "string") return undefined;
  return {
    at,
    outcome,
    cause,
    duration: typeof duration === "number" ? duration : undefined,
    server: typeof server === "string" ? server : undefined,
    error,
  };
}
