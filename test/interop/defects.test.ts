import type { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRedisEngine } from "../../src/engine/redis/redis-engine.ts";
import { encodeTaskMessage } from "../../src/protocol/codec.ts";
import { queueKeys } from "../../src/protocol/keys.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { fakeTime, setFakeTime } from "../engine/redis/fake-time.ts";
import { fakeRuntime } from "../support/fake-runtime.ts";
import { RedisRig } from "../support/redis-rig.ts";
import { counted } from "./counts.ts";
import { DEFECTS, ID, type Look, QUEUE } from "./differential/defects.ts";
import { Peer, PeerError } from "./peer.ts";

/** Defects of asynq, seen in asynq itself and not in ours: asynq on database 0, ours on database 1. */

const AT = Date.UTC(2040, 5, 1, 12);
const keys = queueKeys(QUEUE);

const redis = await RedisRig.start();
const gosRedis = redis.client();
const ourRedis = redis.client({ db: 1 });
const runtime = fakeRuntime({ now: AT });
const engine = createRedisEngine(
  `${redis.url}/1`,
  { runtime, logger: silentLogger },
  { clockOffset: 0, scriptSource: fakeTime },
);
let peer: Peer;
beforeAll(async () => {
  peer = await Peer.start(redis.url);
});
afterAll(async () => {
  await engine.close();
  await peer.close();
  await redis.stop();
});

const task = {
  type: "mail",
  payload: undefined,
  id: ID,
  queue: QUEUE,
  retry: 3,
  retried: 0,
  errorMsg: "",
  timeout: 60,
  deadline: 0,
  uniqueKey: "",
  lastFailedAt: 0,
  retention: 0,
  completedAt: 0,
  groupKey: "",
  headers: new Map<string, string>(),
};

async function look(from: Redis, call: Promise<unknown>): Promise<Look> {
  const answer = await call.catch((error: unknown) => {
    if (error instanceof PeerError) return error.code;
    throw error;
  });
  const archived = new Set(await from.zrange(keys.archived, "0", "-1"));
  const hashes = (await from.keys(`${keys.taskPrefix}old-*`)).map((key) => key.slice(keys.taskPrefix.length));
  return {
    answer,
    pending: await from.lrange(keys.pending, 0, -1),
    active: await from.lrange(keys.active, 0, -1),
    leased: await from.zrange(keys.lease, "0", "-1"),
    retry: await from.zrange(keys.retry, "0", "-1"),
    archived: archived.size,
    state: await from.hget(keys.taskPrefix + ID, "state"),
    result: await from.hget(keys.taskPrefix + ID, "result"),
    orphans: hashes.filter((id) => !archived.has(id)).length,
  };
}

describe("a defect of asynq", () => {
  it.each(DEFECTS)("is not ours: $rule", async ({ damage, goCall, ourCall, gos, ours }) => {
    await redis.flush();
    await peer.ask("renew");
    await peer.setClock(AT);
    runtime.clock.setWall(AT);
    await setFakeTime(ourRedis, AT);

    const message = encodeTaskMessage(task).toString("hex");
    await peer.broker("Enqueue", message);
    await peer.broker("Dequeue", QUEUE);
    await engine.broker.enqueue([{ message: task }]);
    const { leased } = await engine.broker.exchange(QUEUE, [], 1);
    await damage(gosRedis, AT);
    await damage(ourRedis, AT);

    const given = { peer, message, engine, leased: leased[0]!, at: AT };
    expect(await look(gosRedis, goCall(given)), "asynq").toMatchObject(gos);
    expect(await look(ourRedis, ourCall(given)), "TitanQueue").toMatchObject(ours);
    counted("operations");
  });
});
