import { expect, it } from "vitest";
import type { Leased } from "../../../src/broker/broker.ts";
import type { LimitSpec } from "../../../src/broker/limits.ts";
import { limitKeys } from "../../../src/protocol/keys.ts";
import { done, leased, message, settled } from "../../contract/tasks.ts";
import { redisForFile } from "../../support/redis-rig.ts";
import { harnessesOn, type RedisHarness } from "./harness.ts";

const redis = await redisForFile();
const open = harnessesOn(redis);

const q = "default";
const { slots, held } = limitKeys(q);
const THREE: LimitSpec = { name: "type:a", keyed: true, concurrency: 3 };
const scope = { spec: THREE, key: "k" };
const COUNT = "type:a\nk";

async function running(harness: RedisHarness, count: number): Promise<Leased[]> {
  await harness.broker.enqueue(
    Array.from({ length: count }, () => ({ message: message(q), fields: {}, timing: {} })),
  );
  return leased(harness, q, count);
}

function admit(harness: RedisHarness, tasks: readonly Leased[]) {
  return harness.engine.limits.admit(
    q,
    tasks.map((task) => ({ leased: task, scopes: [scope] })),
  );
}

const ended = ({ message: { id } }: Leased) => ({ taskId: id, scopes: [scope] });

it("counts a slot once, however often it is asked for", async () => {
  const harness = await open();
  const tasks = await running(harness, 2);
  await admit(harness, tasks);
  await admit(harness, tasks.slice(0, 1));
  expect(await harness.client.hgetall(held)).toEqual({ [COUNT]: "2" });
  expect(await harness.client.hlen(slots)).toBe(2);
});

it("gives a slot back once, however often that is said", async () => {
  const harness = await open();
  const [a, b, c] = (await running(harness, 3)) as [Leased, Leased, Leased];
  await admit(harness, [a, b, c]);
  for (const each of [a, b]) await settled(harness, each, done);
  await harness.engine.limits.release(q, [ended(a), ended(a)]);
  expect(await harness.client.hgetall(held)).toEqual({ [COUNT]: "2" });
  await harness.engine.limits.release(q, [ended(a), ended(b)]);
  expect(await harness.client.hgetall(held)).toEqual({ [COUNT]: "1" });
});

it("counts anew what somebody has damaged", async () => {
  const harness = await open();
  const tasks = await running(harness, 2);
  await admit(harness, tasks);
  await harness.client.hset(held, COUNT, 77, "other\n", 5);
  await harness.client.hset(slots, "no member", "");
  await harness.engine.limits.review(q, [THREE]);
  expect(await harness.client.hgetall(held)).toEqual({ [COUNT]: "2" });

  await harness.client.del(slots);
  const [more] = (await running(harness, 1)) as [Leased];
  const { answers } = await admit(harness, [more]);
  expect(answers).toEqual(["admitted"]);
  expect(await harness.client.hgetall(held)).toEqual({ [COUNT]: "1" });
});

it("looks through more slots than one call may, from where the last one ended", async () => {
  const harness = await open();
  const [task] = (await running(harness, 1)) as [Leased];
  await admit(harness, [task]);
  const lost = Array.from({ length: 4_000 }, (_, i) => [`${COUNT}\nlost-${i}`, ""]).flat();
  await harness.client.hset(slots, ...lost);
  await harness.client.hset(held, COUNT, 4_001);
  for (let calls = 0; calls < 5; calls += 1) await harness.engine.limits.review(q, [THREE]);
  expect(await harness.client.hkeys(slots)).toEqual([`${COUNT}\n${task.message.id}`]);
  expect(await harness.client.hgetall(held)).toEqual({ [COUNT]: "1" });
});
