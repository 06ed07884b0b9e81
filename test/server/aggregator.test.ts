import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineTask } from "../../src/define-task.ts";
import { AggregatorTimeoutError, EngineUnavailableError, TaskIdConflictError } from "../../src/errors.ts";
import { aggregate, type GroupAggregator } from "../../src/server/aggregate.ts";
import type { ServerEventMap } from "../../src/server/events.ts";
import type { ServerOptions } from "../../src/server/server-options.ts";
import { Task } from "../../src/task.ts";
import { settle } from "../support/fake-runtime.ts";
import { gate, serverRig } from "./server-rig.ts";

/** A server that runs aggregates by keeping them. */
function groupRig(options: ServerOptions) {
  const rig = serverRig(options);
  const ran: Task[] = [];
  const aggregated: ServerEventMap["aggregated"][] = [];
  const failed: ServerEventMap["aggregationFailed"][] = [];
  rig.server.on("aggregated", (event) => aggregated.push(event));
  rig.server.on("aggregationFailed", (event) => failed.push(event));
  return {
    ...rig,
    ran,
    aggregated,
    failed,
    start: () =>
      rig.start((task) => {
        ran.push(task);
      }),
    /** A millisecond apart, so that they are aggregated in this order. */
    add: async (group = "g", payload: unknown = 1, type = "t") => {
      await rig.clock.advance(1);
      return rig.enqueue({ group }, payload, type);
    },
    payloads: () => ran.map(({ payload }) => payload),
  };
}

const sum: GroupAggregator = (group, tasks) =>
  new Task("sum", { group, of: tasks.map(({ payload }) => payload) });

const note = defineTask("note", { payload: z.object({ text: z.string() }) });
const mail = defineTask("mail", { payload: z.object({ to: z.string() }) });

describe("the aggregator", () => {
  it("aggregates a group when nobody has joined for the grace period, and not before", async () => {
    const { start, add, payloads, clock, server, aggregated } = groupRig({ groupAggregator: sum });
    await start();
    await add("g", 1);
    await clock.advance(40_000);
    await add("g", 2);
    await clock.advance(59_000);
    expect(payloads()).toEqual([]);
    await clock.advance(1_100);
    expect(payloads()).toEqual([{ group: "g", of: [1, 2] }]);
    expect(aggregated).toMatchObject([{ queue: "default", group: "g", size: 2, archived: [] }]);
    await server.shutdown();
  });

  it("aggregates when the oldest has waited long enough, though tasks keep joining", async () => {
    const { start, add, payloads, clock, server } = groupRig({ groupAggregator: sum, groupMaxDelay: "2m" });
    await start();
    for (let i = 0; i < 4; i += 1) {
      await add("g", i);
      await clock.advance(30_000);
    }
    await clock.advance(100);
    expect(payloads()).toEqual([{ group: "g", of: [0, 1, 2, 3] }]);
    await server.shutdown();
  });

  it("aggregates a group that is full within a second, in sets of that size", async () => {
    const { start, add, payloads, clock, server } = groupRig({ groupAggregator: sum, groupMaxSize: 2 });
    await start();
    for (let i = 0; i < 5; i += 1) await add("g", i);
    await clock.advance(1_000);
    expect(payloads()).toEqual([
      { group: "g", of: [0, 1] },
      { group: "g", of: [2, 3] },
    ]);
    await clock.advance(60_000);
    expect(payloads().at(-1)).toEqual({ group: "g", of: [4] });
    await server.shutdown();
  });

  it("leaves groups alone where there is no aggregator, or none for them", async () => {
    const alone = groupRig({});
    await alone.start();
    await alone.add();
    await alone.clock.advance(600_000);
    expect(alone.payloads()).toEqual([]);
    await alone.server.shutdown();

    const some = groupRig({ aggregators: [aggregate(note, () => new Task("digest"), { groups: "notes:" })] });
    await some.start();
    await some.add("other", { text: "a" }, "note");
    await some.clock.advance(600_000);
    expect(some.ran).toEqual([]);
    await some.server.shutdown();
  });

  it("hands tasks to the aggregator of their type, payloads read, and the rest to the one for all", async () => {
    const { start, add, payloads, clock, server } = groupRig({
      groupGracePeriod: "1s",
      groupAggregator: sum,
      aggregators: [
        aggregate(note, (group, tasks) => new Task("n", [group, ...tasks.map((task) => task.payload.text)])),
        aggregate(
          mail,
          (_, tasks) =>
            new Task(
              "m",
              tasks.map((task) => task.payload.to),
            ),
        ),
      ],
    });
    await start();
    await add("g", { text: "a" }, "note");
    await add("g", { to: "ada" }, "mail");
    await add("g", { text: "b" }, "note");
    await add("g", 5, "other");
    await clock.advance(2_000);
    expect(payloads()).toHaveLength(3);
    expect(payloads()).toEqual(expect.arrayContaining([["g", "a", "b"], ["ada"], { group: "g", of: [5] }]));
    await server.shutdown();
  });

  it("goes by the rules of the aggregator that names the group most closely", async () => {
    const { start, add, payloads, clock, server } = groupRig({
      groupAggregator: sum,
      aggregators: [
        aggregate(note, (group) => new Task("slow", group), { groups: "d:", gracePeriod: "10m" }),
        aggregate(note, (group) => new Task("quick", group), { groups: "d:now:", gracePeriod: "1s" }),
      ],
    });
    await start();
    await add("d:now:1", { text: "a" }, "note");
    await add("d:1", { text: "b" }, "note");
    await add("x", 1);
    await clock.advance(2_000);
    expect(payloads()).toEqual(["d:now:1"]);
    await clock.advance(60_000);
    expect(payloads()).toEqual(["d:now:1", { group: "x", of: [1] }]);
    await clock.advance(600_000);
    expect(payloads().at(-1)).toBe("d:1");
    await server.shutdown();
  });

  it("archives by itself a task whose payload does not fit, or whose type nobody takes", async () => {
    const told: unknown[][] = [];
    const { start, add, payloads, clock, server, state, message, aggregated } = groupRig({
      groupGracePeriod: "1s",
      aggregators: [
        aggregate(
          note,
          (_, tasks) =>
            new Task(
              "n",
              tasks.map(({ payload }) => payload.text),
            ),
        ),
      ],
      errorHandler: (error, task, ctx, verdict) =>
        told.push([(error as Error).name, task.type, ctx, verdict]),
    });
    await start();
    const bad = await add("g", { txt: "a" }, "note");
    const foreign = await add("g", 1, "foreign");
    await add("g", { text: "b" }, "note");
    await clock.advance(2_000);
    expect(payloads()).toEqual([["b"]]);
    expect([await state(bad), await state(foreign)]).toEqual(["archived", "archived"]);
    expect((await message(bad)).errorMsg).toContain("text");
    expect((await message(foreign)).errorMsg).toContain('no aggregator takes tasks of type "foreign"');
    expect(aggregated).toMatchObject([{ size: 1, archived: [bad, foreign] }]);
    const verdict = { outcome: "archive", reason: "invalid" };
    expect(told).toEqual([
      ["InvalidPayloadError", "note", undefined, verdict],
      ["AggregatorNotFoundError", "foreign", undefined, verdict],
    ]);
    await server.shutdown();
  });

  it.each<[string, GroupAggregator]>([
    [
      "throws",
      () => {
        throw new Error("no");
      },
    ],
    [
      "rejects",
      async () => {
        throw new Error("no");
      },
    ],
    ["returns no task", (() => undefined) as never],
    ["returns one that cannot be stored", () => new Task("t", { at: Number.NaN })],
    ["returns one of the same group", (group) => new Task("t", 1, { group })],
  ])(
    "tells of an aggregator that %s, leaves the group alone for a while, and tries again",
    async (_, broken) => {
      let calls = 0;
      const { start, add, payloads, clock, server, failed } = groupRig({
        groupGracePeriod: "1s",
        groupAggregator: (...call) => {
          calls += 1;
          return calls === 1 ? broken(...call) : sum(...call);
        },
      });
      await start();
      await add();
      await clock.advance(2_000);
      expect(failed).toMatchObject([{ queue: "default", group: "g" }]);
      await clock.advance(110_000);
      expect(calls).toBe(1);
      await clock.advance(40_000);
      expect(payloads()).toEqual([{ group: "g", of: [1] }]);
      await server.shutdown();
    },
  );

  it("waits longer with every failure, while other groups go on", async () => {
    const times: number[] = [];
    const { start, add, payloads, clock, server } = groupRig({
      groupGracePeriod: "1s",
      groupMaxSize: 1,
      groupAggregator: (group, tasks, ctx) => {
        if (group === "good") return sum(group, tasks, ctx);
        times.push(clock.now());
        throw new Error("no");
      },
    });
    await start();
    for (let i = 0; i < 5; i += 1) await add("bad");
    await clock.advance(60_000);
    const gaps = times.slice(1).map((at, i) => Math.round((at - (times[i] ?? 0)) / 1_000));
    expect(gaps).toEqual([5, 10, 20]);
    await add("good");
    await clock.advance(1_000);
    expect(payloads()).toEqual([{ group: "good", of: [1] }]);
    await server.shutdown();
  });

  it("gives up an aggregator that takes too long, before its set returns", async () => {
    const signals: AbortSignal[] = [];
    const { start, add, clock, server, failed } = groupRig({
      groupGracePeriod: "1s",
      groupAggregator: (_group, _tasks, { signal }) => {
        signals.push(signal);
        return new Promise<Task>(() => undefined);
      },
    });
    await start();
    await add();
    await clock.advance(2_000);
    await clock.advance(108_000);
    expect(failed).toEqual([]);
    await clock.advance(2_000);
    expect(failed.map(({ error }) => error)).toEqual([expect.any(AggregatorTimeoutError)]);
    expect(signals[0]?.reason).toBeInstanceOf(AggregatorTimeoutError);
    await server.shutdown();
  });

  it("tells where a stranger has the id of an aggregate, and loses no member", async () => {
    const { start, add, clock, server, failed, enqueue, engine } = groupRig({
      groupGracePeriod: "1s",
      groupAggregator: () => new Task("t", 1, { taskId: "taken" }),
    });
    await enqueue({ taskId: "taken", processIn: "1h" });
    await start();
    await add();
    await clock.advance(2_000);
    expect(failed.map(({ error }) => error)).toEqual([expect.any(TaskIdConflictError)]);
    await clock.advance(121_000);
    expect(await engine.inspection.queueInfo("default")).toMatchObject({ aggregating: 0, scheduled: 1 });
    await server.shutdown({ timeout: 0 });
  });

  it("aggregates no more than three groups at once, and waits for them when it stops", async () => {
    const { opened, open } = gate();
    const begun: string[] = [];
    const { start, add, clock, server, aggregated } = groupRig({
      groupGracePeriod: "1s",
      groupAggregator: async (group, tasks, ctx) => {
        begun.push(group);
        await opened;
        return sum(group, tasks, ctx);
      },
    });
    await start();
    for (const group of ["a", "b", "c", "d"]) await add(group);
    await clock.advance(3_000);
    expect(begun).toHaveLength(3);
    const ended = server.shutdown();
    await settle();
    expect(aggregated).toEqual([]);
    open();
    await ended;
    expect(aggregated).toHaveLength(3);
    expect(begun).toHaveLength(3);
  });

  it("aborts what still runs when the shutdown waits no longer", async () => {
    const { start, add, clock, server } = groupRig({
      groupGracePeriod: "1s",
      groupAggregator: (_group, _tasks, { signal }) =>
        new Promise<Task>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    });
    await start();
    await add();
    await clock.advance(2_000);
    const ended = server.shutdown({ timeout: "1s" });
    await clock.advance(1_000);
    expect((await ended).exitCode).toBe(0);
  });

  it("aggregates once, though the answer of the commit was lost", async () => {
    const { start, add, payloads, clock, server, engine, aggregated } = groupRig({
      groupGracePeriod: "1s",
      groupAggregator: sum,
    });
    const { commitAggregation } = engine.broker;
    let calls = 0;
    Object.assign(engine.broker, {
      commitAggregation: async (...call: Parameters<typeof commitAggregation>) => {
        calls += 1;
        const answer = await commitAggregation.apply(engine.broker, call);
        if (calls === 1) throw new EngineUnavailableError("the answer was lost", undefined, true);
        return answer;
      },
    });
    await start();
    await add();
    await clock.advance(5_000);
    expect(calls).toBe(2);
    expect(payloads()).toEqual([{ group: "g", of: [1] }]);
    expect(aggregated).toHaveLength(1);
    await server.shutdown();
  });

  it("costs one look at a queue in ten seconds while there are no groups", async () => {
    const { start, clock, server, engine } = groupRig({ groupAggregator: sum });
    const { listGroups } = engine.broker;
    let looks = 0;
    Object.assign(engine.broker, {
      listGroups: (...call: Parameters<typeof listGroups>) => {
        looks += 1;
        return listGroups.apply(engine.broker, call);
      },
    });
    await start();
    await clock.advance(600_000);
    expect(looks).toBeGreaterThanOrEqual(59);
    expect(looks).toBeLessThanOrEqual(62);
    await server.shutdown();
  });

  it("aggregates a task that joined its group after a delay (J03)", async () => {
    const { start, payloads, clock, server, enqueue } = groupRig({
      groupGracePeriod: "1s",
      groupAggregator: sum,
    });
    await start();
    await enqueue({ group: "g", processIn: "30s" }, 1);
    await clock.advance(33_000);
    expect(payloads()).toEqual([{ group: "g", of: [1] }]);
    await server.shutdown();
  });
});
