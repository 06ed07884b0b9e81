/**
 * `run.ts [--smoke] [--fresh] [--only a,b]`: measures every scenario on every system, in interleaved rounds, and writes the report.
 * An interrupted run is taken up where it ended, as long as code and versions are the same.
 */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, tmpdir, totalmem, type } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { RedisRig } from "../test/support/redis-rig.ts";
import { goProgram } from "./go-program.ts";
import type { Measurement } from "./measurement.ts";
import { Neighbours } from "./quiet.ts";
import { merged, type Report, type Run, report, tables } from "./report.ts";
import { SCENARIOS, type Scenario, systemsOf } from "./scenarios.ts";
import { checkSmoke, SMOKE } from "./smoke.ts";
import { deleteFile } from "./sqlite/file.ts";
import type { SystemName } from "./systems/system.ts";

const { values: flags } = parseArgs({
  options: { smoke: { type: "boolean" }, fresh: { type: "boolean" }, only: { type: "string" } },
});
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const PARTIAL = here("results/.partial.json");

/** How often a measurement is begun anew because others used the machine meanwhile. */
const TRIES = 10;
/** What is counted, and not timed, does not depend on who else uses the machine. */
const COUNTED: ReadonlySet<Scenario["measure"]> = new Set(["idle", "memory"]);
/** On the disk that the system keeps temporary files on. */
const directory = mkdtempSync(join(tmpdir(), "titanqueue-bench-"));
const FILE = `sqlite:${join(directory, "tasks.db")}`;

const asynq = flags.smoke ? undefined : goProgram();
const rig = await RedisRig.start();
const neighbours = new Neighbours([rig.pid]);
try {
  const versions = await readVersions();
  const runs = flags.smoke ? await smoke() : await full(versions);
  const result = report(runs, machine(), versions);
  process.stdout.write(`\n${tables(result)}\n`);
  if (flags.smoke) checkSmoke(result);
  else save(result);
} finally {
  await rig.stop();
  rmSync(directory, { recursive: true, force: true });
}

async function smoke(): Promise<Run[]> {
  const runs: Run[] = [];
  for (const scenario of SMOKE) runs.push(await measureOnce(0, scenario, "titanqueue"));
  return runs;
}

async function full(versions: Report["versions"]): Promise<Run[]> {
  const key = JSON.stringify({ versions, code: codeVersion(), scenarios: SCENARIOS });
  const runs = takeUp(key);
  const plan = [...planned()];
  const started = Date.now();
  for (const [index, { round, scenario, system }] of plan.entries()) {
    if (runs.some((r) => r.round === round && r.scenario === scenario.name && r.system === system)) continue;
    const run = await measured(round, scenario, system);
    runs.push(run);
    writeFileSync(PARTIAL, JSON.stringify({ key, runs }));
    const minutes = ((Date.now() - started) / 60_000).toFixed(1);
    progress(`[${index + 1}/${plan.length}, ${minutes} min]`, run, scenario);
  }
  return runs;
}

/** Round, then scenario, then system; each round begins with another system. */
function* planned(): Generator<{ round: number; scenario: Scenario; system: SystemName }> {
  const scenarios = SCENARIOS.filter(
    (s) => flags.only === undefined || flags.only.split(",").includes(s.name),
  );
  const rounds = Math.max(...scenarios.map((s) => s.runs));
  for (let round = 0; round < rounds; round++) {
    for (const scenario of scenarios) {
      if (round >= scenario.runs) continue;
      const systems = systemsOf(scenario).filter((system) => system !== "asynq" || asynq !== undefined);
      for (let i = 0; i < systems.length; i++) {
        yield { round, scenario, system: systems[(i + round) % systems.length] as SystemName };
      }
    }
  }
}

function takeUp(key: string): Run[] {
  if (flags.fresh || !existsSync(PARTIAL)) return [];
  const partial = JSON.parse(readFileSync(PARTIAL, "utf8")) as { key: string; runs: Run[] };
  if (partial.key !== key) return [];
  process.stdout.write(`taking up an interrupted run after ${partial.runs.length} measurements\n`);
  return partial.runs;
}

/** On a machine that nobody else uses, where that matters. */
async function measured(round: number, scenario: Scenario, system: SystemName): Promise<Run> {
  if (COUNTED.has(scenario.measure)) return measureOnce(round, scenario, system);
  for (let tries = 0; tries < TRIES; tries++) {
    await neighbours.quiet();
    const watched = neighbours.watch();
    const run = await measureOnce(round, scenario, system);
    const others = watched();
    if (!Neighbours.spoiled(others)) return run;
    process.stdout.write(`others used ${others.toFixed(2)} of a core during ${scenario.name}: once more\n`);
  }
  throw new Error("the machine is too busy to measure; `make bench` goes on from here when it is quiet");
}

async function measureOnce(round: number, scenario: Scenario, system: SystemName): Promise<Run> {
  const url = await emptyStore(scenario);
  const [program, ...args] = commandOf(system, url, scenario);
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  let out = "";
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  const deadline = setTimeout(() => child.kill("SIGKILL"), 300_000);
  const code = await new Promise((resolve) => child.once("exit", resolve));
  clearTimeout(deadline);
  if (code !== 0) throw new Error(`${scenario.name} on ${system} ended with ${code}`);
  const line = out.trim().split("\n").at(-1) as string;
  return { round, scenario: scenario.name, system, measurement: JSON.parse(line) as Measurement };
}

function commandOf(system: SystemName, url: string, scenario: Scenario): [string, ...string[]] {
  const what = JSON.stringify(scenario);
  if (system !== "asynq") return [process.execPath, "--import", "tsx", here("measure.ts"), system, url, what];
  if (asynq === undefined) throw new Error("there is no Go to measure asynq with");
  return [asynq.path, "measure", url, what];
}

async function emptyStore({ store }: Scenario): Promise<string> {
  if (store === "memory") return "memory:";
  if (store === "sqlite") {
    deleteFile(FILE);
    return FILE;
  }
  await rig.flush();
  return rig.url;
}

function progress(place: string, { round, system, measurement }: Run, { name, unit }: Scenario): void {
  process.stdout.write(
    `${place} round ${round + 1} ${name.padEnd(20)} ${system.padEnd(10)} ${measurement.value.toPrecision(4)} ${unit}\n`,
  );
}

/** A run of only some scenarios takes the place of their figures in the last report. */
function save(result: Report): void {
  mkdirSync(here("results"), { recursive: true });
  const latest = here("results/latest.json");
  const whole =
    flags.only === undefined || !existsSync(latest)
      ? result
      : merged(JSON.parse(readFileSync(latest, "utf8")) as Report, result);
  const text = `${JSON.stringify(whole, undefined, 2)}\n`;
  const date = new Date().toISOString().slice(0, 10);
  writeFileSync(here(`results/${date}.json`), text);
  writeFileSync(latest, text);
  rmSync(PARTIAL, { force: true });
}

function machine(): Report["machine"] {
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    os: `${type()} ${release()}`,
    node: process.version,
    loadAverage: Number((loadavg()[0] as number).toFixed(2)),
    note: "loopback, Redis in a process of its own without persistence, all processes share the cores",
  };
}

async function readVersions(): Promise<Report["versions"]> {
  const version = (path: string) =>
    (JSON.parse(readFileSync(here(path), "utf8")) as { version: string }).version;
  const client = rig.client();
  const info = await client.info("server");
  client.disconnect();
  return {
    titanqueue: version("../package.json"),
    bullmq: version("node_modules/bullmq/package.json"),
    "bee-queue": version("node_modules/bee-queue/package.json"),
    ...(!flags.smoke && {
      plainjob: version("sqlite/node_modules/plainjob/package.json"),
      liteque: version("sqlite/node_modules/liteque/package.json"),
    }),
    ...(asynq && { asynq: asynq.asynq, go: asynq.go }),
    ioredis: version("../node_modules/ioredis/package.json"),
    redis: /redis_version:(\S+)/.exec(info)?.[1] ?? "unknown",
  };
}

/** The state of the code under measurement, marked when it is not committed. */
function codeVersion(): string {
  const git = (...args: string[]) => execFileSync("git", args, { cwd: here(".."), encoding: "utf8" }).trim();
  return `${git("rev-parse", "HEAD:src")}${git("status", "--porcelain", "src") === "" ? "" : "+"}`;
}
