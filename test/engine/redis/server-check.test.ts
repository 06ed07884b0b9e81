import { afterEach, describe, expect, it } from "vitest";
import { adviseOnServer, checkServer, persistenceOf } from "../../../src/engine/redis/server-check.ts";
import {
  EngineUnavailableError,
  RedisOutOfMemoryError,
  RedisPermissionError,
  RedisReadOnlyError,
  RedisVersionError,
} from "../../../src/errors.ts";
import { RedisRig, redisForFile } from "../../support/redis-rig.ts";
import { RespProxy } from "../../support/resp-proxy.ts";
import { connectForFile, HeardLog, script } from "./connecting.ts";

const redis = await redisForFile();
const connect = connectForFile();
const ends: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function start(...options: Parameters<typeof RedisRig.start>): Promise<RedisRig> {
  const rig = await RedisRig.start(...options);
  ends.push(() => rig.stop());
  return rig;
}

/** What a server says that answers INFO with these fields. */
async function openWith(info: string): Promise<unknown> {
  const proxy = await RespProxy.start(redis.port);
  ends.push(() => proxy.stop());
  const rule = proxy.rule(
    { command: "info" },
    { do: "replace-reply", reply: `$${Buffer.byteLength(info)}\r\n${info}\r\n` },
  );
  const connection = connect(proxy.url);
  const error = await connection.open().then(
    () => connection.facts,
    (e: unknown) => e,
  );
  expect(rule.fired).toBeGreaterThan(0);
  return error;
}

async function advice(rig: RedisRig, url = rig.url): Promise<string[]> {
  const logger = new HeardLog();
  const connection = connect(url);
  await connection.open();
  if (connection.facts === undefined) throw new Error("connected, and no facts");
  await adviseOnServer(connection.facts, connection, logger);
  return logger.lines;
}

describe("the check of a server", () => {
  it("takes Redis as it runs here", async () => {
    const connection = connect(redis.url);
    await connection.open();
    const facts = { product: "redis", role: "master", cluster: false, evictionPolicy: "noeviction" };
    expect(connection.facts).toMatchObject(facts);
  });

  it.each(["6.0.16", "5.0.7", "2.8.4"])("refuses Redis %s", async (version) => {
    const error = await openWith(`redis_version:${version}\r\nrole:master\r\n`);
    expect(error).toBeInstanceOf(RedisVersionError);
    expect(error).toMatchObject({ version });
  });

  it.each(["6.2.0", "7.2.4", "8.0.1", "10.0.0"])("takes Redis %s", async (version) => {
    const facts = await openWith(`redis_version:${version}\r\nrole:master\r\n`);
    expect(facts).toMatchObject({ product: "redis", version, evictionPolicy: "unknown" });
  });

  it("takes Valkey, whatever Redis it claims to be", async () => {
    const facts = await openWith("redis_version:5.0.0\r\nvalkey_version:8.1.0\r\nrole:master\r\n");
    expect(facts).toMatchObject({ product: "valkey", version: "8.1.0" });
  });

  it("waits for a server that loads its data", async () => {
    const error = await openWith("redis_version:7.0.0\r\nloading:1\r\nrole:master\r\n");
    expect(error).toBeInstanceOf(EngineUnavailableError);
    expect(String(error)).toContain("loading");
  });

  it("refuses a replica, except as a node of a Cluster", async () => {
    const replica = await start({ replicaOf: redis });
    await expect(connect(replica.url).open()).rejects.toBeInstanceOf(RedisReadOnlyError);
    expect(checkServer(Buffer.from("redis_version:7.0.0\r\nrole:slave\r\n"), "here", true).role).toBe(
      "replica",
    );
  });

  it("takes nothing for granted where INFO is forbidden", async () => {
    const admin = redis.client();
    await admin.call("ACL", "SETUSER", "blind", "on", ">pw", "~*", "&*", "+@all", "-info", "-config");
    const lines = await advice(redis, `redis://blind:pw@127.0.0.1:${redis.port}`);
    expect(lines).toEqual([
      expect.stringMatching(/^warn .*may not run INFO.*unknown/),
      expect.stringMatching(/^info .*CONFIG GET.*persistence=unknown/),
    ]);
  });
});

describe("the advice on a server", () => {
  it("warns loudly of a server that may evict keys", async () => {
    const evicting = await start({ mode: "rdb", config: { "maxmemory-policy": "allkeys-lru" } });
    expect(await advice(evicting)).toEqual([
      expect.stringMatching(/^warn .*TASKS WILL BE LOST.*allkeys-lru/),
    ]);
  });

  it("takes a policy that the server does not tell for none that is good", async () => {
    const logger = new HeardLog();
    const facts = checkServer(Buffer.from("redis_version:7.0.0\r\nrole:master\r\n"), "here");
    await adviseOnServer(facts, connect(redis.url), logger);
    expect(logger.lines[0]).toMatch(/^warn Redis does not say whether it may evict keys/);
  });

  it("says in one line that nothing is kept on disk", async () => {
    expect(await advice(redis)).toEqual([
      expect.stringMatching(/^info .*restart of the server loses all tasks/),
    ]);
  });

  it.each(["none", "rdb", "aof-everysec", "aof-always"] as const)("knows persistence %s", async (mode) => {
    const rig = await start({ mode });
    expect(await persistenceOf(connect(rig.url))).toBe(mode);
  });
});

describe("an error reply of a real server", () => {
  it("OOM is out of memory, and passes", async () => {
    const full = await start();
    const connection = connect(full.url);
    await connection.open();
    await full.setMaxmemory(-1_000);
    await expect(connection.command("k", "SET", ["k", "v"])).rejects.toBeInstanceOf(RedisOutOfMemoryError);
    const set = script("return redis.call('SET', KEYS[1], 'v')");
    await expect(connection.run(set, ["k"], [])).rejects.toBeInstanceOf(RedisOutOfMemoryError);
    await full.setMaxmemory("off");
    expect(await connection.run(set, ["k"], [])).toEqual(Buffer.from("OK"));
  });

  it("NOPERM names what is missing, in a script too", async () => {
    const admin = redis.client();
    await admin.call("ACL", "SETUSER", "narrow", "on", ">pw", "~asynq:*", "+@all", "-lpush");
    const connection = connect(`redis://narrow:pw@127.0.0.1:${redis.port}`);
    const command = connection.command("asynq:l", "LPUSH", ["asynq:l", "v"]);
    await expect(command).rejects.toThrow(RedisPermissionError);
    await expect(command).rejects.toThrow(/lpush/i);
    await expect(connection.command("other", "GET", ["other"])).rejects.toThrow(RedisPermissionError);
    const push = script("return redis.call('LPUSH', KEYS[1], 'v')");
    await expect(connection.run(push, ["asynq:l"], [])).rejects.toThrow(RedisPermissionError);
  });

  it("NOREPLICAS and MISCONF are refusals to write", async () => {
    const lonely = await start({ config: { "min-replicas-to-write": 1 } });
    const write = connect(lonely.url).command("k", "SET", ["k", "v"]);
    await expect(write).rejects.toBeInstanceOf(RedisReadOnlyError);
    await expect(write).rejects.toThrow("NOREPLICAS");
  });
});
