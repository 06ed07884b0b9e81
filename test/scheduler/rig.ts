import { EventEmitter } from "node:events";
import type { Engine } from "../../src/broker/engine.ts";
import { memoryEngine } from "../../src/engine/memory/memory-engine.ts";
import type { Runtime } from "../../src/runtime/runtime.ts";
import { Scheduler } from "../../src/scheduler/scheduler.ts";
import type { SchedulerOptions } from "../../src/scheduler/scheduler-options.ts";
import { recordingLogger } from "../server/server-rig.ts";
import { FakeClock, fakeRuntime, settle } from "../support/fake-runtime.ts";

/** Ten past noon, on no whole second. */
export const START = Date.UTC(2026, 0, 15, 12, 10, 0, 250);

/** Schedulers on one memory engine, with the clock in the test's hands. */
export function schedulerRig(options: SchedulerOptions = {}) {
  const runtime = fakeRuntime({ now: START });
  const { clock } = runtime;
  const engine = memoryEngine({ runtime });
  // Stays open when the schedulers have gone.
  engine.use();
  const logger = recordingLogger();
  const signals = new EventEmitter();
  const build = (more: SchedulerOptions = {}, on: Engine = engine, own: Runtime = runtime) =>
    new Scheduler(on, { runtime: own, logger, logLevel: "debug", ...options, ...more }, { signals });
  return {
    runtime,
    clock,
    engine,
    signals,
    lines: logger.lines,
    scheduler: build(),
    /** Another scheduler. */
    another: build,
    tasks: (queue?: string) => tasksIn(engine, queue),
    advance: (ms: number) => clock.advance(ms),
  };
}

export interface EnqueuedTask {
  readonly id: string;
  readonly type: string;
  /** Of the header, as time of the day. */
  readonly tick: string | undefined;
}

/** The pending tasks of a queue, the first to run first. */
export async function tasksIn(engine: Engine, queue = "default"): Promise<EnqueuedTask[]> {
  const records = (await engine.inspection.listTasks(queue, "pending", { page: 0, size: 1_000 })) ?? [];
  return records.map(({ id, message }) => ({
    id,
    type: message?.type ?? "",
    tick: message?.headers.get("tq-tick")?.slice(11, 19),
  }));
}

export { FakeClock, settle };
