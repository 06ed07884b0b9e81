import { parser } from "@prometheus-io/lezer-promql";
import { Registry } from "prom-client";
import { expect, it } from "vitest";
import board from "../../docs/grafana/titanqueue.json" with { type: "json" };
import { Inspector } from "../../src/index.ts";
import { registerEngineMetrics, registerServerMetrics } from "../../src/metrics/index.ts";
import { serverRig } from "../server/server-rig.ts";

/** Labels that Prometheus adds to whatever it scrapes. */
const SCRAPED = ["instance", "job"];

/** Every expression, with what Grafana puts in place of its variables. */
const EXPRESSIONS = board.panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr }) => ({
    title,
    expr: expr.replaceAll("$__rate_interval", "1m").replaceAll("$queue", ".*"),
  })),
);

/** What an expression names. */
function namesIn(expr: string): { metrics: string[]; labels: string[]; broken: boolean } {
  const metrics: string[] = [];
  const labels: string[] = [];
  let broken = false;
  parser.parse(expr).iterate({
    enter: ({ type, from, to }) => {
      if (type.isError) broken = true;
      if (type.name === "Identifier") metrics.push(expr.slice(from, to));
      if (type.name === "LabelName") labels.push(expr.slice(from, to));
    },
  });
  return { metrics, labels, broken };
}

/** Every series there can be, with its labels. */
async function known(): Promise<Map<string, ReadonlySet<string>>> {
  const registry = new Registry();
  const rig = serverRig();
  registerEngineMetrics(registry, new Inspector(rig.engine));
  const off = registerServerMetrics(registry, rig.server);
  const found = new Map<string, ReadonlySet<string>>();
  for (const metric of registry.getMetricsAsArray()) {
    // What prom-client's types leave out.
    const { name, type, labelNames } = metric as unknown as {
      readonly name: string;
      readonly type: string;
      readonly labelNames: readonly string[];
    };
    const labels = [...labelNames, ...SCRAPED];
    if (type !== "histogram") found.set(name, new Set(labels));
    else {
      found.set(`${name}_bucket`, new Set([...labels, "le"]));
      found.set(`${name}_sum`, new Set(labels));
      found.set(`${name}_count`, new Set(labels));
    }
  }
  off();
  return found;
}

it("asks for metrics and labels that there are, in PromQL that parses", async () => {
  const series = await known();
  expect(EXPRESSIONS.length).toBeGreaterThan(20);
  for (const { title, expr } of EXPRESSIONS) {
    const { metrics, labels, broken } = namesIn(expr);
    expect([title, expr, broken, metrics.length > 0]).toEqual([title, expr, false, true]);
    for (const metric of metrics) expect([title, metric, series.has(metric)]).toEqual([title, metric, true]);
    for (const label of labels) {
      const has = metrics.some((metric) => series.get(metric)?.has(label));
      expect([title, label, has]).toEqual([title, label, true]);
    }
  }
});

it("shows every metric there is", async () => {
  const used = new Set(EXPRESSIONS.flatMap(({ expr }) => namesIn(expr).metrics));
  const unused = [...(await known()).keys()].filter((name) => !used.has(name) && !/_(sum|count)$/.test(name));
  // How many queues there are is of interest to those who have too many.
  expect(unused).toEqual(["titanqueue_queues"]);
});

it("is what Grafana can import: ids are unique, panels do not overlap, data sources and variables are declared", () => {
  const { panels, templating } = board;
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  for (const [at, { gridPos: a }] of panels.entries()) {
    expect(a.x + a.w).toBeLessThanOrEqual(24);
    for (const { gridPos: b } of panels.slice(at + 1)) {
      const apart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
      expect([a, b, apart]).toEqual([a, b, true]);
    }
  }
  const variables = templating.list.map(({ name }) => name);
  const builtIn = ["__rate_interval", "__all"];
  for (const [, name = ""] of JSON.stringify(board).matchAll(/\$\{?(\w+)/g)) {
    expect([...variables, ...builtIn]).toContain(name);
  }
  for (const { targets = [] } of panels) {
    for (const { datasource } of targets) expect(datasource.uid).toMatch(/^\$\{datasource\}$/);
  }
});
