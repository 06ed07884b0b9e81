import { describe, expect, it } from "vitest";
import { dump } from "../engine/redis/golden-store.ts";
import { redisForFile } from "../support/redis-rig.ts";
import { eventually, hearKeys } from "./news.ts";
import { Peer } from "./peer.ts";

const redis = await redisForFile();
const client = redis.client();
await hearKeys(redis);

describe("the peer", () => {
  it("is asynq v0.26.0", async () => {
    const peer = await Peer.forTest(redis.url);
    expect(await peer.ask("versions")).toMatchObject({ asynq: "v0.26.0" });
  });

  it("enqueues with every option, and inspects", async () => {
    const peer = await Peer.forTest(redis.url);
    const options = {
      maxRetry: 3,
      queue: "low",
      taskId: "one",
      timeout: "90s",
      deadline: "2033-01-02T03:04:05Z",
      unique: "10m",
      processAt: "2032-01-02T03:04:05Z",
      retention: "1h",
      group: "g",
    };
    const info = await peer.enqueue({ type: "t", payload: "{}", headers: { a: "b" }, options });
    expect(info).toMatchObject({ ID: "one", State: "scheduled", Payload: "7b7d", Timeout: "1m30s" });
    expect(await peer.inspect("GetTaskInfo", "low", "one")).toEqual(info);
    expect(await peer.inspect("ListScheduledTasks", "low", { page: 1, size: 5 })).toEqual([info]);
    await expect(peer.enqueue({ type: "t", payload: "{}", options })).rejects.toMatchObject({
      code: "duplicate",
    });
    await expect(peer.inspect("GetTaskInfo", "low", "two")).rejects.toMatchObject({ code: "task-not-found" });
  });

  it("dumps Redis as the golden vectors do", async () => {
    const peer = await Peer.forTest(redis.url);
    await client.flushall();
    await peer.enqueue({ type: "t", payload: "{}", options: { unique: "10m" } });
    await peer.enqueue({ type: "t", options: { group: "g" } });
    expect(await peer.dump()).toEqual(await dump(client));
  });

  it("runs a server as a script says", async () => {
    const peer = await Peer.forTest(redis.url);
    await peer.serve({
      name: "s",
      queues: { script: 1 },
      concurrency: 4,
      taskCheckInterval: "20ms",
      delayedTaskCheckInterval: "20ms",
      retryDelay: "0s",
      script: [{ error: "no" }, { result: "fine" }],
    });
    const options = { queue: "script", retention: "1h", maxRetry: 5 };
    const { ID } = await peer.enqueue({ type: "t", options });
    expect(await peer.event("ended", ({ task }) => task === ID)).toMatchObject({ error: "no" });
    await peer.event("started", ({ task, retried }) => task === ID && retried === 1);
    const waits = await peer.enqueue({
      type: "t",
      payload: JSON.stringify({ script: [{ wait: true }] }),
      options,
    });
    await peer.event("started", ({ task }) => task === waits.ID);
    await peer.finish(waits.ID, { panic: "ouch" });
    const ended = await peer.event("error", ({ task }) => task === waits.ID);
    expect(ended.error).toContain("ouch");
    await peer.shutdown("s");
    expect(await peer.inspect("GetTaskInfo", "script", ID)).toMatchObject({
      State: "completed",
      Result: "66696e65",
    });
  });

  it("calls the broker at a given time", async () => {
    const peer = await Peer.forTest(redis.url);
    await peer.setClock(1_700_000_000_123);
    await peer.broker("Enqueue", "0a01741a026964220171");
    expect(await client.hget("asynq:{q}:t:id", "pending_since")).toBe("1700000000123000000");
    expect(await peer.broker("Dequeue", "q")).toEqual(["0a01741a026964220171", "2023-11-14T22:13:50.123Z"]);
    await client.flushall();
  });

  it("schedules", async () => {
    const peer = await Peer.forTest(redis.url);
    const [id] = await peer.schedule(
      "s",
      [{ spec: "@every 1h", task: { type: "t", options: { queue: "low" } } }],
      "100ms",
    );
    await eventually("it shows its entry", async () => {
      return (await peer.inspect<object[]>("SchedulerEntries")).length === 1;
    });
    expect(await peer.inspect("SchedulerEntries")).toMatchObject([
      { ID: id, Spec: "@every 1h", Opts: ['Queue("low")'], Prev: null },
    ]);
    await peer.unschedule("s");
    expect(await peer.inspect("SchedulerEntries")).toEqual([]);
  });
});
