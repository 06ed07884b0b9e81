import { describe, expect, it } from "vitest";
import { redisEngine } from "../../src/index.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { type Family, parseExposition } from "../metrics/exposition.ts";
import { MonitorRig } from "../monitor/monitor-rig.ts";
import { redisForFile } from "../support/redis-rig.ts";
import { Asynqmon } from "./asynqmon.ts";
import { countTests } from "./count-tests.ts";
import { fillRedis } from "./filled-redis.ts";

const redis = await redisForFile();
const { inspector } = await fillRedis(redis);
const monitor = await Asynqmon.forFile(redis.url);

countTests("tool-scenarios");

/** All that its exporter tells of a queue. */
const NAMES = [
  "asynq_queue_latency_seconds",
  "asynq_queue_memory_usage_approx_bytes",
  "asynq_queue_paused_total",
  "asynq_queue_size",
  "asynq_tasks_enqueued_total",
  "asynq_tasks_failed_total",
  "asynq_tasks_processed_total",
] as const;
/** These are another number each time that somebody looks: the time goes on, and memory is estimated from samples. */
const INEXACT: readonly string[] = ["asynq_queue_latency_seconds", "asynq_queue_memory_usage_approx_bytes"];

/** A tenth. */
const small = (part: number) => part < 0.1;

type Values = Readonly<Record<string, number>>;

/** By queue and state. */
function valuesOf(family: Family | undefined): Values {
  const values = (family?.samples ?? []).map(({ labels, value }) => {
    const { queue, ...others } = labels;
    return [[queue, ...Object.values(others)].join(" "), value] as const;
  });
  return Object.fromEntries(values);
}

describe("asynqmon's exporter on what we store", () => {
  it("tells the truth", async () => {
    const families = parseExposition(await monitor.metrics());
    expect([...families.keys()].sort()).toEqual(NAMES);
    const told = (name: (typeof NAMES)[number]) => valuesOf(families.get(name));
    for (const queue of await inspector.queues()) {
      const info = await inspector.getQueueInfo(queue);
      for (const state of ["active", "pending", "scheduled", "retry", "archived", "completed"] as const)
        expect([queue, state, told("asynq_tasks_enqueued_total")[`${queue} ${state}`]]).toEqual([
          ...[queue, state, info[state]],
        ]);
      expect({
        size: told("asynq_queue_size")[queue],
        paused: told("asynq_queue_paused_total")[queue] === 1,
        processedTotal: told("asynq_tasks_processed_total")[queue],
        failedTotal: told("asynq_tasks_failed_total")[queue],
      }).toEqual({
        ...{ size: info.size, paused: info.paused },
        ...{ processedTotal: info.processedTotal, failedTotal: info.failedTotal },
      });
    }
    expect(told("asynq_tasks_processed_total")).toMatchObject({ work: 80 });
    expect(told("asynq_tasks_failed_total")).toMatchObject({ work: 23 });
    expect(told("asynq_queue_paused_total")).toMatchObject({ held: 1, work: 0 });
  });

  it("and our own, under its names, tells the same", async () => {
    const rig = await MonitorRig.start({ engine: redisEngine(redis.url, { logger: silentLogger }) });
    const theirs = parseExposition(await monitor.metrics());
    const ours = parseExposition((await rig.send("/metrics?names=asynq")).text);
    const names = [...ours.keys()].filter((name) => name.startsWith("asynq_"));
    expect(names.sort()).toEqual(NAMES);
    for (const name of NAMES) {
      const [own, other] = [valuesOf(ours.get(name)), valuesOf(theirs.get(name))];
      expect([name, ours.get(name)?.type]).toEqual([name, theirs.get(name)?.type]);
      if (!INEXACT.includes(name)) expect([name, own]).toEqual([name, other]);
      expect([name, Object.keys(own).sort()]).toEqual([name, Object.keys(other).sort()]);
    }
    const memory = (families: typeof ours) => valuesOf(families.get("asynq_queue_memory_usage_approx_bytes"));
    for (const [queue, bytes] of Object.entries(memory(theirs)))
      expect([queue, Math.abs((memory(ours)[queue] ?? 0) / bytes - 1)]).toEqual([
        queue,
        expect.toSatisfy(small),
      ]);
    const latency = (families: typeof ours) => valuesOf(families.get("asynq_queue_latency_seconds"));
    for (const [queue, waited] of Object.entries(latency(theirs))) {
      // We looked after asynqmon did.
      expect(latency(ours)[queue]).toBeGreaterThanOrEqual(waited);
    }
  });
});
