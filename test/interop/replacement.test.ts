import { afterAll, describe, expect, it } from "vitest";
import { countTests } from "./count-tests.ts";
import { counted } from "./counts.ts";
import { script } from "./go-only.ts";
import { eventually } from "./news.ts";
import { Peer } from "./peer.ts";
import { placesForFile } from "./places.ts";
import { goSide, nodeSide } from "./sides.ts";

const places = await placesForFile();

countTests("fleet-scenarios");

const SERVERS = 3;
/** Enqueued by Go before, while and after each server is replaced. */
const STEP = 300;

describe.each(places)("a Go fleet, on $name", ({ url }) => {
  it("is replaced by one of ours under load, server by server, and no task is lost", async () => {
    const queue = "load";
    const producer = await goSide(url);
    const look = nodeSide(url).inspector;
    const ids: string[] = [];
    const enqueue = async () => {
      for (let n = 0; n < STEP; n += 1) {
        const taskId = `t-${ids.length}`;
        ids.push(taskId);
        await producer.enqueue({
          type: "t",
          payload: script({ result: taskId }),
          options: { queue, taskId },
        });
      }
    };
    const old = await Promise.all(Array.from({ length: SERVERS }, () => goSide(url)));
    const young = Array.from({ length: SERVERS }, () => nodeSide(url));
    for (const server of old) await server.serve(queue, { concurrency: 2 });
    for (const [i, server] of old.entries()) {
      const load = enqueue();
      await eventually("the load has begun", () => server.attempts.length > 20);
      await Promise.all([server.shutdown(), young[i]?.serve(queue, { concurrency: 2 })]);
      await load;
    }
    await enqueue();
    await eventually("all has run", async () => (await look.getQueueInfo(queue)).size === 0);

    const by = (sides: readonly { attempts: readonly { task: string }[] }[]) =>
      sides.flatMap(({ attempts }) => attempts.map(({ task }) => task));
    const ran = [...by(old), ...by(young)];
    expect(new Set(ran)).toEqual(new Set(ids));
    expect(by(young).length).toBeGreaterThan(0);
    // Ended well, each of them once, whoever ran it: what a leaving server handed back began twice.
    expect(await look.getQueueInfo(queue)).toMatchObject({ processed: ids.length, failed: 0 });
    expect(await look.fsck()).toMatchObject({ findings: [] });
    console.log(
      `${ids.length} tasks: ${by(old).length} attempts by Go, ${by(young).length} by ours, ` +
        `${ran.length - ids.length} begun once more`,
    );
    counted("operations", ids.length);
  });
});

describe.each(places)("a worker of v0.25.1 among ours, on $name", async ({ url }) => {
  const older = await Peer.start(url, "0.25.1");
  afterAll(() => older.close());

  it("runs our tasks, whose results are ours to read, and keeps them without their headers", async () => {
    const queue = "older";
    const node = nodeSide(url);
    await older.serve({ name: "runs", queues: { [queue]: 1 }, script: [{ result: '{"sum":3}' }] });
    await node.enqueue({
      type: "add",
      payload: "[1,2]",
      headers: { tenant: "acme" },
      options: { queue, taskId: "one", retention: "1h" },
    });
    const done = async () => (await node.inspector.getTaskInfo({ queue, id: "one" })).state === "completed";
    await eventually("it has succeeded", done);
    expect(await node.inspector.getTaskInfo({ queue, id: "one" })).toMatchObject({
      result: { sum: 3 },
      headers: {},
    });
    expect((await node.inspector.getTaskInfo({ queue, id: "one" })).headers).toEqual({});
    await older.shutdown("runs");
  });

  it("loses the headers of a task that it does not end well", async () => {
    const queue = "older-headers";
    const node = nodeSide(url);
    await older.serve({
      name: "fails",
      queues: { [queue]: 1 },
      retryDelay: "1h",
      script: [{ error: "no luck" }],
    });
    const options = { queue, taskId: "one", retention: "1h" };
    await node.enqueue({ type: "t", payload: "{}", headers: { tenant: "acme" }, options });
    const state = async () => (await node.inspector.getTaskInfo({ queue, id: "one" })).state;
    await eventually("it waits", async () => (await state()) === "retry");
    await older.shutdown("fails");
    expect((await node.inspector.getTaskInfo({ queue, id: "one" })).headers).toEqual({});
    await node.serve(queue);
    await node.inspector.runTask({ queue, id: "one" });
    await eventually("ours runs it", () => node.attempts.length === 1);
    expect(node.attempts).toMatchObject([{ retried: 1, headers: {}, payload: "{}" }]);
  });

  it("hands back with its headers what it has not ended", async () => {
    const queue = "older-leaves";
    const node = nodeSide(url);
    const options = { queue, taskId: "two", retention: "1h" };
    const busy = {
      name: "leaves",
      queues: { [queue]: 1 },
      shutdownTimeout: "100ms",
      script: [{ wait: true }],
    };
    await older.serve(busy);
    await node.enqueue({ type: "t", payload: "{}", headers: { tenant: "acme" }, options });
    await older.event("started", ({ task }) => task === "two");
    await older.shutdown("leaves");
    await node.serve(queue);
    await eventually("ours runs it", () => node.attempts.length === 1);
    expect(node.attempts).toMatchObject([{ retried: 0, headers: { tenant: "acme" } }]);
  });
});
