/** The same as a CommonJS user sees it. */
import prom = require("prom-client");
import titanqueue = require("titanqueue");
import metrics = require("titanqueue/metrics");

export async function scrape(server: titanqueue.Server): Promise<string> {
  const registry = new prom.Registry();
  metrics.registerEngineMetrics(registry, new titanqueue.Inspector("memory:"), { names: "titanqueue" });
  metrics.registerServerMetrics(registry, server);
  return registry.metrics();
}
