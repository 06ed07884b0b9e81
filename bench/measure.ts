/**
 * One measurement in a process of its own: `measure.ts <system> <url> <scenario as JSON>` prints one line of JSON,
 * `{ value, … }`. The store is empty before; see run.ts.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { Measurement } from "./measurement.ts";
import { meterOf } from "./meter.ts";
import type { Scenario } from "./scenarios.ts";
import type { StoreUse } from "./store-use.ts";
import {
  type Consumer,
  loadSystem,
  type NodeSystem,
  PAD,
  type Payload,
  type Producer,
  type System,
} from "./systems/system.ts";
import { Tally } from "./tally.ts";

const [, , systemName, url, scenarioJson] = process.argv as [string, string, NodeSystem, string, string];
const scenario = JSON.parse(scenarioJson) as Scenario;
const system = await loadSystem(systemName);
const meter = meterOf(url);

const MEASURES: Record<Scenario["measure"], (scenario: Scenario) => Promise<Measurement>> = {
  "enqueue-one": (s) => enqueueing(s, 1),
  "enqueue-concurrent": (s) => enqueueing(s, s.concurrency ?? 1),
  "enqueue-bulk": enqueueingBulk,
  process: processing,
  latency,
  memory,
  idle,
  due,
  backlog,
  "backlog-enqueue": backlogEnqueue,
  share,
  testing: async ({ size }) => (await import("./whole-tests.ts")).wholeTests(size),
};

const measurement = await MEASURES[scenario.measure](scenario);
meter.close();
process.stdout.write(`${JSON.stringify(measurement)}\n`);
process.exit(0);

function payload(n: number): Payload {
  return { n, at: Number(process.hrtime.bigint()), pad: PAD };
}

/** Runs `work` on `size` tasks and tells the rate and what it cost. */
async function metered(size: number, work: () => Promise<number>): Promise<Measurement> {
  const before = await meter.read();
  const cpu = process.cpuUsage();
  const ms = await work();
  const { user, system: sys } = process.cpuUsage(cpu);
  const after = await meter.read();
  return { value: (size / ms) * 1_000, nodeCpuUs: (user + sys) / size, ...perTask(before, after, size) };
}

function perTask(before: StoreUse | undefined, after: StoreUse | undefined, size: number) {
  if (before === undefined || after === undefined) return {};
  return { redisCpuUs: (after.cpuUs - before.cpuUs) / size, redisCalls: (after.calls - before.calls) / size };
}

async function enqueueing({ size }: Scenario, inFlight: number): Promise<Measurement> {
  const producer = await system.producer(url);
  for (let n = 0; n < 500; n++) await producer.enqueue(payload(n));
  const result = await metered(size, () => enqueueAll(producer, size, inFlight));
  await assertStored(500 + size);
  await producer.close();
  return result;
}

/** The milliseconds that it took. */
async function enqueueAll(producer: Producer, size: number, inFlight: number): Promise<number> {
  const start = performance.now();
  let next = 0;
  const lane = async () => {
    while (next < size) await producer.enqueue(payload(next++));
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return performance.now() - start;
}

async function enqueueingBulk({ size }: Scenario): Promise<Measurement> {
  const producer = await system.producer(url);
  await producer.enqueueBulk(Array.from({ length: 1_000 }, (_, n) => payload(n)));
  const result = await metered(size, async () => {
    const start = performance.now();
    for (let n = 0; n < size; n += 1_000) {
      await producer.enqueueBulk(Array.from({ length: 1_000 }, (_, i) => payload(n + i)));
    }
    return performance.now() - start;
  });
  await assertStored(1_000 + size);
  await producer.close();
  return result;
}

async function assertStored(size: number): Promise<void> {
  const stored = await system.leftover(url);
  if (stored !== size) throw new Error(`${stored} of ${size} tasks are stored`);
}

async function processing({ size, concurrency = 1 }: Scenario): Promise<Measurement> {
  await fill(size);
  return drain(system, size, concurrency);
}

/** Works `size` tasks off, of those that wait; the rate counts from the start of the consumer to the last handler. */
async function drain(of: System, size: number, concurrency: number, waiting = size): Promise<Measurement> {
  const tally = new Tally(waiting);
  let done = 0;
  let enough: () => void = () => undefined;
  const reached = new Promise<void>((resolve) => {
    enough = resolve;
  });
  const consumer = await of.consumer(url, {
    concurrency,
    handle: ({ n }) => {
      tally.add(n);
      done += 1;
      if (done === size) enough();
    },
  });
  const result = await metered(size, async () => {
    const start = performance.now();
    await consumer.start();
    await reached;
    const ms = performance.now() - start;
    if (waiting === size) await untilEmpty();
    return ms;
  });
  await consumer.close();
  if (waiting === size) tally.assertExact();
  return result;
}

async function untilEmpty(): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    if ((await system.leftover(url)) === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("tasks are left in the store 5 s after the last one was handled");
}

/** Enqueues tasks 0 … count-1 from another process, so that this one begins cold and small. */
async function fill(count: number, extra: string[] = []): Promise<void> {
  await otherProcess("fill.ts", [systemName, url, String(count), ...extra]);
}

function startOther(file: string, args: string[], output: "ignore" | "pipe" = "ignore") {
  const path = fileURLToPath(new URL(file, import.meta.url));
  return spawn(process.execPath, ["--import", "tsx", path, ...args], {
    stdio: ["pipe", output, "inherit"],
  });
}

async function otherProcess(file: string, args: string[]): Promise<void> {
  const [code] = (await once(startOther(file, args), "exit")) as [number];
  if (code !== 0) throw new Error(`${file} ended with ${code}`);
}

/** Times from the call of enqueue in another process to the handler, 50 tasks a second, on an otherwise idle server. */
async function latency({ size, concurrency = 1 }: Scenario): Promise<Measurement> {
  const tally = new Tally(size);
  const waits: number[] = [];
  const consumer = await system.consumer(url, {
    concurrency,
    handle: ({ n, at }) => {
      waits.push((Number(process.hrtime.bigint()) - at) / 1e6);
      tally.add(n);
    },
  });
  await consumer.start();
  await otherProcess("trickle.ts", [systemName, url, String(size)]);
  await tally.complete;
  await consumer.close();
  tally.assertExact();
  // The first tasks meet cold code on both sides.
  const sorted = waits.slice(20).sort((a, b) => a - b);
  const at = (q: number) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] as number;
  return { value: at(0.5), p50: at(0.5), p99: at(0.99) };
}

async function memory({ size }: Scenario): Promise<Measurement> {
  const before = await meter.usedMemory();
  await fill(size);
  return { value: ((await meter.usedMemory()) - before) / size };
}

/** Commands a second that a started consumer of one empty queue sends, over `size` seconds. */
async function idle({ size, concurrency = 1 }: Scenario): Promise<Measurement> {
  const consumer: Consumer = await system.consumer(url, { concurrency, handle: () => undefined });
  await consumer.start();
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  const before = await meter.read();
  await new Promise((resolve) => setTimeout(resolve, size * 1_000));
  const after = await meter.read();
  await consumer.close();
  if (before === undefined || after === undefined) throw new Error("this store counts no commands");
  return { value: (after.calls - before.calls) / size };
}

/** Seconds from the instant when `size` tasks fall due until all of them have started. */
async function due({ size, concurrency = 1 }: Scenario): Promise<Measurement> {
  const dueAt = Date.now() + 20_000;
  await fill(size, [String(dueAt)]);
  if (Date.now() > dueAt - 1_000) throw new Error("filling took longer than the delay");
  const tally = new Tally(size);
  const consumer = await system.consumer(url, { concurrency, handle: ({ n }) => tally.add(n) });
  await consumer.start();
  await tally.complete;
  const seconds = (Date.now() - dueAt) / 1_000;
  await consumer.close();
  tally.assertExact();
  return { value: seconds };
}

/** The rate with `size` tasks waiting, as a part of the rate with 50,000. */
async function backlog({ size, concurrency = 1 }: Scenario): Promise<Measurement> {
  const small = Math.min(50_000, size / 2);
  await fill(small);
  const empty = await drain(system, small, concurrency);
  await meter.clear();
  await fill(size);
  const full = await drain(system, small, concurrency, size);
  return { value: full.value / empty.value };
}

/** The rate of enqueues with `size` tasks waiting, as a part of the rate into an empty store. */
async function backlogEnqueue({ size, concurrency = 1 }: Scenario): Promise<Measurement> {
  const count = 50_000;
  const measured = async () => {
    const producer = await system.producer(url);
    const ms = await enqueueAll(producer, count, concurrency);
    await producer.close();
    return ms;
  };
  await measured();
  await meter.clear();
  const empty = await measured();
  await meter.clear();
  await fill(size);
  const full = await measured();
  await assertStored(size + count);
  return { value: empty / full };
}

/** What the least busy of four processes on one store got of `size` tasks, as a part of the mean. */
async function share({ size, concurrency = 1 }: Scenario): Promise<Measurement> {
  const processes = 4;
  await fill(size);
  const tally = new Tally(size);
  const children = Array.from({ length: processes }, () =>
    startOther("share.ts", [systemName, url, String(concurrency)], "pipe"),
  );
  const shares = children.map(() => 0);
  for (const [index, child] of children.entries()) {
    createInterface(child.stdout as Readable).on("line", (line) => {
      const handled = JSON.parse(line) as number[];
      for (const n of handled) tally.add(n);
      shares[index] = (shares[index] as number) + handled.length;
    });
  }
  await tally.complete;
  await untilEmpty();
  for (const child of children) child.stdin?.end();
  for (const child of children) if (child.exitCode === null) await once(child, "close");
  tally.assertExact();
  return { value: Math.min(...shares) / (size / processes) };
}
