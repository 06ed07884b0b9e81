/** Metrics as a strict user of the ESM build sees them. */
import { type OpenMetricsContentType, Registry } from "prom-client";
import { Inspector, type Server } from "titanqueue";
import {
  type EngineMetricsOptions,
  type MetricsRegistry,
  registerEngineMetrics,
  registerServerMetrics,
  type ServerMetricsOptions,
} from "titanqueue/metrics";

export async function scrape(server: Server, servers: readonly Server[]): Promise<string> {
  const registry: MetricsRegistry = new Registry();
  const options: EngineMetricsOptions = { names: "asynq", queues: (queue) => queue.startsWith("mail") };
  const off: () => void = registerEngineMetrics(registry, new Inspector("memory:"), options);
  off();
  registerEngineMetrics(registry, new Inspector("memory:"), { names: undefined, queues: undefined });
  registerServerMetrics(registry, server, { maxTypes: 10 } satisfies ServerMetricsOptions);
  registerServerMetrics(new Registry<OpenMetricsContentType>(), servers);
  // @ts-expect-error there are two sets of names
  registerEngineMetrics(registry, new Inspector("memory:"), { names: "bullmq" });
  return registry.metrics();
}
