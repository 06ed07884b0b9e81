import { expect, it } from "vitest";
import { keyType } from "../../src/protocol/key-type.ts";
import * as keys from "../../src/protocol/keys.ts";

it("knows what schedulers store", () => expect(keyType(keys.SCHEDULES)).toBe("hash"));

const q = "default";
const server = { host: "h", pid: 1, serverId: "s" };

it.each([
  ["list", ["pending", "active"]],
  ["zset", ["lease", "scheduled", "retry", "archived", "completed", "aggregationSets", "due"]],
  ["string", ["paused", "processed", "failed"]],
  ["set", ["groups", "aggs"]],
] as const)("knows the keys of a queue that are of type %s", (type, names) => {
  for (const name of names) expect([name, keyType(keys.queueKeys(q)[name])]).toEqual([name, type]);
});

it("knows the type of keys that are made of something more than a queue", () => {
  expect(keyType(keys.taskKey(q, "id:1"))).toBe("hash");
  expect(keyType(keys.groupKey(q, "g"))).toBe("zset");
  expect(keyType(keys.aggregationSetKey(q, "g", "set"))).toBe("zset");
  expect(keyType(`${keys.queueKeys(q).uniquePrefix}type:0`)).toBe("string");
  expect(keyType(keys.processedKey(q, 0))).toBe("string");
  expect(keyType(keys.failedKey(q, 0))).toBe("string");
  expect(keyType(keys.tickKey(q, "entry"))).toBe("string");
});

it("leaves no key of a queue out", () => {
  for (const key of [...Object.values(keys.queueKeys(q)), ...Object.values(keys.limitKeys(q))])
    expect([key, keyType(key)]).not.toEqual([key, undefined]);
});

it("knows the type of keys that all queues share", () => {
  expect(keyType(keys.ALL_QUEUES)).toBe("set");
  expect(keyType(keys.ALL_SERVERS)).toBe("zset");
  expect(keyType(keys.ALL_WORKERS)).toBe("zset");
  expect(keyType(keys.ALL_SCHEDULERS)).toBe("zset");
  expect(keyType(keys.serverKey(server))).toBe("string");
  expect(keyType(keys.workersKey(server))).toBe("hash");
  expect(keyType(keys.schedulerEntriesKey("h:1:s"))).toBe("list");
  expect(keyType(keys.schedulerHistoryKey("entry"))).toBe("zset");
});

it("knows nothing of other keys", () => {
  for (const key of ["", "asynq", "asynq:{q}:constructor", "asynq:other", "cache:{q}:pending", "pending"]) {
    expect(keyType(key)).toBeUndefined();
  }
});
