import type { EngineState } from "./engine.ts";
import type { Instant, Role } from "./words.ts";

export interface Session {
  /** `null`: nobody is asked to log in here. */
  user: string | null;
  role: Role;
  /** Nothing can be changed through this monitor, whatever the role. */
  readOnly: boolean;
  /** Patterns of the queues that may be seen; `null` = all. */
  queues: string[] | null;
  /** The value of `x-tq-csrf`. */
  csrf: string;
  /** Of the package. */
  version: string;
  engine: EngineState;
  now: Instant;
  /** Payload keys that are hidden from this user; empty for those who see everything. */
  redactedKeys: string[];
  /** How many bytes of a payload or result an answer shows, at most. */
  contentLimit: number;
}

export interface ExpositionQuery {
  /** `asynq`: the names of asynq's exporter. Left out: ours. */
  names?: "titanqueue" | "asynq";
}

export interface Healthy {
  ok: boolean;
}

export interface ServiceRoutes {
  /** Whether the engine answers. Open to everybody, and tells nothing else. */
  "GET /healthz": { answer: Healthy };
  /** What the engine holds, for Prometheus (text format 0.0.4). Takes the package prom-client, else `NOT_SUPPORTED`. */
  "GET /metrics": { query: ExpositionQuery; answer: string };
  /** This document. */
  "GET /api/openapi.json": { answer: unknown };
  /** Who is asking, and what they may do. */
  "GET /api/session": { answer: Session };
}
