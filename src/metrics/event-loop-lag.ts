import { Gauge } from "prom-client";
import { type EventLoopLag, measureEventLoopLag } from "../runtime/event-loop-lag.ts";
import type { MetricsRegistry } from "./metrics-registry.ts";

/** Milliseconds. */
const RESOLUTION = 10;

const NAMES = {
  p99: "titanqueue_event_loop_lag_p99_seconds",
  max: "titanqueue_event_loop_lag_max_seconds",
} as const;

/**
 * How much later than it should the event loop has come round, of the time since the last scrape.
 *
 * @returns ends the measurement
 */
export function registerEventLoopLag(registry: MetricsRegistry): () => void {
  const meter = measureEventLoopLag(RESOLUTION);
  let seen: EventLoopLag | undefined;
  // Both are collected in one turn, and tell of the same time.
  const read = () => {
    if (seen !== undefined) return seen;
    seen = meter.read();
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
      this.set(read().p99 / 1_000);
    },
  });
  new Gauge({
    name: NAMES.max,
    help: "The most that the event loop came round too late since the last scrape.",
    registers,
    collect() {
      this.set(read().max / 1_000);
    },
  });
  return () => {
    meter.stop();
    for (const name of Object.values(NAMES)) registry.removeSingleMetric(name);
  };
}
