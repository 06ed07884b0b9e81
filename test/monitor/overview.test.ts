import { expect, it } from "vitest";
import { Inspector, memoryEngine, Scheduler, Server, Task } from "../../src/index.ts";
import type { Overview } from "../../src/monitor/index.ts";
import { timestampOf } from "../../src/protocol/timestamp.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { fakeRuntime } from "../support/fake-runtime.ts";
import { MonitorRig } from "./monitor-rig.ts";

const NOW = Date.UTC(2026, 9, 23, 12, 0);
const MINUTE = 60_000;
const DAY = 86_400_000;

async function open() {
  const runtime = fakeRuntime({ now: NOW });
  const engine = memoryEngine({ runtime });
  const rig = await MonitorRig.start({ engine, runtime });
  const overview = async () => (await rig.send("/api/snapshot?topics=overview")).json.overview as Overview;
  return { runtime, engine, rig, overview };
}

it("puts the whole of yesterday beside today", async () => {
  const { runtime, engine, rig, overview } = await open();
  await using server = new Server(engine, {
    queues: { low: 1 },
    logger: silentLogger,
    retryDelay: () => DAY,
  });
  let settled = (): void => undefined;
  server.on("taskSettled", () => settled());
  await server.start(async (task: Task) => {
    if (task.type === "bad") throw new Error("no");
  });
  const run = async (type: string) => {
    const ended = new Promise<void>((resolve) => {
      settled = resolve;
    });
    await rig.client.enqueue(new Task(type), { queue: "low" });
    await ended;
  };
  await run("good");
  await run("bad");
  await server.shutdown();
  expect((await overview()).totals).toMatchObject({
    processedToday: 2,
    failedToday: 1,
    processedYesterday: 0,
    failedYesterday: 0,
  });
  await runtime.clock.advance(DAY);
  expect((await overview()).totals).toMatchObject({
    processedToday: 0,
    failedToday: 0,
    processedYesterday: 2,
    failedYesterday: 1,
  });
});

it("tells of a stored entry that nobody sees to once it is due for more than a minute", async () => {
  const { runtime, engine, overview } = await open();
  await using scheduler = new Scheduler(engine, { runtime, logger: silentLogger });
  await scheduler.put("e", { spec: "*/5 * * * *", task: new Task("report"), options: { queue: "low" } });
  await runtime.clock.advance(6 * MINUTE - 1_000);
  expect((await overview()).health.findings).toEqual([]);
  await runtime.clock.advance(12_000);
  const { findings } = (await overview()).health;
  expect(findings).toMatchObject([{ code: "missed-tick", entry: "e", queue: "low", level: "bad" }]);
  await scheduler.pause("e");
  await runtime.clock.advance(12_000);
  expect((await overview()).health.findings).toEqual([]);
  await scheduler.resume("e");
  await runtime.clock.advance(12_000);
  expect((await overview()).health.findings).toMatchObject([{ code: "missed-tick" }]);
  await scheduler.runNow("e");
  await runtime.clock.advance(12_000);
  const codes = (await overview()).health.findings.map(({ code }) => code);
  expect(codes).toEqual(["no-server"]);
});

it("tells of a live scheduler's entry that is late", async () => {
  const { runtime, engine, overview } = await open();
  await using inspector = new Inspector(engine);
  const entry = {
    id: "g",
    spec: "@every 1h",
    taskType: "go",
    taskPayload: new Uint8Array(0),
    enqueueOptions: ["MaxRetry(1)"],
    nextEnqueueTime: timestampOf(NOW),
    prevEnqueueTime: timestampOf(NOW - 60 * MINUTE),
  };
  await engine.schedules.writeEntries("go:1:x", [entry], DAY);
  await runtime.clock.advance(MINUTE);
  expect((await overview()).health.findings).toEqual([]);
  await runtime.clock.advance(MINUTE);
  expect((await overview()).health.findings).toMatchObject([
    { code: "missed-tick", entry: "g", text: "go was due 2 m 0 s ago, and was not enqueued." },
  ]);
  expect(await inspector.schedulerEntries()).toHaveLength(1);
});
