import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { backOff } from "../../../src/engine/redis/back-off.ts";
import type { Endpoint } from "../../../src/engine/redis/endpoint.ts";
import { UnansweredError } from "../../../src/engine/redis/redis-commands.ts";
import { StandingLink } from "../../../src/engine/redis/standing-link.ts";
import { EngineUnavailableError, RedisReadOnlyError } from "../../../src/errors.ts";
import { UnderWay } from "../../../src/runtime/under-way.ts";
import { FakeClock, fakeRuntime } from "../../support/fake-runtime.ts";
import { redisForFile } from "../../support/redis-rig.ts";
import { RespProxy } from "../../support/resp-proxy.ts";
import { connectForFile, HeardLog, script } from "./connecting.ts";

const redis = await redisForFile();
const connect = connectForFile();
const ends: (() => Promise<unknown>)[] = [];
const increment = script("return redis.call('INCR', KEYS[1])");

afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  const client = redis.client();
  await client.call("REPLICAOF", "NO", "ONE");
  await client.flushall();
});

async function proxied(): Promise<RespProxy> {
  const proxy = await RespProxy.start(redis.port);
  ends.push(() => proxy.stop());
  return proxy;
}

async function count(): Promise<string | null> {
  return redis.client().get("n");
}

describe("a connection that is cut", () => {
  it("after Redis executed and before the answer: unanswered, and never sent again", async () => {
    const proxy = await proxied();
    const logger = new HeardLog();
    const connection = connect(proxy.url, { logger });
    await connection.run(increment, ["n"], []);
    const again = logger.next("stands again");
    const rule = proxy.rule({ command: "evalsha" }, { do: "drop-reply-then-close" });
    await expect(connection.run(increment, ["n"], [])).rejects.toBeInstanceOf(UnansweredError);
    expect(rule.fired).toBe(1);
    await again;
    expect(await count()).toBe("2");
  });

  it("takes all that is under way with it, and no call hangs", async () => {
    const proxy = await proxied();
    const connection = connect(proxy.url);
    await connection.open();
    const rule = proxy.rule({ command: "incr", nth: 10 }, { do: "drop-request-then-close" });
    const calls = Array.from({ length: 30 }, () => connection.command("n", "INCR", ["n"]));
    const settled = await Promise.allSettled(calls);
    expect(rule.fired).toBe(1);
    const lost = settled.filter(({ status }) => status === "rejected");
    expect(lost.length).toBeGreaterThanOrEqual(21);
    for (const outcome of lost) expect(outcome).toMatchObject({ reason: expect.any(UnansweredError) });
    expect(await connection.command("n", "GET", ["n"])).toEqual(Buffer.from(String(await count())));
  });

  it("again and again lets calls through in between", async () => {
    const proxy = await proxied();
    const connection = connect(proxy.url);
    for (let i = 0; i < 5; i += 1) {
      expect(await connection.command("n", "INCR", ["n"])).toBe(i + 1);
      proxy.cut();
      // The cut is noticed with the next reply that does not come, if not before.
      await connection.command(undefined, "PING", []).catch(() => undefined);
    }
  });
});

describe("a Redis that does not answer", () => {
  it("settles every call in its time, and is left for a new connection when it stays silent", async () => {
    const proxy = await proxied();
    const connection = connect(proxy.url, { commandTimeout: 200 });
    await connection.open();
    const rule = proxy.rule({ command: "get" }, { do: "drop-reply" });
    await expect(connection.command("k", "GET", ["k"])).rejects.toBeInstanceOf(UnansweredError);
    expect(rule.fired).toBe(1);
    proxy.heal();
    await expect
      .poll(() => connection.command("n", "INCR", ["n"]).catch(() => undefined), { timeout: 5_000 })
      .toBeTypeOf("number");
  });

  it("is noticed by a connection that has nothing to do", async () => {
    const proxy = await proxied();
    const clock = new FakeClock();
    const logger = new HeardLog();
    const connection = connect(proxy.url, { clock, logger });
    await connection.open();
    const broke = logger.next("broke");
    const rule = proxy.rule({ command: "ping" }, { do: "drop-request" });
    // At the first look the replies of the start are news; at the second there are none.
    await clock.advance(20_000);
    await rule.met;
    expect(logger.lines).toEqual([]);
    await clock.advance(10_000);
    await broke;
  });

  it("is unavailable, not hanging, when it accepts and says nothing", async () => {
    const sockets = new Set<Socket>();
    const mute = createServer((socket) => sockets.add(socket.on("error", () => undefined)));
    await once(mute.listen(0, "127.0.0.1"), "listening");
    ends.push(async () => {
      for (const socket of sockets) socket.destroy();
      mute.close();
    });
    const { port } = mute.address() as { port: number };
    const connection = connect(`redis://127.0.0.1:${port}`, { commandTimeout: 200 });
    await expect(connection.open()).rejects.toBeInstanceOf(EngineUnavailableError);
    await expect(connection.command("k", "GET", ["k"])).rejects.toBeInstanceOf(EngineUnavailableError);
  });

  it("is unavailable when it is no Redis at all", async () => {
    const web = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    await once(web.listen(0, "127.0.0.1"), "listening");
    ends.push(async () => web.close());
    const { port } = web.address() as { port: number };
    await expect(connect(`redis://127.0.0.1:${port}`).open()).rejects.toBeInstanceOf(EngineUnavailableError);
  });
});

describe("a Redis that comes back", () => {
  it("after a crash is found within 5 s", async () => {
    const logger = new HeardLog();
    const connection = connect(redis.url, { logger });
    await connection.open();
    const broke = logger.next("broke");
    await redis.crash();
    await broke;
    await logger.next("cannot be made");
    await redis.restart();
    const since = performance.now();
    await logger.next("stands again");
    expect(performance.now() - since).toBeLessThan(5_000);
    expect(await connection.command("n", "INCR", ["n"])).toBe(1);
  });

  it("after being made a replica and a primary again takes calls again, without a storm of attempts", async () => {
    const proxy = await proxied();
    const connection = connect(proxy.url);
    await connection.open();
    const admin = redis.client();
    await admin.call("REPLICAOF", "127.0.0.1", "1");
    await expect(connection.command("n", "INCR", ["n"])).rejects.toBeInstanceOf(RedisReadOnlyError);
    const waited = connection.command("n", "INCR", ["n"], { timeout: 1_000 });
    await expect(waited).rejects.toBeInstanceOf(RedisReadOnlyError);
    await admin.call("REPLICAOF", "NO", "ONE");
    expect(await connection.command("n", "INCR", ["n"])).toBe(1);
  });
});

describe("the pause between attempts", () => {
  it("keeps a Redis that stays away at one attempt a second, and the log at one line", async () => {
    let attempts = 0;
    const endpoint: Endpoint = {
      where: "nowhere",
      credentials: {},
      db: 0,
      replicaAllowed: false,
      client: async () => {
        attempts += 1;
        throw new Error("nobody is there");
      },
    };
    const clock = new FakeClock();
    const logger = new HeardLog();
    const { random } = fakeRuntime();
    const options = { clock, random, logger, timeout: 5_000, underWay: new UnderWay() };
    const standing = new StandingLink(
      { endpoint: () => endpoint, what: "it", isWanted: () => true },
      options,
    );
    standing.connect();
    await clock.advance(60_000);
    standing.close(new Error("over"));
    expect(attempts).toBeGreaterThan(20);
    expect(attempts).toBeLessThanOrEqual(60);
    expect(logger.lines).toHaveLength(1);
  });

  it("is anything up to a bound that grows to 3 s", () => {
    expect([1, 2, 3, 5, 50].map((failures) => backOff(failures, () => 1))).toEqual([
      200, 400, 800, 3_000, 3_000,
    ]);
    expect(backOff(50, () => 0)).toBe(0);
  });
});

describe("a script that enqueues and does not close", () => {
  const src = (path: string) =>
    JSON.stringify(fileURLToPath(new URL(`../../../src/${path}`, import.meta.url)));

  async function child(body: string): Promise<{ code: number | null; out: string }> {
    const program = `
      import { redisConnections } from ${src("engine/redis/connect-redis.ts")};
      import { silentLogger } from ${src("runtime/logger.ts")};
      const options = { logger: silentLogger, commandTimeout: 5000, random: Math.random };
      const redis = redisConnections(process.argv[1], options);
      ${body}`;
    const args = ["--import", "tsx", "--input-type=module", "-e", program, redis.url];
    const running = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    running.stdout.on("data", (chunk) => {
      out += chunk;
    });
    running.stderr.on("data", (chunk) => {
      out += chunk;
    });
    const [code] = (await once(running, "close")) as [number | null];
    return { code, out };
  }

  it("gets its answers, and ends by itself", async () => {
    const { code, out } = await child(`
      redis.watch(() => undefined).arm("a", "pending");
      await redis.subscribe("asynq:cancel", () => undefined);
      const connection = redis.connect();
      console.log(await connection.command("n", "INCR", ["n"]), await connection.command("n", "INCR", ["n"]));
    `);
    expect([code, out]).toEqual([0, "1 2\n"]);
  });

  it("waits for a Redis that is away as long as its call may take, and ends without a stray error", async () => {
    const { code, out } = await child(`
      const connection = redis.connect();
      await connection.open();
      await connection.command(undefined, "CLIENT", ["KILL", "TYPE", "normal", "SKIPME", "no"]).catch(() => undefined);
      // This one may still have left on the connection that is being killed.
      await connection.command(undefined, "PING", []).catch(() => undefined);
      const killed = await connection.command("n", "INCR", ["n"]);
      connection.close();
      const nobody = (await import(${src("engine/redis/connect-redis.ts")})).connectRedis("redis://127.0.0.1:1", options);
      const error = await nobody.command("n", "INCR", ["n"], { timeout: 300 }).catch((e) => e);
      console.log(killed, error.code);
    `);
    expect([code, out]).toEqual([0, "1 ENGINE_UNAVAILABLE\n"]);
  });
});
