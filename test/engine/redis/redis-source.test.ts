import { Redis as Redis5 } from "ioredis5";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { redisConnections } from "../../../src/engine/redis/connect-redis.ts";
import { loadDriver } from "../../../src/engine/redis/driver.ts";
import type { RedisSource } from "../../../src/engine/redis/redis-source.ts";
import {
  EdgeRuntimeError,
  EngineUnavailableError,
  EngineUrlInvalidError,
  RedisAuthError,
  UnsupportedClientError,
} from "../../../src/errors.ts";
import { silentLogger } from "../../../src/runtime/logger.ts";
import { RedisRig, redisForFile } from "../../support/redis-rig.ts";
import { SentinelRig } from "../../support/sentinel-rig.ts";
import { until } from "../../support/server-process.ts";
import { connectForFile, HeardLog, script } from "./connecting.ts";

const redis = await redisForFile();
const connect = connectForFile();
const rigs: RedisRig[] = [];

afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.stop();
});

async function start(...options: Parameters<typeof RedisRig.start>): Promise<RedisRig> {
  const rig = await RedisRig.start(...options);
  rigs.push(rig);
  return rig;
}

describe("a connection by URL", () => {
  it("uses the database of the URL", async () => {
    await connect(`${redis.url}/3`).command("k", "SET", ["k", "in three"]);
    const client = redis.client({ db: 3 });
    expect(await client.get("k")).toBe("in three");
  });

  it("says that a database does not exist", async () => {
    await expect(connect(`${redis.url}/99`).open()).rejects.toThrow(EngineUrlInvalidError);
  });

  it("uses a unix socket", async () => {
    const connection = connect(`redis-socket://${redis.socket}?db=1`);
    expect(await connection.command(undefined, "PING", [])).toEqual(Buffer.from("PONG"));
  });

  it("logs in as the ACL user of the URL", async () => {
    const admin = redis.client();
    await admin.call("ACL", "SETUSER", "worker", "on", ">p@ss:/w", "~*", "&*", "+@all");
    const connection = connect(`redis://worker:p%40ss%3A%2Fw@127.0.0.1:${redis.port}`);
    expect(await connection.command(undefined, "ACL", ["WHOAMI"])).toEqual(Buffer.from("worker"));
  });

  it("takes the password apart from the URL", async () => {
    const admin = redis.client();
    await admin.call("ACL", "SETUSER", "apart", "on", ">secret", "~*", "+@all");
    const source = { url: redis.url, username: "apart", password: "secret" };
    expect(await connect(source).command(undefined, "ACL", ["WHOAMI"])).toEqual(Buffer.from("apart"));
  });

  it("goes on, with a warning, where a password is given and none is asked for", async () => {
    const logger = new HeardLog();
    const connection = connect(`redis://:needless@127.0.0.1:${redis.port}`, { logger });
    await connection.command(undefined, "PING", []);
    expect(logger.lines.join()).toContain("warn a password is given");
    expect(logger.lines.join()).not.toContain("needless");
  });
});

describe("TLS", () => {
  it("trusts the certificate it is told to trust, and by default refuses a self-signed one", async () => {
    const secure = await start({ tls: true });
    const url = `rediss://localhost:${secure.port}`;
    const trusting = connect({ url, tls: { ca: secure.ca } });
    expect(await trusting.command(undefined, "PING", [])).toEqual(Buffer.from("PONG"));

    const strict = connect(url);
    await expect(strict.open()).rejects.toThrow(EngineUnavailableError);
    await expect(strict.open()).rejects.toThrow("self-signed certificate");
  });

  it("warns each time where the certificate is not checked", async () => {
    const secure = await start({ tls: true });
    const logger = new HeardLog();
    const source = { url: `rediss://127.0.0.1:${secure.port}`, tls: { rejectUnauthorized: false } };
    await connect(source, { logger }).command(undefined, "PING", []);
    connect(source, { logger });
    expect(logger.lines.filter((line) => line.includes("rejectUnauthorized"))).toHaveLength(2);
  });

  it("refuses a certificate for another name", async () => {
    const secure = await start({ tls: true });
    const tls = { ca: secure.ca, servername: "elsewhere.example" };
    const connection = connect({ url: `rediss://127.0.0.1:${secure.port}`, tls });
    await expect(connection.open()).rejects.toThrow(/Hostname|altnames/);
  });
});

describe("an existing ioredis client", () => {
  it("is copied with its settings, and neither used nor closed", async () => {
    const admin = redis.client();
    await admin.call("ACL", "SETUSER", "mine", "on", ">secret", "~*", "+@all");
    const options = { username: "mine", password: "secret", db: 2, keyPrefix: "prefix:", commandTimeout: 1 };
    const client = redis.client({ ...options, connectionName: "theirs", lazyConnect: true });
    const connection = connect(client);
    await connection.command("k", "SET", ["k", "v"]);
    expect(await connection.command(undefined, "ACL", ["WHOAMI"])).toEqual(Buffer.from("mine"));
    expect(client.status).toBe("wait");

    const reader = redis.client({ db: 2 });
    expect(await reader.get("k")).toBe("v");
    connection.close();
    expect(client.status).toBe("wait");
  });

  it("may be of ioredis 5", async () => {
    const client = new Redis5(redis.port, "127.0.0.1", { db: 4, keyPrefix: "prefix:", lazyConnect: true });
    const connection = connect(client);
    const echo = script("return {KEYS[1], ARGV[1], 7, false, redis.error_reply('ERR odd')}");
    const answer = await connection.run(echo, ["k"], [Buffer.from([255])]);
    expect(answer).toEqual([Buffer.from("k"), Buffer.from([255]), 7, null, expect.any(Error)]);

    let resolve: (text: string) => void = () => undefined;
    const woken = new Promise<string>((settle) => {
      resolve = settle;
    });
    const options = { logger: silentLogger, commandTimeout: 5_000, random: Math.random };
    const connections = redisConnections(client, options);
    const watch = connections.watch((queue, kind) => resolve(`${queue} ${kind}`));
    watch.arm("a", "pending");
    await until(async () => watch.live);
    await connection.command("asynq:{a}:pending", "LPUSH", ["asynq:{a}:pending", "1"]);
    expect(await woken).toBe("a pending");
    await watch.close();
    await connection.command("asynq:{a}:pending", "DEL", ["asynq:{a}:pending"]);
    expect(client.status).toBe("wait");
  });

  it("of a Cluster or a server only; others are refused by name", () => {
    const nodeRedis = {
      sendCommand: () => undefined,
      isOpen: true,
      isReady: true,
      duplicate: () => undefined,
    };
    const refused = (source: unknown) => () => connect(source as RedisSource);
    expect(refused(nodeRedis)).toThrow(UnsupportedClientError);
    expect(refused(nodeRedis)).toThrow("node-redis");
    for (const value of [undefined, null, 7, {}, [], new Map()]) {
      expect(refused(value)).toThrow(UnsupportedClientError);
    }
  });
});

describe("Sentinels", async () => {
  const sentinels = await SentinelRig.start();
  afterAll(() => sentinels.stop());

  it("lead to the primary, and after a failover to the new one, though the old one still listens", async () => {
    const logger = new HeardLog();
    const connection = connect(sentinels.url, { logger, commandTimeout: 15_000 });
    await connection.command("k", "SET", ["k", "before"]);
    const port = async () => {
      const info = await connection.command(undefined, "INFO", ["server"]);
      return Number(/tcp_port:(\d+)/.exec(String(info))?.[1]);
    };
    expect(await port()).toBe(sentinels.primary.port);

    await sentinels.failover();
    const old = sentinels.primary.client();
    await until(async () => (await old.info("replication")).includes("role:slave"));
    await connection.command("k", "SET", ["k", "between"]).catch(() => undefined);
    await connection.command("k", "SET", ["k", "after"]);
    expect(await port()).toBe(sentinels.replica.port);
    expect(await sentinels.replica.client().get("k")).toBe("after");
  }, 30_000);

  it("that nobody reaches are unavailable", async () => {
    const connection = connect("redis-sentinel://127.0.0.1:1,127.0.0.1:2?master=tq");
    await expect(connection.open()).rejects.toThrow(EngineUnavailableError);
  });

  it("take a password of their own", async () => {
    const guarded = await start({ password: "s3cret" });
    const connection = connect(`redis-sentinel://:wrong@127.0.0.1:${guarded.port}?master=tq`);
    const error = await connection.open().catch((e: unknown) => e);
    expect(error).toBeInstanceOf(EngineUnavailableError);
    expect(String(error)).toContain("WRONGPASS");
    expect(String(error)).not.toMatch(/wrong|s3cret/);
  });
});

describe("a password", () => {
  it("that is wrong or missing is a typed error, and stands in no text", async () => {
    const guarded = await start({ password: "canary-right" });
    const logger = new HeardLog();
    for (const userInfo of ["", ":canary-wrong@", "canary-user:canary-wrong@"]) {
      const connection = connect(`redis://${userInfo}127.0.0.1:${guarded.port}`, { logger });
      for (const call of [connection.open(), connection.command("k", "GET", ["k"])]) {
        const error = await call.catch((e: unknown) => e);
        expect(error).toBeInstanceOf(RedisAuthError);
        expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain("canary");
      }
    }
    expect(logger.lines.join("\n")).not.toContain("canary");
  });

  it("that is right again lets calls through again", async () => {
    const guarded = await start({ password: "right" });
    const logger = new HeardLog();
    const connection = connect(guarded.url, { logger });
    await connection.open();
    const admin = guarded.client();
    await admin.call("CONFIG", "SET", "requirepass", "rotated");
    const refused = logger.next("cannot be made");
    await admin.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    expect(await refused).not.toMatch(/right|rotated/);
    await admin.call("CONFIG", "SET", "requirepass", "right");
    await logger.next("stands again");
    expect(await connection.command(undefined, "PING", [])).toEqual(Buffer.from("PONG"));
  });
});

describe("a runtime without sockets", () => {
  it("is told so", async () => {
    await expect(loadDriver({})).rejects.toBeInstanceOf(EdgeRuntimeError);
    await expect(loadDriver({ process: { versions: {} } })).rejects.toThrow("Node.js");
  });
});
