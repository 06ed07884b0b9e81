import { afterAll, describe, expect, it } from "vitest";
import { createRedisEngine } from "../../../src/engine/redis/redis-engine.ts";
import { queueKeys } from "../../../src/protocol/keys.ts";
import { silentLogger } from "../../../src/runtime/logger.ts";
import { counts, message, unique } from "../../contract/tasks.ts";
import { ClusterRig } from "../../support/cluster-rig.ts";

const cluster = await ClusterRig.start();
afterAll(() => cluster.stop());

/** Lies on the last node, whose clock differs. */
const AWAY = "low";
const QUEUES = ["default", "critical", AWAY];

describe("a Cluster whose nodes do not agree on the time", () => {
  it.each([-3, 7, 3_600])("serves the queues of every node: one is off by %i s", async (seconds) => {
    await cluster.flush();
    const engine = createRedisEngine(
      cluster.url,
      { logger: silentLogger },
      { scriptSource: (source) => source.replace("redis.call('TIME')", timeOff(seconds)) },
    );
    const { broker } = engine;
    try {
      for (const queue of QUEUES) {
        const entries = [{ message: message(queue) }, unique(queue, "key")];
        expect(await broker.enqueue(entries)).toMatchObject([{ status: "enqueued" }, { status: "enqueued" }]);
        const { leased } = await broker.exchange(queue, [], 2);
        expect(leased).toHaveLength(2);
        expect(await broker.extendLeases(queue, leased)).toEqual(["extended", "extended"]);
        expect(await broker.sweep(queue, 10)).toMatchObject({ leased: [], dropped: [] });
        expect(await broker.listExpired(queue, 10)).toEqual([]);
        expect((await broker.forward(queue, 10)).moved).toBe(0);
        expect(await counts(engine, queue)).toEqual({ active: 2 });

        const score = await cluster.client().zscore(queueKeys(queue).lease, String(leased[0]?.message.id));
        const off = queue === AWAY ? seconds : 0;
        expect(Math.abs(Number(score) - (Date.now() / 1_000 + off + 30))).toBeLessThan(3);
      }
    } finally {
      await engine.close();
    }
  });
});

/** The time of each node but that of {@link AWAY} is right. */
function timeOff(seconds: number): string {
  return `(function()
local time = redis.call('TIME')
local off = string.find(KEYS[1], '{${AWAY}}', 1, true) and ${seconds} or 0
return { string.format('%.0f', time[1] + off), time[2] }
end)()`;
}
