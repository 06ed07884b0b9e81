import { expect, it } from "vitest";
import { Inspector, memoryEngine, redisEngine, Task } from "../../src/index.ts";
import type { Operation } from "../../src/monitor/api.ts";
import { redisForFile } from "../support/redis-rig.ts";
import { MonitorRig } from "./monitor-rig.ts";

const redis = await redisForFile();

it.each(["memory", "redis"] as const)(
  "runs, archives or deletes exactly the tasks of one group, on the %s engine",
  async (kind) => {
    const engine = kind === "redis" ? redisEngine(redis.url) : memoryEngine();
    const rig = await MonitorRig.start({ engine });
    const inspector = new Inspector(engine);
    const begin = async (body: object) => {
      const begun = await rig.change("/api/operations", { body: { filter: "", queues: ["low"], ...body } });
      if (begun.status !== 200) return begun.json.error;
      const { id } = begun.json as Operation;
      const seen = async () => (await rig.send(`/api/operations/${id}`)).json as Operation;
      await expect.poll(async () => (await seen()).status, { interval: 5 }).not.toBe("running");
      return seen();
    };
    // A name that as a filter's value would mean the others as well.
    const groups = ["a*", "ab", "abc"];
    for (const group of groups) {
      for (const n of [1, 2]) {
        await rig.client.enqueue(new Task("t"), { queue: "low", group, taskId: `${group}${n}` });
      }
    }
    await rig.client.enqueue(new Task("t"), { queue: "other", group: "a*", taskId: "elsewhere" });
    const left = async () =>
      (await inspector.groups("low")).map(({ group, size }) => `${group} ${size}`).sort();

    const dry = await begin({ action: "run", group: "a*", dryRun: true });
    expect(dry).toMatchObject({
      status: "done",
      matched: 2,
      changed: 0,
      group: "a*",
      states: ["aggregating"],
      command: "titanqueue task runall --queue low --state aggregating --group 'a*'",
    });
    expect(await left()).toEqual(["a* 2", "ab 2", "abc 2"]);
    expect(await begin({ action: "run", group: "a*" })).toMatchObject({ changed: 2 });
    expect(await left()).toEqual(["ab 2", "abc 2"]);
    expect(await begin({ action: "archive", group: "ab" })).toMatchObject({ changed: 2 });
    expect(await left()).toEqual(["abc 2"]);
    const undoable = await begin({ action: "delete", group: "abc", undoable: true, dryRun: true });
    expect(undoable).toMatchObject({ canUndo: false, matched: 2 });
    expect(await begin({ action: "delete", group: "abc" })).toMatchObject({ changed: 2 });
    expect(await left()).toEqual([]);
    expect(await inspector.getQueueInfo("low")).toMatchObject({ pending: 2, archived: 2, size: 4 });
    expect(await inspector.getQueueInfo("other")).toMatchObject({ aggregating: 1 });

    const refused = async (body: object) => (await begin({ action: "run", group: "ab", ...body })).where;
    expect(await refused({ queues: ["low", "other"] })).toBe("queues");
    expect(await refused({ action: "redrive" })).toBe("action");
    expect(await refused({ states: ["pending"] })).toBe("states");
    expect(await refused({ fingerprint: "x" })).toBe("fingerprint");
  },
);
