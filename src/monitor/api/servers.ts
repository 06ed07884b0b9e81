import type { Instant } from "./words.ts";

export interface ServerList {
  now: Instant;
  servers: ServerCard[];
}

export interface ServerCard {
  id: string;
  host: string;
  pid: number;
  status: string;
  startedAt: Instant;
  /** `titanqueue/0.1.0`; `null`: a Go server. */
  version: string | null;
  /**
   * The most that its event loop came round too late between its last two heartbeats, five seconds apart, in milliseconds;
   * `null`: a Go server.
   */
  lag: number | null;
  concurrency: number;
  strictPriority: boolean;
  queues: QueuePriority[];
  workers: WorkerRow[];
}

export interface QueuePriority {
  queue: string;
  priority: number;
}

/** What one slot does now. */
export interface WorkerRow {
  taskId: string;
  queue: string;
  type: string;
  startedAt: Instant;
  deadline: Instant | null;
}

export interface ServerRoutes {
  /** Servers that live, and what they do. */
  "GET /api/servers": { answer: ServerList };
}
