import { Counter, Gauge } from "prom-client";
import { InvalidOptionError } from "../errors.ts";
import type { Inspector } from "../index.ts";
import { requireKnownNames } from "../suggestion.ts";
import type { MetricsRegistry } from "./metrics-registry.ts";
import { type MetricNames, QUEUE_METRICS, type QueueMetric } from "./queue-metrics.ts";
import { type EngineReading, readEngine } from "./queue-reading.ts";

export interface EngineMetricsOptions {
  /** `"asynq"`: the names of asynq's exporter instead of ours. @defaultValue `"titanqueue"` */
  names?: MetricNames | undefined;
  /** Which queues are shown. @defaultValue all, the first 1,000 of them by name */
  queues?: ((queue: string) => boolean) | undefined;
}

/**
 * Registers what an engine holds: its queues, read when the registry is scraped, once for all metrics. One process has
 * to do so for an engine, whatever the number of servers; `GET /metrics` of the monitor does the same.
 *
 * While the engine cannot be reached `titanqueue_engine_up` is 0, and nothing is told of queues.
 *
 * @returns takes them out of the registry again
 * @throws {@link InvalidOptionError} an option is unknown or not acceptable.
 * @example
 * const registry = new Registry();
 * registerEngineMetrics(registry, new Inspector("redis://127.0.0.1:6379"));
 * console.log(await registry.metrics());
 */
export function registerEngineMetrics(
  registry: MetricsRegistry,
  inspector: Pick<Inspector, "queues" | "getQueueInfo" | "getMemoryUsage" | "servers">,
  options: EngineMetricsOptions = {},
): () => void {
  requireKnownNames("registerEngineMetrics", options, ["names", "queues"]);
  const { names = "titanqueue", queues: shows = () => true } = options;
  if (!Object.hasOwn(QUEUE_METRICS, names)) {
    throw new InvalidOptionError("names", `expected "titanqueue" or "asynq"; got ${JSON.stringify(names)}`);
  }
  let reading: Promise<EngineReading | undefined> | undefined;
  // All metrics of a scrape are collected in one turn, and share what was read.
  const read = () => {
    reading ??= readEngine(inspector, shows).finally(() => {
      reading = undefined;
    });
    return reading;
  };
  const registers = [registry];
  new Gauge({
    name: "titanqueue_engine_up",
    help: "1 if the engine answered this scrape.",
    registers,
    async collect() {
      this.set((await read()) === undefined ? 0 : 1);
    },
  });
  new Gauge({
    name: "titanqueue_queues",
    help: "Queues there are, those included that are too many to be shown.",
    registers,
    async collect() {
      const seen = await read();
      if (seen === undefined) this.remove();
      else this.set(seen.total);
    },
  });
  for (const metric of QUEUE_METRICS[names]) registerQueueMetric(metric, registers, read);
  return () => {
    const queueNames = QUEUE_METRICS[names].map(({ name }) => name);
    for (const name of ["titanqueue_engine_up", "titanqueue_queues", ...queueNames]) {
      registry.removeSingleMetric(name);
    }
  };
}

function registerQueueMetric(
  { name, help, type, byState, samples }: QueueMetric,
  registers: MetricsRegistry[],
  read: () => Promise<EngineReading | undefined>,
): void {
  const Metric = type === "gauge" ? Gauge : Counter;
  new Metric({
    name,
    help,
    registers,
    labelNames: byState ? ["queue", "state"] : ["queue"],
    async collect() {
      const seen = await read();
      // Queues that are gone are forgotten with the scrape before.
      this.reset();
      for (const reading of seen?.queues ?? []) {
        for (const [value, state] of samples(reading)) {
          this.inc({ queue: reading.info.queue, ...(state !== undefined && { state }) }, value);
        }
      }
    },
  });
}
