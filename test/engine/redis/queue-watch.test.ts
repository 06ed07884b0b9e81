import type { Redis } from "ioredis";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { QueueWatch, WatchKind } from "../../../src/broker/broker.ts";
import { redisConnections } from "../../../src/engine/redis/connect-redis.ts";
import { type Logger, silentLogger } from "../../../src/runtime/logger.ts";
import { redisForFile } from "../../support/redis-rig.ts";
import { RespProxy } from "../../support/resp-proxy.ts";
import { until } from "../../support/server-process.ts";
import { HeardLog } from "./connecting.ts";

const redis = await redisForFile();
const open: QueueWatch[] = [];
let other: Redis;

beforeEach(async () => {
  other = redis.client();
  await other.flushall();
});
afterEach(async () => {
  for (const watch of open.splice(0)) await watch.close();
  await other.flushall();
  other.disconnect();
});

/** Wake-ups in order, and a promise for the next one. */
class Wakes {
  readonly seen: string[] = [];
  #next: (() => void) | undefined;

  readonly wake = (queue: string, kind: WatchKind): void => {
    this.seen.push(`${queue} ${kind}`);
    this.#next?.();
  };

  async next(): Promise<string> {
    const count = this.seen.length;
    while (this.seen.length === count) {
      await new Promise<void>((resolve) => {
        this.#next = resolve;
      });
    }
    return this.seen[count] as string;
  }
}

function watch(wakes: Wakes, options: { url?: string; logger?: Logger } = {}): QueueWatch {
  const { url = redis.url, logger = silentLogger } = options;
  const connections = redisConnections(url, { logger, commandTimeout: 5_000, random: () => 1 });
  const made = connections.watch(wakes.wake);
  open.push(made);
  return made;
}

/** A watch that stands, with `queue` armed and read by Redis. */
async function armed(wakes: Wakes, queue: string, kind: WatchKind = "pending"): Promise<QueueWatch> {
  const made = watch(wakes);
  made.arm(queue, kind);
  await until(async () => made.live);
  // The first connection wakes who waits for delayed tasks, since nobody knows what happened before it.
  if (wakes.seen.length > 0) made.arm(queue, kind);
  await until(async () => (await tracked()) === (kind === "pending" ? 2 : 3));
  return made;
}

async function tracked(): Promise<number> {
  return Number(/tracking_total_keys:(\d+)/.exec(await other.info("stats"))?.[1]);
}

/** A producer that knows nothing of us: a script, as Go's client runs. */
function push(queue: string, id = "1"): Promise<unknown> {
  return other.eval("return redis.call('LPUSH', KEYS[1], ARGV[1])", 1, `asynq:{${queue}}:pending`, id);
}

describe("a watch on pending tasks", () => {
  it("wakes when someone else's script adds a task to an empty queue", async () => {
    const wakes = new Wakes();
    await armed(wakes, "a");
    const woken = wakes.next();
    await push("a");
    expect(await woken).toBe("a pending");
  });

  it("wakes at once when the queue has work already", async () => {
    await push("a");
    const wakes = new Wakes();
    watch(wakes).arm("a", "pending");
    expect(await wakes.next()).toBe("a pending");
  });

  it("wakes once for each time it is armed", async () => {
    const wakes = new Wakes();
    const made = await armed(wakes, "a");
    made.arm("a", "pending");
    const first = wakes.next();
    await push("a", "1");
    await first;
    await push("a", "2");
    const second = wakes.next();
    made.arm("b", "pending");
    await push("b");
    expect(await second).toBe("b pending");
    expect(wakes.seen).toEqual(["a pending", "b pending"]);
  });

  it("does not wake for a paused queue with work, and wakes when it is resumed", async () => {
    await other.set("asynq:{a}:paused", "1");
    await push("a");
    const wakes = new Wakes();
    const made = await armed(wakes, "a");
    made.arm("b", "pending");
    const woken = wakes.next();
    await push("b");
    expect(await woken).toBe("b pending");
    const resumed = wakes.next();
    await other.del("asynq:{a}:paused");
    expect(await resumed).toBe("a pending");
  });

  it("never misses a task, however it falls between two arms", async () => {
    const wakes = new Wakes();
    const made = await armed(wakes, "a");
    for (let i = 0; i < 200; i += 1) {
      const woken = wakes.next();
      const pushed = push("a", String(i));
      await woken;
      await pushed;
      await other.del("asynq:{a}:pending");
      made.arm("a", "pending");
    }
    expect(wakes.seen.length).toBeGreaterThanOrEqual(200);
  });

  it("notices all keys going at once", async () => {
    const wakes = new Wakes();
    await armed(wakes, "a");
    const woken = wakes.next();
    await other.flushall();
    expect(await woken).toBe("a pending");
  });

  it("looks once in a while even if the push got lost", async () => {
    const proxy = await RespProxy.start(redis.port);
    const wakes = new Wakes();
    const made = watch(wakes, { url: proxy.url });
    // Tracking answers OK and is off.
    const rule = proxy.rule({ command: "client", nth: 2 }, { do: "replace-reply", reply: "+OK\r\n" });
    made.arm("a", "pending");
    await rule.met;
    await until(async () => made.live);
    await push("a");
    expect(await wakes.next()).toBe("a pending");
    await proxy.stop();
  });
});

describe("a watch on delayed tasks", () => {
  it.each(["asynq:{a}:scheduled", "asynq:{a}:retry", "tq:{a}:due"])("wakes when %s changes", async (key) => {
    const wakes = new Wakes();
    await armed(wakes, "a", "delayed");
    const woken = wakes.next();
    await other.zadd(key, 1, "t");
    expect(await woken).toBe("a delayed");
  });

  it("wakes at most every 250 ms", async () => {
    const wakes = new Wakes();
    const made = await armed(wakes, "a", "delayed");
    const times: number[] = [];
    for (let i = 0; i < 3; i += 1) {
      made.arm("a", "delayed");
      await until(async () => (await tracked()) === 3);
      const woken = wakes.next();
      await other.zadd("asynq:{a}:scheduled", i, "t");
      await woken;
      times.push(performance.now());
    }
    const [first = 0, second = 0, third = 0] = times;
    expect(second - first).toBeGreaterThan(240);
    expect(third - second).toBeGreaterThan(240);
  });
});

describe("a watch whose connection breaks", () => {
  it.each(["pubsub", "normal"] as const)(
    "wakes, and stands again, when its %s connection is killed",
    async (type) => {
      const wakes = new Wakes();
      const made = await armed(wakes, "a");
      const woken = wakes.next();
      await other.call("CLIENT", "KILL", "TYPE", type, "SKIPME", "yes");
      expect(await woken).toBe("a pending");
      expect(made.live).toBe(false);

      made.arm("a", "pending");
      await until(async () => made.live && (await tracked()) > 0);
      const again = wakes.next();
      await push("a");
      expect(await again).toBe("a pending");
    },
  );

  it("needs no more than the documented permissions", async () => {
    const commands = ["info", "ping", "exists", "subscribe", "client|id", "client|tracking"];
    const channels = ["resetchannels", "&__redis__:invalidate"];
    const rules = [
      "on",
      ">pw",
      "~asynq:*",
      "~tq:*",
      ...channels,
      "-@all",
      ...commands.map((name) => `+${name}`),
    ];
    await other.call("ACL", "SETUSER", "watcher", ...rules);
    const wakes = new Wakes();
    const made = watch(wakes, { url: `redis://watcher:pw@127.0.0.1:${redis.port}` });
    made.arm("a", "pending");
    made.arm("a", "delayed");
    await until(async () => made.live && (await tracked()) >= 2);
    const woken = wakes.next();
    await push("a");
    expect(await woken).toBe("a pending");
  });

  it("is not live where tracking is refused, says so once, and does not insist", async () => {
    await other.call("ACL", "SETUSER", "default", "-client|tracking");
    const logger = new HeardLog();
    const refused = logger.next("lacks a permission");
    const made = watch(new Wakes(), { logger });
    made.arm("a", "pending");
    expect(await refused).toContain("warn the watch on queues cannot be made");
    expect(made.live).toBe(false);
    await other.call("ACL", "SETUSER", "default", "+@all");
    expect(logger.lines).toHaveLength(1);
  });
});
