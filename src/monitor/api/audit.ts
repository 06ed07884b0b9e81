import type { Instant, Role } from "./words.ts";

export interface AuditList {
  /** The last 1,000, newest first. */
  lines: AuditLine[];
}

/** Who changed what. */
export interface AuditLine {
  at: Instant;
  user: string | null;
  role: Role;
  /** The route: `POST /api/queues/{queue}/pause`. */
  what: string;
  /** What it was done to. */
  on: string;
  /** Tasks that were changed; `null`: it is not about tasks, or not known. */
  count: number | null;
  outcome: "done" | "refused" | "failed";
  /** Code of the error. */
  code: string | null;
}

export interface AuditRoutes {
  /** Who changed what through this monitor. */
  "GET /api/audit": { answer: AuditList };
}
