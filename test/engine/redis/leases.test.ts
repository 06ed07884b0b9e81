import { describe, expect, it } from "vitest";
import type { Leased } from "../../../src/broker/broker.ts";
import { queueKeys } from "../../../src/protocol/keys.ts";
import { done, ids, leased, message, running, settled } from "../../contract/tasks.ts";
import { redisForFile } from "../../support/redis-rig.ts";
import { harnessesOn } from "./harness.ts";
import { commandsOf } from "./monitored.ts";

const redis = await redisForFile();
const open = harnessesOn(redis);

const q = "default";
const keys = queueKeys(q);

describe("a lease that was extended", () => {
  it("is named by its new score when the task is settled", async () => {
    const engine = await open();
    const attempt = await running(engine, q);
    const first = (await engine.client.zscore(keys.lease, attempt.message.id)) as string;
    await engine.clock.advance(10_000);
    expect(await engine.broker.extendLeases(q, [attempt])).toEqual(["extended"]);
    const second = (await engine.client.zscore(keys.lease, attempt.message.id)) as string;
    expect(second).not.toBe(first);
    const sent = await commandsOf(redis, async () => {
      expect(await settled(engine, attempt, done)).toBe("settled");
    });
    const [settling] = sent.filter(({ args }) => args.includes(keys.taskPrefix + attempt.message.id));
    expect(settling?.args).toContain(second);
    expect(settling?.args).not.toContain(first);
  });

  it("is renewed in any number, and in the order in which they are asked for", async () => {
    const engine = await open();
    await engine.broker.enqueue(Array.from({ length: 600 }, () => ({ message: message(q) })));
    const all: Leased[] = [];
    for (let i = 0; i < 3; i += 1) all.push(...(await leased(engine, q, 200)));
    await engine.clock.advance(5_000);
    const [gone] = all.splice(550, 1);
    await settled(engine, gone!, done);
    const asked = [...all.slice(0, 550), gone!, ...all.slice(550)];
    const answers = await engine.broker.extendLeases(q, asked);
    expect(answers).toEqual(asked.map((attempt) => (attempt === gone ? "lost" : "extended")));
    const fresh = Math.ceil(engine.broker.now() / 1_000) + 30;
    const renewed = await engine.client.zrangebyscore(keys.lease, fresh, `(${fresh + 1}`);
    expect(new Set(renewed)).toEqual(new Set(ids(all)));
  });
});
