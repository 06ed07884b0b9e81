import type { OpenMetricsContentType, PrometheusContentType, Registry } from "prom-client";

/** A registry of prom-client, whichever format it speaks. */
export type MetricsRegistry = Registry<PrometheusContentType> | Registry<OpenMetricsContentType>;
