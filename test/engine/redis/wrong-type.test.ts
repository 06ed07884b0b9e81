import { afterEach, describe, expect, it } from "vitest";
import type { EnqueueEntry } from "../../../src/broker/enqueue-entry.ts";
import { RedisWrongTypeError } from "../../../src/errors.ts";
import { ALL_QUEUES, groupKey, queueKeys } from "../../../src/protocol/keys.ts";
import { enqueued, message } from "../../contract/tasks.ts";
import { redisForFile } from "../../support/redis-rig.ts";
import { RespProxy } from "../../support/resp-proxy.ts";
import { connectForFile, script } from "./connecting.ts";
import { harnessesOn, type RedisHarness } from "./harness.ts";

/** Redis says that some key is of another type, and not which. */

const redis = await redisForFile();
const open = harnessesOn(redis);
const connect = connectForFile();

const q = "default";
const keys = queueKeys(q);

afterEach(() => redis.flush());

const CALLS: Readonly<Record<string, (engine: RedisHarness) => Promise<unknown>>> = {
  exchange: ({ broker }) => broker.exchange(q, [], 1),
  forward: ({ broker }) => broker.forward(q, 10),
  list_expired: ({ broker }) => broker.listExpired(q, 10),
  sweep: ({ broker }) => broker.sweep(q, 10),
  delete_expired: ({ broker }) => broker.deleteExpired(q, 10),
  trim_archive: ({ broker }) => broker.trimArchive(q, 10),
  queue_info: ({ inspection }) => inspection.queueInfo(q),
};

it.each([
  ["exchange", "pending", "list"],
  ["exchange", "active", "list"],
  ["exchange", "lease", "zset"],
  ["forward", "scheduled", "zset"],
  ["forward", "retry", "zset"],
  ["forward", "due", "zset"],
  ["list_expired", "lease", "zset"],
  ["sweep", "active", "list"],
  ["delete_expired", "completed", "zset"],
  ["trim_archive", "archived", "zset"],
  ["queue_info", "archived", "zset"],
] as const)("%s names the operation, the key of %s and both types", async (name, container, wanted) => {
  const engine = await open();
  await enqueued(engine, q);
  await engine.client.del(keys[container]);
  await engine.client.hset(keys[container], "foreign", "1");
  const error = await CALLS[name]?.(engine).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(RedisWrongTypeError);
  expect(error).toMatchObject({ key: keys[container] });
  expect(String(error)).toContain(`${name}: the key "${keys[container]}" is of type hash, not ${wanted}`);
});

describe("enqueueing", () => {
  it.each([
    ["that it waits in", keys.scheduled, { processAt: Date.now() }, {}],
    ["of its group", groupKey(q, "digest"), {}, { groupKey: "digest" }],
    ["of the list of groups", keys.groups, {}, { groupKey: "digest" }],
  ] as const)("tells each task that is not stored the key %s", async (_, key, entry, fields) => {
    const engine = await open();
    await engine.client.set(key, "foreign");
    const entries: EnqueueEntry[] = [
      { message: message(q, fields), ...entry },
      { message: message(q), replaceFinished: true },
    ];
    expect(await engine.broker.enqueue(entries)).toMatchObject([
      { status: "failed", error: { code: "REDIS_WRONG_TYPE", key } },
      { status: "enqueued" },
    ]);
  });

  it("names the registry of queues", async () => {
    const engine = await open();
    await engine.client.set(ALL_QUEUES, "foreign");
    const [answer] = await engine.broker.enqueue([{ message: message(q) }]);
    expect(answer).toMatchObject({ status: "failed", error: { code: "REDIS_WRONG_TYPE", key: ALL_QUEUES } });
  });
});

describe("where the key cannot be found out", () => {
  const push = script("return redis.call('LPUSH', KEYS[1], 'x')");

  it("names what is known: the script and a key of it", async () => {
    const connection = connect(redis.url);
    await connection.command("k", "SET", ["k", "v"]);
    const error = await connection.run(push, ["k"], []).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(RedisWrongTypeError);
    expect(error).toMatchObject({ key: undefined });
    expect(String(error)).toMatch(/test: a key, near "k".*WRONGTYPE/);
  });

  it("still tells what happened when the connection breaks over the question", async () => {
    const proxy = await RespProxy.start(redis.port);
    const connection = connect(proxy.url);
    await connection.command(keys.pending, "SET", [keys.pending, "v"]);
    const rule = proxy.rule({ command: "type" }, { do: "drop-request-then-close" });
    const error = await connection.run(push, [keys.pending], []).catch((error: unknown) => error);
    expect(rule.fired).toBeGreaterThan(0);
    expect(error).toBeInstanceOf(RedisWrongTypeError);
    expect(String(error)).toContain(`near "${keys.pending}"`);
    await proxy.stop();
  });
});

it("names the key of a command, and of one in a pipeline", async () => {
  const connection = connect(redis.url);
  await connection.command("k", "SET", ["k", "v"]);
  const error = await connection.command("k", "LPUSH", ["k", "x"]).catch((error: unknown) => error);
  expect(error).toMatchObject({ code: "REDIS_WRONG_TYPE", key: "k" });
  const [reply] = await connection.pipeline("k", [["LPUSH", "k", "x"]]);
  expect(reply).toMatchObject({ code: "REDIS_WRONG_TYPE", key: "k" });
});

it("asks nothing where all is well", async () => {
  const engine = await open();
  await engine.client.config("RESETSTAT");
  await enqueued(engine, q);
  await engine.broker.exchange(q, [], 1);
  expect(await engine.client.info("commandstats")).not.toContain("cmdstat_type:");
});
