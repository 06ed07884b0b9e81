import type { Report } from "./report.ts";
import type { Scenario } from "./scenarios.ts";

/** Small sizes: only figures that do not depend on how busy the machine is are judged. */
export const SMOKE: readonly Scenario[] = [
  {
    name: "process-c10",
    unit: "tasks/s",
    runs: 1,
    size: 5_000,
    concurrency: 10,
    measure: "process",
  },
  { name: "redis-memory", unit: "bytes/task", runs: 1, size: 5_000, measure: "memory" },
  {
    name: "idle-commands",
    unit: "commands/s",
    runs: 1,
    size: 30,
    concurrency: 10,
    measure: "idle",
  },
];

// Idle: the goal is 5; half a minute sees one round of maintenance more or less.
const BOUNDS: Readonly<Record<string, number>> = {
  "redis-calls": 6,
  "redis-memory": 700,
  "idle-commands": 5.5,
};

/** Throws when a figure is over its bound, or missing. */
export function checkSmoke({ scenarios }: Report): void {
  let failed = 0;
  for (const [name, bound] of Object.entries(BOUNDS)) {
    const figure = scenarios.find((s) => s.scenario === name)?.median ?? Number.NaN;
    const good = figure <= bound;
    if (!good) failed += 1;
    process.stdout.write(`${good ? "ok  " : "FAIL"} ${name}: ${figure}, at most ${bound}\n`);
  }
  if (failed > 0) throw new Error(`${failed} figures are over their bound`);
}
