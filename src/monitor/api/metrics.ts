import type { Instant, Length } from "./words.ts";

/**
 * What servers have measured (Go servers measure nothing). Numbers come up to a minute late. Lengths are within
 * 13 % of the truth.
 */
export interface MetricsReport {
  now: Instant;
  /** Where the first step begins. */
  from: Instant;
  /** Of one step: 5 minutes, or 15 for `24h`. The last one is not over yet. */
  step: Length;
  /** By queue; in each of them all types first, then each type, the busiest first. */
  series: MetricsSeries[];
  /** There is more than fits: ask for one queue. */
  truncated: boolean;
}

export interface MetricsSeries {
  queue: string;
  /** `null`: all of them. Empty: those that were not counted by themselves, which a queue has beyond 50 in a step. */
  type: string | null;
  totals: MetricsPoint;
  /** One for each step; `null`: nothing ended in it that was measured. */
  points: (MetricsPoint | null)[];
}

export interface MetricsPoint {
  /** Attempts that ended, failures included. */
  processed: number;
  failed: number;
  /** From pending to start; `null`: not known of any. */
  wait: Percentiles | null;
  /** From start to end; `null`: not known of any. */
  run: Percentiles | null;
}

export interface Percentiles {
  p50: Length;
  p95: Length;
  p99: Length;
}

export interface MetricsQuery {
  /** Back from now. Left out: `1h`. */
  range?: "1h" | "6h" | "24h";
  /** Left out: the busiest queues. */
  queue?: string;
  /** Of the same length, and so long before: `24h` is yesterday at this time. Left out: up to now. */
  ago?: "24h";
}

export interface MetricsRoutes {
  /** Throughput, and how long tasks waited and ran, by queue and type. */
  "GET /api/metrics": { query: MetricsQuery; answer: MetricsReport };
}
