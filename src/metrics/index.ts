export { type EngineMetricsOptions, registerEngineMetrics } from "./engine-metrics.ts";
export type { MetricsRegistry } from "./metrics-registry.ts";
export { registerServerMetrics, type ServerMetricsOptions } from "./server-metrics.ts";
