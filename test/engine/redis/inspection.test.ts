import { describe, expect, it } from "vitest";
import { queueKeys } from "../../../src/protocol/keys.ts";
import { enqueued, message } from "../../contract/tasks.ts";
import { redisForFile } from "../../support/redis-rig.ts";
import { harnessesOn } from "./harness.ts";

const redis = await redisForFile();
const open = harnessesOn(redis);

const q = "default";
const keys = queueKeys(q);
const page = { page: 0, size: 10 };

describe("inspecting Redis", () => {
  it("shows an id without a task as missing, beside the others", async () => {
    const engine = await open();
    const id = await enqueued(engine, q);
    await engine.client.pipeline().lpush(keys.pending, "ghost").zadd(keys.archived, 1, "gone").exec();
    await engine.client.set(`${keys.taskPrefix}gone`, "not a hash");

    const pending = await engine.inspection.listTasks(q, "pending", page);
    expect(pending).toMatchObject([{ id }, { id: "ghost", state: "pending", message: undefined }]);
    expect(pending?.[0]?.message).toMatchObject({ id });
    expect(await engine.inspection.listTasks(q, "archived", page)).toEqual([
      { queue: q, id: "gone", state: "archived", message: undefined },
    ]);
    expect(await engine.inspection.queueInfo(q)).toMatchObject({ pending: 2, archived: 1 });
    await engine.client.flushall();
  });

  it("shows what a Go peer leaves of a task that is gone, without a message", async () => {
    const engine = await open();
    await engine.client.hset(`${keys.taskPrefix}stub`, "state", "active");
    expect(await engine.inspection.taskInfo(q, "stub")).toEqual({
      queue: q,
      id: "stub",
      state: "active",
      message: undefined,
    });
    await engine.client.flushall();
  });

  it("takes no late result for a task", async () => {
    const engine = await open();
    await engine.client.hset(`${keys.taskPrefix}late`, "result", "ok");
    expect(await engine.inspection.taskInfo(q, "late")).toBeUndefined();
    await engine.client.flushall();
  });

  it("calls no task orphaned that has no lease at all, as Go's tools do", async () => {
    const engine = await open();
    await enqueued(engine, q);
    await engine.broker.exchange(q, [], 1);
    await engine.client.del(keys.lease);
    const [task] = (await engine.inspection.listTasks(q, "active", page)) ?? [];
    expect(task).not.toHaveProperty("orphaned");
    await engine.client.flushall();
  });

  it("goes by the second that Go has given a task, not by an instant of ours before it", async () => {
    const engine = await open();
    const id = await enqueued(engine, q, {}, { processAt: engine.broker.now() + 1_500 });
    const later = Math.ceil(engine.broker.now() / 1_000) + 60;
    await engine.client.zadd(keys.scheduled, later, id);
    expect((await engine.inspection.taskInfo(q, id))?.nextProcessAt).toBe(later * 1_000);
    const [listed] = (await engine.inspection.listTasks(q, "scheduled", page)) ?? [];
    expect(listed?.nextProcessAt).toBe(later * 1_000);
    await engine.client.flushall();
  });

  it("pages a list from its end, where tasks are taken", async () => {
    const engine = await open();
    const ids: string[] = [];
    for (let i = 0; i < 5; i += 1) ids.push(await enqueued(engine, q));
    const shown: string[] = [];
    for (let at = 0; at < 4; at += 1) {
      const tasks = await engine.inspection.listTasks(q, "pending", { page: at, size: 2 });
      shown.push(...(tasks ?? []).map(({ id }) => id));
    }
    expect(shown).toEqual(ids);
  });

  it("answers for a queue by its registration alone", async () => {
    const engine = await open();
    await engine.broker.enqueue([{ message: message(q) }]);
    await engine.client.srem("asynq:queues", q);
    expect(await engine.inspection.queueInfo(q)).toBeUndefined();
    expect(await engine.inspection.listTasks(q, "pending", page)).toBeUndefined();
    await engine.client.flushall();
  });
});
