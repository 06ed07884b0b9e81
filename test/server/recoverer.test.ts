import { describe, expect, it } from "vitest";
import type { Broker } from "../../src/broker/broker.ts";
import { Client } from "../../src/client/client.ts";
import { memoryEngine } from "../../src/engine/memory/memory-engine.ts";
import { EngineState } from "../../src/server/engine-state.ts";
import { ServerEvents } from "../../src/server/events.ts";
import { type RecovererOptions, recoverer } from "../../src/server/recoverer.ts";
import { ServeMux } from "../../src/server/serve-mux.ts";
import { SERVER_TIMINGS } from "../../src/server/server-timings.ts";
import { Judge } from "../../src/server/verdict.ts";
import { Task } from "../../src/task.ts";
import { fakeRuntime, settle } from "../support/fake-runtime.ts";
import { recordingLogger } from "./server-rig.ts";

/** A recoverer on a memory engine, with some doors of the engine replaced. */
function rig(doors: (broker: Broker) => Partial<RecovererOptions["broker"]>, queues = ["default"]) {
  const runtime = fakeRuntime();
  const logger = recordingLogger();
  const events = new ServerEvents(logger);
  const engine = memoryEngine({ runtime });
  const { broker } = engine;
  const { clock, random } = runtime;
  const now = () => clock.now();
  const engineState = new EngineState(events, logger, clock);
  const { listExpired, recover, sweep, reclaimAggregationSets } = broker;
  const component = recoverer({
    broker: { listExpired, recover, sweep, reclaimAggregationSets, ...doors(broker) },
    queues,
    router: new ServeMux(),
    judge: new Judge({
      now,
      random,
      logger,
      retryDelay: undefined,
      isFailure: undefined,
      cancelPolicy: "retry",
    }),
    errorHandler: undefined,
    rollups: { ended: () => undefined },
    events,
    engineState,
    timings: SERVER_TIMINGS,
    runtime,
    logger,
  });
  return {
    clock,
    engine,
    engineState,
    broker,
    client: new Client(engine, { runtime }),
    component,
    lines: logger.lines,
  };
}

describe("the recoverer", () => {
  /** Tasks of a server that died, listed no more than two at a time, as where they are large. */
  async function abandoned(count: number, recover: (broker: Broker) => Broker["recover"]) {
    const parts = rig((broker) => ({
      listExpired: (queue, limit) => broker.listExpired(queue, Math.min(limit, 2)),
      recover: recover(broker),
    }));
    for (let n = 0; n < count; n += 1) await parts.client.enqueue(new Task("t"));
    await parts.broker.exchange("default", [], count);
    await parts.clock.advance(61_000);
    return parts;
  }

  it("recovers all there is in one tick, however few the store lists at a time", async () => {
    const { engine, component } = await abandoned(9, ({ recover }) => recover);
    await component.start();
    await settle();
    expect(await engine.inspection.queueInfo("default")).toMatchObject({ active: 0, retry: 9 });
    await component.stop();
  });

  it("recovers the tasks of every queue in one tick, to retry or to archive, and leaves alone what runs", async () => {
    const { client, clock, engine, broker, component } = rig(() => ({}), ["default", "critical", "empty"]);
    const counted = async (queue: string) => {
      const { active, retry, archived } = (await engine.inspection.queueInfo(queue)) ?? {};
      return { active, retry, archived };
    };
    for (const queue of ["default", "critical", "other"]) {
      for (const maxRetry of [25, 0]) await client.enqueue(new Task("t"), { queue, maxRetry });
      await broker.exchange(queue, [], 2);
    }
    await clock.advance(61_000);
    await client.enqueue(new Task("t"), { queue: "critical" });
    await broker.exchange("critical", [], 1);

    await component.start();
    await settle();
    expect(await counted("default")).toEqual({ active: 0, retry: 1, archived: 1 });
    expect(await counted("critical")).toEqual({ active: 1, retry: 1, archived: 1 });
    // Nobody here serves it.
    expect(await counted("other")).toEqual({ active: 2, retry: 0, archived: 0 });
    await component.stop();
  });

  it("leaves it for the next tick where another server is quicker", async () => {
    let calls = 0;
    const { component } = await abandoned(3, () => async (_, recoveries) => {
      calls += 1;
      return recoveries.map(() => "fenced");
    });
    await component.start();
    await settle();
    expect(calls).toBe(1);
    await component.stop();
  });

  it("sweeps all of a queue in one tick, call by call", async () => {
    const asked: string[] = [];
    let left = 30;
    const { component, clock } = rig(
      () => ({
        sweep: async (queue) => {
          asked.push(queue);
          if (queue !== "long") return { leased: [], dropped: [], more: false };
          left -= 1;
          return { leased: [], dropped: [`stray-${left}`], more: left % 10 > 0 };
        },
      }),
      ["long", "short"],
    );
    await component.start();
    await settle();
    expect(asked).toEqual([...Array(10).fill("long"), "short"]);
    await clock.advance(SERVER_TIMINGS.recover);
    expect(asked).toHaveLength(22);
    await component.stop();
  });
});
