import { monitorEventLoopDelay } from "node:perf_hooks";
import { Gauge } from "prom-client";
import type { MetricsRegistry } from "./metrics-registry.ts";

/** Milliseconds between two looks at the clock. They are part of what the histogram measures. */
const RESOLUTION = 10;

const NAMES = {
  p99: "titanqueue_event_loop_lag_p99_seconds",
  max: "titanqueue_event_loop_lag_max_seconds",
} as const;

/**
 * How much later than it should the event loop has come round: handlers that compute without a pause hold up renewals of
 * leases. Of the time since the last scrape.
 *
 * @returns ends the measurement
 */
export function registerEventLoopLag(registry: MetricsRegistry): () => void {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION });
  delay.enable();
  let seen: { readonly p99: number; readonly max: number } | undefined;
  // Both are collected in one turn, and tell of the same time.
  const read = () => {
    if (seen !== undefined) return seen;
    seen = { p99: secondsOf(delay.percentile(99)), max: secondsOf(delay.max) };
    delay.reset();
    queueMicrotask(() => {
      seen = undefined;
    });
    return seen;
  };
  const registers = [registry];
  new Gauge({
    name: NAMES.p99,
    help: "The 99th percentile of how much too late the event loop came round since the last scrape.",
    registers,
    collect() {
      this.set(read().p99);
    },
  });
  new Gauge({
    name: NAMES.max,
    help: "The most that the event loop came round too late since the last scrape.",
    registers,
    collect() {
      this.set(read().max);
    },
  });
  return () => {
    delay.disable();
    for (const name of Object.values(NAMES)) registry.removeSingleMetric(name);
  };
}

/** From nanoseconds, the time between two looks left out. */
function secondsOf(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e6 - RESOLUTION) / 1_000;
}
