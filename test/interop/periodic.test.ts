import { describe, expect, it, onTestFinished } from "vitest";
import { redisEngine, Scheduler, Task } from "../../src/index.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { redisForFile } from "../support/redis-rig.ts";
import { countTests } from "./count-tests.ts";
import { eventually, hearKeys } from "./news.ts";
import { goSide, nodeSide } from "./sides.ts";

const redis = await redisForFile();
await hearKeys(redis);

countTests("fleet-scenarios");

describe("a periodic task", () => {
  it("of Go's PeriodicTaskManager is run by ours, and is seen while its provider names it", async () => {
    const queue = "ticks-of-go";
    const { peer } = await goSide(redis.url);
    const node = nodeSide(redis.url);
    await node.serve(queue);
    const named = async (type: string) =>
      (await node.inspector.schedulerEntries()).some((e) => e.type === type);
    const entry = (type: string) => ({
      spec: "@every 1s",
      task: { type, payload: "{}", options: { queue } },
    });
    await peer.manage("m", [entry("one")], "1s");
    await eventually("ours runs it", () => node.attempts.some(({ type }) => type === "one"));
    await eventually("it is seen", () => named("one"));
    await peer.provide("m", [entry("two")]);
    await eventually("ours runs the other", () => node.attempts.some(({ type }) => type === "two"));
    await eventually("only the other is seen", async () => (await named("two")) && !(await named("one")));
    await peer.unschedule("m");
    expect(await named("two")).toBe(false);
  });

  it("of ours is run by Go, with its options", async () => {
    const queue = "ticks-of-node";
    const go = await goSide(redis.url);
    const scheduler = new Scheduler(redisEngine(redis.url), { logger: silentLogger });
    onTestFinished(() => scheduler.shutdown());
    await go.serve(queue);
    const options = { queue, headers: { tenant: "acme" } };
    const id = await scheduler.register("@every 1s", new Task("tick", { of: "clock" }), { options });
    await scheduler.start();
    await eventually("Go runs it", () => go.attempts.length > 0);
    expect(go.attempts[0]).toMatchObject({
      ...{ type: "tick", payload: '{"of":"clock"}', headers: { tenant: "acme" }, retried: 0 },
    });
    expect(await go.peer.inspect("SchedulerEntries")).toMatchObject([{ ID: id, Spec: "@every 1s" }]);
  });
});
