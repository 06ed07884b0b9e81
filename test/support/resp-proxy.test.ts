import { createHash } from "node:crypto";
import type { RedisOptions } from "ioredis";
import { Redis } from "ioredis";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { redisForFile } from "./redis-rig.ts";
import { RespFramer } from "./resp-frames.ts";
import { RespProxy } from "./resp-proxy.ts";

const rig = await redisForFile();
const direct = rig.client();
const proxy = await RespProxy.start(rig.port);
const clients: Redis[] = [];

/** A client that gives up at once, so that a test sees the connection end. */
function through(options: Omit<RedisOptions, "replyMapping"> = {}): Redis {
  const client = new Redis({
    host: "127.0.0.1",
    port: proxy.port,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
    disableClientInfo: true,
    ...options,
  });
  client.on("error", () => undefined);
  clients.push(client);
  return client;
}

/** Resolves once `condition` holds; the test's own deadline ends a wait in vain. */
async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await condition())) await new Promise(setImmediate);
}

afterEach(async () => {
  for (const client of clients.splice(0)) client.disconnect();
  proxy.heal();
  await direct.flushall();
});
afterAll(() => proxy.stop());

describe("RespProxy", () => {
  it("passes everything without a rule, also values with line ends and thousands in one pipeline", async () => {
    const client = through();
    const value = Buffer.from("a\r\n$-1\r\n\0ü*2\r\n");
    await client.set("k", value);
    expect(await client.getBuffer("k")).toEqual(value);
    const pipeline = client.pipeline();
    for (let i = 0; i < 2000; i += 1) pipeline.incr("n");
    expect((await pipeline.exec())?.at(-1)).toEqual([null, 2000]);
    expect(await client.lrange("none", "0", "-1")).toEqual([]);
  });

  it("cuts after Redis has executed, before the client knows", async () => {
    const rule = proxy.rule({ command: "set" }, { do: "drop-reply-then-close" });
    await expect(through().set("k", "1")).rejects.toThrow();
    expect(await direct.get("k")).toBe("1");
    expect(rule.fired).toBe(1);
  });

  it("cuts before Redis has executed", async () => {
    proxy.rule({ command: "SET" }, { do: "drop-request-then-close" });
    await expect(through().set("k", "1")).rejects.toThrow();
    expect(await direct.get("k")).toBeNull();
  });

  it("resets a connection", async () => {
    proxy.rule({ command: "set" }, { do: "rst" });
    await expect(through().set("k", "1")).rejects.toThrow();
    expect(await direct.get("k")).toBeNull();
  });

  it("leaves the client waiting for a lost reply, and for all that come after it", async () => {
    const rule = proxy.rule({ command: "set", nth: 1 }, { do: "drop-reply" });
    const client = through();
    const settled: string[] = [];
    for (const call of [client.set("k", "1"), client.set("l", "2")]) {
      call.finally(() => settled.push("settled")).catch(() => undefined);
    }
    await rule.met;
    await until(async () => (await direct.get("l")) === "2");
    expect(settled).toEqual([]);
  });

  it("leaves the client waiting for a request that Redis never saw", async () => {
    const rule = proxy.rule({ command: "set" }, { do: "drop-request" });
    const client = through();
    client.set("k", "1").catch(() => undefined);
    client.incr("n").catch(() => undefined);
    await rule.met;
    await through().ping();
    expect(await direct.exists("k", "n")).toBe(0);
  });

  it("answers in the place of Redis, which does not execute the command", async () => {
    proxy.rule({ command: "set", nth: 1 }, { do: "replace-reply", reply: "-OOM no memory\r\n" });
    const client = through();
    const answers = await Promise.allSettled([client.incr("n"), client.set("k", "1"), client.incr("n")]);
    expect(answers[1]).toMatchObject({ status: "rejected", reason: { message: "OOM no memory" } });
    expect(answers[2]).toEqual({ status: "fulfilled", value: 2 });
    expect(await direct.exists("k")).toBe(0);
    await client.set("k", "1");
  });

  it("knows a script by its hash, sent as a hash or as text", async () => {
    const source = "return redis.call('INCR', KEYS[1])";
    const script = createHash("sha1").update(source).digest("hex");
    const rule = proxy.rule({ script, nth: 2 }, { do: "drop-reply-then-close" });
    const client = through();
    await client.eval("return 1", 0);
    await client.eval(source, 1, "n");
    await expect(client.evalsha(script, 1, "n")).rejects.toThrow();
    expect(await direct.get("n")).toBe("2");
    expect(rule.fired).toBe(1);
  });

  it("hands frames over in pieces of a byte, both ways", async () => {
    proxy.rule({ command: "set" }, { do: "chunk", bytes: 1, direction: "request" });
    const get = proxy.rule({ command: "get" }, { do: "chunk", bytes: 1 });
    const client = through();
    await client.set("k", "ü".repeat(50));
    expect(await client.get("k")).toBe("ü".repeat(50));
    expect(get.fired).toBe(1);
  });

  it("holds a reply, and what is behind it", async () => {
    proxy.rule({ command: "get" }, { do: "delay", ms: 50 });
    const client = through();
    const order: string[] = [];
    const start = performance.now();
    await Promise.all([
      client.get("k").then(() => order.push("get")),
      client.ping().then(() => order.push("ping")),
    ]);
    expect(order).toEqual(["get", "ping"]);
    expect(performance.now() - start).toBeGreaterThan(45);
  });

  it("slows a big reply down", async () => {
    await direct.set("k", "x".repeat(5_000));
    proxy.rule({ command: "get" }, { do: "throttle", bytesPerSecond: 100_000 });
    const start = performance.now();
    await through().get("k");
    expect(performance.now() - start).toBeGreaterThan(45);
  });

  it.each([2, 3] as const)("keeps published messages apart from replies in RESP%i", async (protocol) => {
    const rule = proxy.rule({ command: "ping" }, { do: "delay", ms: 1 });
    const client = through({ protocol });
    const heard: string[] = [];
    client.on("message", (_channel, text) => heard.push(text));
    await client.subscribe("a", "b");
    await direct.publish("a", "one");
    await client.ping();
    await direct.publish("b", "two");
    await until(() => heard.length === 2);
    expect(heard).toEqual(["one", "two"]);
    expect(rule.fired).toBe(1);
  });

  it("refuses connections while it is down, and is back on the same port", async () => {
    const client = through({ retryStrategy: () => 5, maxRetriesPerRequest: null });
    await client.ping();
    expect(proxy.connections).toBe(1);
    await proxy.down();
    await expect(through().ping()).rejects.toThrow();
    await proxy.up();
    expect(await client.ping()).toBe("PONG");
  });
});

describe("RespFramer", () => {
  it("finds every frame wherever the stream is cut", () => {
    const frames = [
      "+OK\r\n",
      "$-1\r\n",
      "*-1\r\n",
      "*0\r\n",
      "$0\r\n\r\n",
      "*2\r\n$3\r\na\r\n\r\n*1\r\n:1\r\n",
      "%1\r\n+k\r\n,1.5\r\n",
      "|1\r\n+ttl\r\n:3\r\n$1\r\nx\r\n",
      ">2\r\n$7\r\nmessage\r\n_\r\n",
      "-ERR no\r\n",
    ];
    const stream = Buffer.from(frames.join(""));
    for (let size = 1; size <= stream.length; size += 1) {
      const framer = new RespFramer();
      const found: string[] = [];
      for (let start = 0; start < stream.length; start += size) {
        found.push(...framer.push(stream.subarray(start, start + size)).map(String));
      }
      expect(found).toEqual(frames);
    }
  });
});
