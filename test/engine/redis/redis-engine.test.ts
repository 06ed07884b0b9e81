import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import type { Engine, EngineOptions } from "../../../src/broker/engine.ts";
import { redisEngine } from "../../../src/engine/redis/redis-engine.ts";
import { enqueue, enqueuePending, exchange } from "../../../src/engine/redis/scripts.gen.ts";
import { queueKeys, serverKey } from "../../../src/protocol/keys.ts";
import type { LogFields, Logger } from "../../../src/runtime/logger.ts";
import { silentLogger } from "../../../src/runtime/logger.ts";
import { counts, message, unique } from "../../contract/tasks.ts";
import { ClusterRig } from "../../support/cluster-rig.ts";
import { redisForFile } from "../../support/redis-rig.ts";
import { RespProxy } from "../../support/resp-proxy.ts";
import { commandsOf } from "./monitored.ts";

const redis = await redisForFile();
const proxy = await RespProxy.start(redis.port);
const client = redis.client();
const engines: Engine[] = [];

afterEach(async () => {
  proxy.heal();
  redis.resume();
  for (const engine of engines.splice(0)) await engine.close();
  await client.flushall();
});
afterAll(() => proxy.stop());

function open(url: string, options: EngineOptions = {}): Engine {
  const engine = redisEngine(url, { logger: silentLogger, ...options });
  engines.push(engine);
  return engine;
}

const q = "default";

describe("an engine whose logger throws", () => {
  it("connects all the same", async () => {
    const told: string[] = [];
    const warn = (_: LogFields, text: string) => {
      told.push(text);
      throw new Error("the log is full");
    };
    const console = vi.spyOn(globalThis.console, "error").mockImplementation(() => undefined);
    const engine = open(redis.url.replace("redis://", "redis://:needless@"), {
      logger: { ...silentLogger, warn },
    });
    await engine.open();
    expect(told).toContain("a password is given, but Redis asks for none");
    expect(console).toHaveBeenCalled();
    console.mockRestore();
  });
});

describe("an enqueue whose connection breaks", () => {
  it("is ambiguous for each of its tasks once it was sent, and is never sent again", async () => {
    const { broker } = open(proxy.url);
    await broker.enqueue([{ message: message("other") }]);
    const lost = proxy.rule({ script: enqueuePending.sha1 }, { do: "drop-reply-then-close" });
    const entries = [{ message: message(q, { id: "a" }) }, { message: message(q, { id: "b" }) }];
    const answers = await broker.enqueue(entries);
    expect(lost.fired).toBe(1);
    for (const [i, taskId] of ["a", "b"].entries()) {
      expect(answers[i]).toMatchObject({ status: "failed", error: { code: "AMBIGUOUS_ENQUEUE", taskId } });
    }
    proxy.heal();
    expect(await broker.enqueue(entries)).toEqual([{ status: "conflict" }, { status: "conflict" }]);
    expect(await counts(engines[0] as Engine, q)).toEqual({ pending: 2 });
  });

  it("leaves a unique task that can be repeated", async () => {
    const { broker } = open(proxy.url);
    const stored = unique(q, "stored");
    const lost = unique(q, "lost");
    await broker.enqueue([unique("other", "key")]);
    const afterwards = proxy.rule({ script: enqueue.sha1, nth: 1 }, { do: "drop-reply-then-close" });
    const before = proxy.rule({ script: enqueue.sha1, nth: 1 }, { do: "drop-request-then-close" });
    for (const entry of [stored, lost]) {
      expect(await broker.enqueue([entry])).toMatchObject([{ error: { code: "AMBIGUOUS_ENQUEUE" } }]);
    }
    expect([afterwards.fired, before.fired]).toEqual([1, 1]);
    proxy.heal();
    expect(await broker.enqueue([stored])).toEqual([{ status: "conflict" }]);
    expect(await broker.enqueue([lost])).toEqual([{ status: "enqueued", state: "pending" }]);
  });

  it("waits for the connection, within its time, while nothing was sent", async () => {
    const { broker } = open(redis.url);
    await broker.enqueue([{ message: message(q) }]);
    await redis.crash();
    const waiting = broker.enqueue([{ message: message(q) }]);
    await redis.restart();
    expect(await waiting).toEqual([{ status: "enqueued", state: "pending" }]);
  });

  it("says that nothing was stored when nobody answers", async () => {
    const { broker } = open("redis://127.0.0.1:1", { commandTimeout: "1s" });
    expect(await broker.enqueue([{ message: message(q) }, unique("other", "key")])).toMatchObject([
      { status: "failed", error: { code: "ENGINE_UNAVAILABLE" } },
      { status: "failed", error: { code: "ENGINE_UNAVAILABLE" } },
    ]);
  });

  it("is given up when its caller says so", async () => {
    const { broker } = open(redis.url);
    await broker.enqueue([{ message: message(q) }]);
    redis.pause();
    const abort = new AbortController();
    const call = broker.enqueue([{ message: message(q) }], { signal: abort.signal });
    abort.abort();
    expect(await call).toMatchObject([{ status: "failed", error: { code: "AMBIGUOUS_ENQUEUE" } }]);
  });
});

describe("a call that can be repeated", () => {
  it("calls a lost answer none", async () => {
    const { broker, inspection } = open(proxy.url, { commandTimeout: "1s" });
    await inspection.queues();
    proxy.rule({}, { do: "drop-reply-then-close" });
    for (const call of [broker.forward(q, 1), inspection.queues(), broker.publishCancelation("id")]) {
      await expect(call).rejects.toMatchObject({ code: "ENGINE_UNAVAILABLE" });
    }
  });
});

describe("the Redis engine's life", () => {
  it("closes in bounded time while Redis does not answer", async () => {
    const engine = open(redis.url);
    await engine.open();
    redis.pause();
    const call = engine.broker.forward(q, 1);
    const start = performance.now();
    await engine.close();
    expect(performance.now() - start).toBeLessThan(3_000);
    await expect(call).rejects.toMatchObject({ code: "ENGINE_UNAVAILABLE" });
    redis.resume();
  });

  it("cuts off nobody who uses it while it closes, and closes after the last one", async () => {
    const engine = open(proxy.url);
    const release = engine.use();
    await engine.open();
    const exchanging = proxy.rule({ script: exchange.sha1 }, { do: "delay", ms: 100 });
    proxy.rule({ script: enqueuePending.sha1 }, { do: "delay", ms: 200 });
    const leasing = engine.broker.exchange(q, [], 1);
    await exchanging.met;

    const closing = release();
    const releaseAgain = engine.use();
    const storing = engine.broker.enqueue([{ message: message(q) }]);
    await Promise.all([leasing, closing]);
    expect(await storing).toEqual([{ status: "enqueued", state: "pending" }]);
    await releaseAgain();
    await expect(engine.ping()).rejects.toMatchObject({ code: "CLOSED" });
  });

  it("is closed when the closing of its last user ends, also where another closing was under way", async () => {
    const engine = open(proxy.url);
    await engine.open();
    const exchanging = proxy.rule({ script: exchange.sha1 }, { do: "delay", ms: 100 });
    const leasing = engine.broker.exchange(q, [], 1);
    await exchanging.met;
    const first = engine.close();
    const second = engine.use()();
    await Promise.all([leasing, first, second]);
    await expect(engine.ping()).rejects.toMatchObject({ code: "CLOSED" });
  });

  it("says loudly that Redis may evict tasks, once, however it was first used", async () => {
    const warnings: string[] = [];
    const log = (_: LogFields, text: string) => void warnings.push(text);
    const logger: Logger = { ...silentLogger, warn: log };
    await client.config("SET", "maxmemory-policy", "allkeys-lru");
    const engine = open(redis.url, { logger });
    await engine.broker.enqueue([{ message: message(q) }]);
    await engine.open();
    await engine.open();
    await client.config("SET", "maxmemory-policy", "noeviction");
    expect(warnings.filter((text) => text.includes("TASKS WILL BE LOST"))).toHaveLength(1);
  });

  it("sends heartbeats on a connection of their own", async () => {
    const { broker } = open(redis.url);
    await broker.enqueue([{ message: message(q) }]);
    const before = await connections();
    const { leased } = await broker.exchange(q, [], 1);
    expect(await connections()).toBe(before);
    expect(await broker.extendLeases(q, leased)).toEqual(["extended"]);
    expect(await connections()).toBe(before + 1);
    await broker.exchange(q, [{ leased: leased[0]!, settlement: { kind: "done" } }], 0);
  });

  it("asks Redis for the time when it connects, and with every heartbeat", async () => {
    const engine = open(redis.url);
    await engine.open();
    await client.config("RESETSTAT");
    const info = {
      ...{ host: "h", pid: 1, serverId: "s", concurrency: 1, queues: new Map(), strictPriority: false },
      ...{ status: "active", startTime: { seconds: 1, nanos: 0 }, activeWorkerCount: 0 },
    };
    await engine.broker.writeServerState(info, [], 10_000);
    const times = async () => Number(/cmdstat_time:calls=(\d+)/.exec(await client.info("commandstats"))?.[1]);
    const once = await times();
    await engine.broker.writeServerState(info, [], 10_000);
    expect(once).toBeGreaterThan(0);
    expect(await times()).toBe(2 * once);
    await engine.broker.clearServerState(info);
  });

  it("asks for the time of a heartbeat where it sends it, not behind what others wait for", async () => {
    const { broker } = open(redis.url);
    const info = {
      ...{ host: "h", pid: 1, serverId: "s", concurrency: 1, queues: new Map(), strictPriority: false },
      ...{ status: "active", startTime: { seconds: 1, nanos: 0 }, activeWorkerCount: 0 },
    };
    await broker.exchange(q, [], 1);
    await broker.writeServerState(info, [], 10_000);
    const seen = await commandsOf(redis, async () => {
      await broker.exchange(q, [], 1);
      await broker.writeServerState(info, [], 10_000);
    });
    const from = (is: (args: readonly string[]) => boolean) =>
      new Set(seen.filter(({ args }) => is(args)).map(({ source }) => source));
    const [heartbeat] = from((args) => args.includes(serverKey(info)));
    const [work] = from((args) => args.includes(queueKeys(q).pending));
    expect(heartbeat).not.toBe(work);
    expect(from(([name]) => name?.toUpperCase() === "TIME")).toEqual(new Set([heartbeat]));
    await broker.clearServerState(info);
  });

  async function connections(): Promise<number> {
    return String(await client.client("LIST"))
      .trim()
      .split("\n").length;
  }
});

describe("the clock of an engine whose connection breaks", () => {
  const HOUR = 3_600_000;

  /** TIME, from a server whose clock is an hour ahead. */
  function anHourAhead(): string {
    const seconds = String(Math.floor((Date.now() + HOUR) / 1_000));
    return `*2\r\n$${seconds.length}\r\n${seconds}\r\n$1\r\n0\r\n`;
  }

  const ahead = ({ broker }: Engine) => broker.now() - Date.now();

  it("follows the server behind the next connection, before anything else is sent on it", async () => {
    const engine = open(proxy.url);
    await engine.open();
    expect(Math.abs(ahead(engine))).toBeLessThan(2_000);
    const time = proxy.rule({ command: "time" }, { do: "replace-reply", reply: anHourAhead() });
    // Waits for the connection, and is sent only when the clock is known.
    const ping = proxy.rule({ command: "ping" }, { do: "delay", ms: 0 });
    const whenSent = ping.met.then(() => ahead(engine));
    proxy.cut();
    await engine.ping().catch(() => engine.ping());
    expect(Math.abs((await whenSent) - HOUR)).toBeLessThan(2_000);
    expect(time.fired).toBeGreaterThan(0);

    proxy.heal();
    proxy.cut();
    await engine.ping().catch(() => engine.ping());
    expect(Math.abs(ahead(engine))).toBeLessThan(2_000);
  });

  it("is asked for on another connection when the first breaks over it", async () => {
    const engine = open(proxy.url);
    await engine.open();
    const broken = proxy.rule({ command: "time", nth: 1 }, { do: "drop-reply-then-close" });
    proxy.cut();
    await engine.ping().catch(() => engine.ping());
    expect(broken.fired).toBe(1);
  });

  it("keeps no connection from a user who may not ask for it", async () => {
    await client.acl("SETUSER", "timeless", "on", ">secret", "~*", "&*", "+@all", "-time");
    const engine = open(redis.url.replace("redis://", "redis://timeless:secret@"));
    await engine.open();
    await engine.ping();
    await client.acl("DELUSER", "timeless");
  });
});

describe("the Redis engine on a Cluster", () => {
  it("serves queues on every node, and registers them on the one that has the registry", async () => {
    const cluster = await ClusterRig.start();
    const queues = ["default", "critical", "low", "a", "b"];
    const engine = open(cluster.url);
    try {
      const entries = queues.flatMap((queue) => [
        { message: message(queue) },
        unique(queue, "key"),
        { message: message(queue, { groupKey: "g" }) },
        { message: message(queue), processAt: engine.broker.now() + 60_000 },
      ]);
      const answers = await engine.broker.enqueue(entries);
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set(["enqueued"]));
      expect((await engine.inspection.queues()).sort()).toEqual([...queues].sort());
      for (const queue of queues) {
        const { leased } = await engine.broker.exchange(queue, [], 10);
        expect(leased).toHaveLength(2);
        expect(await counts(engine, queue)).toEqual({ active: 2, scheduled: 1, aggregating: 1 });
        expect((await engine.broker.forward(queue, 10)).nextDueAt).toBeGreaterThan(engine.broker.now());
        const { paused } = queueKeys(queue);
        expect(await engine.inspection.pauseQueue(queue)).toBe(true);
        expect(await cluster.client().exists(paused)).toBe(1);
      }
    } finally {
      await engine.close();
      await cluster.stop();
    }
  });
});
