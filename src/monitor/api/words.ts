/** Milliseconds since the Unix epoch. */
export type Instant = number;

/** Milliseconds. */
export type Length = number;

export type TaskState =
  | "active"
  | "pending"
  | "scheduled"
  | "retry"
  | "archived"
  | "completed"
  | "aggregating";

/** Each role may do what those before it may. */
export type Role = "view" | "operate" | "admin";

/** Every answer with a status of 400 and above. */
export interface ErrorAnswer {
  error: ErrorFacts;
}

export interface ErrorFacts {
  /**
   * The package's own codes (`TASK_NOT_FOUND`, `ENGINE_UNAVAILABLE`, …, docs/errors.md), and the monitor's:
   * `BAD_REQUEST`, `UNAUTHENTICATED`, `FORBIDDEN`, `ADDRESS_UNKNOWN`, `READ_ONLY`, `CSRF`, `NOT_FOUND`,
   * `METHOD_NOT_ALLOWED`, `MISDIRECTED`, `TOO_LARGE`, `UNSUPPORTED_MEDIA_TYPE`, `TOO_MANY_REQUESTS`, `NOT_SUPPORTED`, `NOT_UNDOABLE`,
   * `NOT_STORED`, `INTERNAL`.
   */
  code: string;
  message: string;
  /** Where in the request: a parameter or a path in the body. */
  where?: string;
  /** Of `FILTER_INVALID` and `CRON_SPEC_INVALID`: the character, counted from 0, at which it cannot be understood. */
  position?: number;
  /** What to write instead. */
  hint?: string;
  /** Of `INVALID_PAYLOAD`: what the schema of the type says. */
  issues?: PayloadIssue[];
}

export interface PayloadIssue {
  /** As in `user.emails[0]`; empty for the payload itself. */
  path: string;
  message: string;
}

export interface TaskRef {
  queue: string;
  id: string;
}

export interface Header {
  name: string;
  value: string;
}

export type Duration = string | number;
