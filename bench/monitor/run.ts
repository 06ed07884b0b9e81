/**
 * `make bench-monitor`: how soon the monitor's pages show their data with a million tasks behind them, and what a browser
 * loads for it. Writes `bench/results/monitor.json` and a table.
 */
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { type Browser, chromium } from "playwright-core";
import { createMonitor } from "titanqueue/monitor";
import { findChromium } from "../../scripts/find-chromium.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { RedisRig } from "../../test/support/redis-rig.ts";
import { COUNTS, QUEUE, RARE, seed } from "./seed.ts";

const RUNS = 5;
/** Milliseconds. */
const GOAL = 1_000;

/** What each page says once its data is there. */
const PAGES: readonly { readonly page: string; readonly path: string; readonly shows: string }[] = [
  { page: "Overview", path: "/", shows: QUEUE },
  { page: "Queues", path: "/queues", shows: QUEUE },
  { page: "Queue, pending", path: `/queues/${QUEUE}?state=pending`, shows: "email:welcome" },
  { page: "Queue, retry", path: `/queues/${QUEUE}?state=retry`, shows: "email:welcome" },
  { page: "Tasks", path: "/tasks", shows: "email:welcome" },
  { page: "Tasks, one type", path: `/tasks?filter=type:${RARE}`, shows: RARE },
  { page: "Task", path: `/queues/${QUEUE}/tasks/task-0450000`, shows: "ada@example.com" },
  { page: "Failures", path: "/failures", shows: "ECONNREFUSED" },
  { page: "Servers", path: "/servers", shows: "No server" },
  { page: "Schedulers", path: "/schedulers", shows: "No task" },
  { page: "Groups", path: "/groups", shows: "roup" },
  { page: "Metrics", path: "/metrics", shows: "1 h" },
  { page: "Engine", path: "/engine", shows: "doctor" },
];

interface Visit {
  /** Milliseconds from the navigation to the data. */
  readonly data: number;
  readonly bytes: number;
  readonly scriptBytes: number;
}

const rig = await RedisRig.start();
const client = rig.client();
process.stdout.write("writing a million tasks\n");
await seed(client, Date.now());
const monitor = createMonitor({ engine: rig.url, logger: silentLogger });
const url = await monitor.listen({ port: 0 });
const browser = await chromium.launch({ executablePath: await findChromium(), args: ["--no-sandbox"] });
try {
  await client.config("SET", "slowlog-log-slower-than", "20000", "slowlog-max-len", "1000");
  await client.slowlog("RESET");
  const rows = [];
  for (const { page, path, shows } of PAGES) {
    const visits: Visit[] = [];
    for (let run = 0; run < RUNS; run += 1)
      visits.push(await visit(browser, new URL(path.slice(1), url), shows));
    const times = visits.map(({ data }) => data).sort((a, b) => a - b);
    const first = visits[0] as Visit;
    rows.push({
      page,
      median: times[RUNS >> 1] as number,
      least: times[0] as number,
      most: times.at(-1) as number,
      bytes: first.bytes,
      scriptBytes: first.scriptBytes,
    });
  }
  const slow = (await client.slowlog("GET", -1)) as [number, number, number, string[]][];
  print(rows);
  process.stdout.write(`Redis: ${slow.length} commands took over 20 ms\n`);
  for (const [, , microseconds, command] of slow) {
    process.stdout.write(`${(microseconds / 1_000).toFixed(1)} ms  ${command.slice(0, 3).join(" ")}\n`);
  }
  const result = { tasks: COUNTS, runs: RUNS, cpus: cpus().length, pages: rows, slowCommands: slow.length };
  const file = fileURLToPath(new URL("../results/monitor.json", import.meta.url));
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
  if (rows.some(({ median }) => median > GOAL)) process.exitCode = 1;
} finally {
  await browser.close();
  await monitor.close();
  client.disconnect();
  await rig.stop();
}

/** In a window without a cache. */
async function visit(browser: Browser, page: URL, shows: string): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  try {
    const tab = await context.newPage();
    const session = await context.newCDPSession(tab);
    let bytes = 0;
    let scriptBytes = 0;
    const scripts = new Set<string>();
    await session.send("Network.enable");
    session.on("Network.responseReceived", ({ requestId, type }) => {
      if (type === "Script") scripts.add(requestId);
    });
    session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
      bytes += encodedDataLength;
      if (scripts.has(requestId)) scriptBytes += encodedDataLength;
    });
    await tab.goto(String(page), { waitUntil: "commit" });
    // Looked for at each frame: waits that ask now and then add up to half a second.
    const shown = await tab.waitForFunction(
      (text) => document.querySelector("main")?.textContent.includes(text) && performance.now(),
      shows,
      { polling: "raf" },
    );
    const data = await shown.jsonValue();
    return { data: Math.round(Number(data)), bytes, scriptBytes };
  } finally {
    await context.close();
  }
}

function print(
  rows: readonly {
    page: string;
    median: number;
    least: number;
    most: number;
    bytes: number;
    scriptBytes: number;
  }[],
) {
  process.stdout.write("\n| page | first data, ms | bytes | of which scripts |\n|---|---|---|---|\n");
  for (const { page, median, least, most, bytes, scriptBytes } of rows) {
    process.stdout.write(`| ${page} | ${median} (${least}–${most}) | ${bytes} | ${scriptBytes} |\n`);
  }
  process.stdout.write("\n");
}
