import type { Measurement } from "./measurement.ts";
import { SCENARIOS } from "./scenarios.ts";
import { type Store, SYSTEMS, type SystemName } from "./systems/system.ts";

/** One measurement that was made. */
export interface Run {
  readonly round: number;
  readonly scenario: string;
  readonly system: SystemName;
  readonly measurement: Measurement;
}

export interface ScenarioResult {
  readonly scenario: string;
  readonly system: string;
  readonly unit: string;
  readonly runs: number[];
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

type Ratio = Record<string, number>;

const STORES = Object.keys(SYSTEMS) as Store[];

export interface Report {
  readonly machine: Record<string, string | number>;
  readonly versions: Record<string, string>;
  readonly scenarios: ScenarioResult[];
  /** TitanQueue over the peer: the median of the ratios of each round. */
  readonly ratios: Record<string, Ratio | { p50: Ratio; p99: Ratio }>;
}

/** A figure that is read off a measurement; several may come from the same one. */
interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly of: (runs: RoundRuns) => number | undefined;
}

type RoundRuns = (scenario: string) => Measurement | undefined;

const sum = (a: number | undefined, b: number | undefined) =>
  a === undefined || b === undefined ? undefined : a + b;

const FIGURES: readonly Figure[] = [
  ...SCENARIOS.map(({ name, unit }) => ({ name, unit, of: (run: RoundRuns) => run(name)?.value })),
  // Until there is prefetch, concurrency 1 never has it.
  { name: "process-c1-noprefetch", unit: "tasks/s", of: (run) => run("process-c1")?.value },
  { name: "pickup-latency p50", unit: "ms", of: (run) => run("pickup-latency")?.p50 },
  { name: "pickup-latency p99", unit: "ms", of: (run) => run("pickup-latency")?.p99 },
  {
    name: "redis-cpu",
    unit: "us/task",
    of: (run) => sum(run("enqueue-concurrent")?.redisCpuUs, run("process-c100")?.redisCpuUs),
  },
  { name: "redis-calls", unit: "calls/task", of: (run) => run("process-c10")?.redisCalls },
  { name: "node-cpu", unit: "us/task", of: (run) => run("process-c100")?.nodeCpuUs },
];

export function report(
  runs: readonly Run[],
  machine: Report["machine"],
  versions: Report["versions"],
): Report {
  const rounds = [...new Set(runs.map((run) => run.round))].sort((a, b) => a - b);
  const systems = [...new Set(runs.map((run) => run.system))];
  const scenarios: ScenarioResult[] = [];
  const ratios: Record<string, Ratio> = {};
  for (const { name, unit, of } of FIGURES) {
    const value = (round: number, system: SystemName) =>
      of(
        (scenario) =>
          runs.find((r) => r.round === round && r.scenario === scenario && r.system === system)?.measurement,
      );
    for (const system of systems) {
      const values = rounds.map((round) => value(round, system)).filter((v) => v !== undefined);
      if (values.length > 0)
        scenarios.push({ scenario: name, system, unit, runs: values.map(rounded), ...spread(values) });
    }
    for (const peer of systems) {
      if (peer === "titanqueue") continue;
      const each = rounds.flatMap((round) => {
        const [ours, theirs] = [value(round, "titanqueue"), value(round, peer)];
        return ours === undefined || theirs === undefined || theirs === 0 ? [] : [ours / theirs];
      });
      if (each.length > 0) ratios[name] = { ...ratios[name], [`titanqueue/${peer}`]: rounded(median(each)) };
    }
  }
  return { machine, versions, scenarios, ratios: nestLatency(ratios) };
}

/** `newer`'s figures, and of `older` those that `newer` does not have. */
export function merged(older: Report, newer: Report): Report {
  const again = new Set(newer.scenarios.map(({ scenario }) => scenario));
  return {
    ...newer,
    versions: { ...older.versions, ...newer.versions },
    scenarios: [...older.scenarios.filter(({ scenario }) => !again.has(scenario)), ...newer.scenarios],
    ratios: { ...older.ratios, ...newer.ratios },
  };
}

function nestLatency(ratios: Record<string, Ratio>): Report["ratios"] {
  const { "pickup-latency p50": p50, "pickup-latency p99": p99, ...rest } = ratios;
  return p50 === undefined || p99 === undefined ? rest : { ...rest, "pickup-latency": { p50, p99 } };
}

function spread(values: readonly number[]) {
  return {
    median: rounded(median(values)),
    min: rounded(Math.min(...values)),
    max: rounded(Math.max(...values)),
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low, high] = [sorted[Math.max(0, middle - 1)] as number, sorted[middle] as number];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}

/** Four digits say more than the noise of any machine. */
function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

/** The report as tables in Markdown, one for each kind of store. */
export function tables(report: Report): string {
  return STORES.map((store) => table(report, store))
    .filter((text) => text !== undefined)
    .join("\n\n");
}

function table({ scenarios, ratios }: Report, store: Store): string | undefined {
  const rowsOf = scenarios.filter((s) => storeOf(s.scenario) === store);
  if (rowsOf.length === 0) return undefined;
  const systems = [...new Set(rowsOf.map((s) => s.system))];
  const peers = systems.filter((system) => system !== "titanqueue");
  const head = ["scenario", "unit", ...systems, ...peers.map((peer) => `÷ ${peer}`)];
  const rows = [...new Set(rowsOf.map((s) => s.scenario))].map((name) => {
    const of = (system: string) => rowsOf.find((s) => s.scenario === name && s.system === system);
    const cell = (r: ScenarioResult | undefined) =>
      r === undefined ? "" : `${format(r.median)} (${format(r.min)}–${format(r.max)})`;
    const ratio = ratioOf(ratios, name);
    const unit = rowsOf.find((s) => s.scenario === name)?.unit ?? "";
    const shown = peers.map((peer) => ratio?.[`titanqueue/${peer}`]);
    return [
      name,
      unit,
      ...systems.map((s) => cell(of(s))),
      ...shown.map((r) => (r === undefined ? "" : `${format(r)}×`)),
    ];
  });
  return markdown([head, head.map(() => "---"), ...rows]);
}

function markdown(rows: readonly (readonly string[])[]): string {
  return rows.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** Figures that are read off several scenarios are those of Redis. */
function storeOf(figure: string): Store {
  return SCENARIOS.find(({ name }) => name === figure)?.store ?? "redis";
}

function ratioOf(ratios: Report["ratios"], name: string): Ratio | undefined {
  const [base, quantile] = name.split(" ") as [string, "p50" | "p99" | undefined];
  const entry = ratios[base] as Record<string, unknown> | undefined;
  return (quantile === undefined ? entry : entry?.[quantile]) as Ratio | undefined;
}

const NAMES: Readonly<Record<string, string>> = { titanqueue: "TitanQueue", bullmq: "BullMQ" };

/** The medians on one kind of store, and TitanQueue as a multiple of each peer, for a reader in a hurry. */
export function summary({ scenarios, ratios, machine, versions }: Report, store: Store): string {
  // asynq is measured only where there is Go.
  const systems = SYSTEMS[store].filter((system) => scenarios.some((s) => s.system === system));
  const [, ...peers] = systems;
  const nameOf = (system: string) => NAMES[system] ?? system;
  const names = [...new Set(scenarios.map((s) => s.scenario))].filter((name) => storeOf(name) === store);
  const rows = names.map((name) => {
    const of = (system: string) => scenarios.find((s) => s.scenario === name && s.system === system);
    const ratio = ratioOf(ratios, name);
    const cells = systems.map((system) => of(system)?.median).map((v) => (v === undefined ? "" : format(v)));
    const times = peers
      .map((peer) => ratio?.[`titanqueue/${peer}`])
      .map((r) => (r === undefined ? "" : `${format(r)}×`));
    return [`\`${name}\``, of("titanqueue")?.unit ?? "", ...cells, ...times];
  });
  const head = ["scenario", "unit", ...systems.map(nameOf), ...peers.map((peer) => `÷ ${nameOf(peer)}`)];
  const redis = store === "redis" ? [`Redis ${versions["redis"]}`] : [];
  const place = [`Node ${machine["node"]}`, ...redis, ...peers.map((peer) => `${peer} ${versions[peer]}`)];
  return [
    markdown([head, head.map(() => "---"), ...rows]),
    "",
    `Medians of interleaved rounds on ${machine["cores"]} cores (${machine["cpu"]}), ${place.join(", ")}. ` +
      "For memory, CPU, calls, latency and seconds, less is better.",
  ].join("\n");
}

function format(value: number): string {
  return value >= 1_000 ? Math.round(value).toLocaleString("en-US") : String(Number(value.toPrecision(3)));
}
