import { Counter, Gauge, Histogram } from "prom-client";
import { InvalidOptionError } from "../errors.ts";
import type { AttemptFacts, Server, TaskSettled } from "../index.ts";
import { requireKnownNames } from "../suggestion.ts";
import { registerEventLoopLag } from "./event-loop-lag.ts";
import type { MetricsRegistry } from "./metrics-registry.ts";
import { TypeNames } from "./type-names.ts";

export interface ServerMetricsOptions {
  /** Types of tasks that are told apart; later ones are counted as `other`. @defaultValue 100 */
  maxTypes?: number | undefined;
}

const MOST_TYPES = 100;

/** Seconds: from what a round trip takes to what nobody should wait for. */
const BUCKETS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200];

type Observed = Pick<Server, "on" | "health">;

/**
 * Registers what servers of this process do: attempts by queue and type, how long tasks waited and ran, leases that were
 * lost, what is run again and why, and whether the event loop keeps up. Made of `server.on(…)` alone.
 *
 * @param servers - one, or all of this process; a registry takes no second call
 * @returns takes them out of the registry again
 * @throws {@link InvalidOptionError} an option is unknown or not acceptable.
 * @example
 * const registry = new Registry();
 * registerServerMetrics(registry, server);
 */
export function registerServerMetrics(
  registry: MetricsRegistry,
  servers: Observed | readonly Observed[],
  options: ServerMetricsOptions = {},
): () => void {
  requireKnownNames("registerServerMetrics", options, ["maxTypes"]);
  const { maxTypes = MOST_TYPES } = options;
  if (!Number.isSafeInteger(maxTypes) || maxTypes < 0) {
    throw new InvalidOptionError("maxTypes", `expected a whole number; got ${JSON.stringify(maxTypes)}`);
  }
  const all = "on" in servers ? [servers] : servers;
  const metrics = metricsIn(registry, all);
  const types = new TypeNames(maxTypes);
  const stops = all.flatMap((server) => [
    server.on("taskSettled", (event) => settled(event, metrics, types.labelOf(event.type))),
    server.on("leaseLost", ({ queue }: AttemptFacts) => metrics.leasesLost.inc({ queue })),
  ]);
  const stopLag = registerEventLoopLag(registry);
  return () => {
    for (const stop of stops) stop();
    stopLag();
    for (const name of Object.values(NAMES)) registry.removeSingleMetric(name);
  };
}

const NAMES = {
  processed: "titanqueue_tasks_processed_total",
  failed: "titanqueue_tasks_failed_total",
  redelivered: "titanqueue_redeliveries_total",
  leasesLost: "titanqueue_leases_lost_total",
  run: "titanqueue_task_run_seconds",
  wait: "titanqueue_task_wait_seconds",
  running: "titanqueue_tasks_running",
} as const;

type Metrics = ReturnType<typeof metricsIn>;

function metricsIn(registry: MetricsRegistry, servers: readonly Observed[]) {
  const registers = [registry];
  new Gauge({
    name: NAMES.running,
    help: "Tasks that run in this process.",
    registers,
    collect() {
      this.set(servers.reduce((all, server) => all + server.health().running, 0));
    },
  });
  return {
    processed: new Counter({
      name: NAMES.processed,
      help: "Attempts whose end the engine has recorded, failures included; those that were handed back are not counted.",
      labelNames: ["queue", "type"],
      registers,
    }),
    failed: new Counter({
      name: NAMES.failed,
      help: "Attempts that ended in a retry or in the archive, by cause; RetryLater is no failure.",
      labelNames: ["queue", "type", "cause"],
      registers,
    }),
    redelivered: new Counter({
      name: NAMES.redelivered,
      help: "Attempts after which the task is run once more, by cause.",
      labelNames: ["queue", "cause"],
      registers,
    }),
    leasesLost: new Counter({
      name: NAMES.leasesLost,
      help: "Attempts that were no longer this server's when they ended: the task ran elsewhere, too.",
      labelNames: ["queue"],
      registers,
    }),
    run: new Histogram({
      name: NAMES.run,
      help: "How long attempts ran.",
      labelNames: ["queue", "type"],
      buckets: BUCKETS,
      registers,
    }),
    wait: new Histogram({
      name: NAMES.wait,
      help: "How long tasks had been pending when their attempt began.",
      labelNames: ["queue", "type"],
      buckets: BUCKETS,
      registers,
    }),
  };
}

function settled(event: TaskSettled, metrics: Metrics, type: string): void {
  const { queue, outcome, cause, durationMs, waitMs } = event;
  const labels = { queue, type };
  if (outcome !== "requeue") metrics.processed.inc(labels);
  if ((outcome === "retry" || outcome === "archive") && cause !== "retry-later") {
    metrics.failed.inc({ ...labels, cause });
  }
  if (outcome === "retry" || outcome === "requeue") metrics.redelivered.inc({ queue, cause });
  if (durationMs !== undefined) metrics.run.observe(labels, durationMs / 1_000);
  if (waitMs !== undefined) metrics.wait.observe(labels, waitMs / 1_000);
}
