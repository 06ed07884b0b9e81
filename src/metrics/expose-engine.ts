import { Registry } from "prom-client";
import type { Inspector } from "../index.ts";
import { type EngineMetricsOptions, registerEngineMetrics } from "./engine-metrics.ts";

/** What a scrape of an engine gives, without a registry that would have to be kept. */
export async function exposeEngine(
  inspector: Pick<Inspector, "queues" | "getQueueInfo" | "getMemoryUsage" | "servers">,
  options: EngineMetricsOptions,
): Promise<{ readonly text: string; readonly type: string }> {
  const registry = new Registry();
  registerEngineMetrics(registry, inspector, options);
  return { text: await registry.metrics(), type: registry.contentType };
}
