import { afterEach, describe, expect, it } from "vitest";
import { redisConnections } from "../../../src/engine/redis/connect-redis.ts";
import { EngineUnavailableError, RedisPermissionError } from "../../../src/errors.ts";
import { FakeClock } from "../../support/fake-runtime.ts";
import { redisForFile } from "../../support/redis-rig.ts";
import { RespProxy } from "../../support/resp-proxy.ts";
import { HeardLog } from "./connecting.ts";

const redis = await redisForFile();
const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

class Inbox {
  readonly messages: string[] = [];
  #next: (() => void) | undefined;

  readonly put = (message: string): void => {
    this.messages.push(message);
    this.#next?.();
  };

  /** Resolves when `count` messages are there. */
  async holds(count: number): Promise<string[]> {
    while (this.messages.length < count) {
      await new Promise<void>((resolve) => {
        this.#next = resolve;
      });
    }
    return this.messages;
  }
}

async function listen(inbox: Inbox, logger = new HeardLog()): Promise<() => Promise<void>> {
  const connections = redisConnections(redis.url, { logger, commandTimeout: 5_000, random: Math.random });
  const end = await connections.subscribe("asynq:cancel", inbox.put);
  ends.push(end);
  return end;
}

describe("a subscription", () => {
  it("hears what is published from the moment it resolves", async () => {
    const inbox = new Inbox();
    await listen(inbox);
    const client = redis.client();
    expect(await client.publish("asynq:cancel", "id-1")).toBe(1);
    await client.publish("other", "nothing");
    await client.publish("asynq:cancel", "id-2");
    expect(await inbox.holds(2)).toEqual(["id-1", "id-2"]);
  });

  it("listens again whenever its connection is killed", async () => {
    const logger = new HeardLog();
    const inbox = new Inbox();
    await listen(inbox, logger);
    const client = redis.client();
    for (let i = 1; i <= 3; i += 1) {
      const again = logger.next("stands again");
      await client.call("CLIENT", "KILL", "TYPE", "pubsub");
      await again;
      await client.publish("asynq:cancel", `id-${i}`);
      await inbox.holds(i);
    }
    expect(inbox.messages).toEqual(["id-1", "id-2", "id-3"]);
  });

  it("stays through the signs of life that its connection is asked for", async () => {
    const proxy = await RespProxy.start(redis.port);
    const clock = new FakeClock();
    const logger = new HeardLog();
    const options = { logger, commandTimeout: 5_000, random: Math.random, clock };
    const inbox = new Inbox();
    ends.push(await redisConnections(proxy.url, options).subscribe("asynq:cancel", inbox.put));
    const asked = proxy.rule({ command: "ping" }, { do: "chunk", bytes: 1 });
    await clock.advance(20_000);
    await asked.met;
    // On the same connection, so behind the answer.
    await redis.client().publish("asynq:cancel", "id");
    expect(await inbox.holds(1)).toEqual(["id"]);
    expect(logger.lines).toEqual([]);
    await proxy.stop();
  });

  it("says so when the channel is forbidden", async () => {
    const admin = redis.client();
    await admin.call("ACL", "SETUSER", "deaf", "on", ">pw", "~*", "resetchannels", "+@all");
    const options = { logger: new HeardLog(), commandTimeout: 5_000, random: Math.random };
    const connections = redisConnections(`redis://deaf:pw@127.0.0.1:${redis.port}`, options);
    const listening = connections.subscribe("asynq:cancel", () => undefined);
    await expect(listening).rejects.toBeInstanceOf(RedisPermissionError);
  });

  it("is unavailable when Redis does not answer it in time", async () => {
    const proxy = await RespProxy.start(redis.port);
    const rule = proxy.rule({ command: "subscribe" }, { do: "drop-reply" });
    const options = { logger: new HeardLog(), commandTimeout: 200, random: Math.random };
    const listening = redisConnections(proxy.url, options).subscribe("asynq:cancel", () => undefined);
    await expect(listening).rejects.toBeInstanceOf(EngineUnavailableError);
    expect(rule.fired).toBe(1);
    await proxy.stop();
  });

  it("ends for good", async () => {
    const inbox = new Inbox();
    const end = await listen(inbox);
    const other = new Inbox();
    await listen(other);
    await end();
    const client = redis.client();
    await client.publish("asynq:cancel", "id");
    await other.holds(1);
    expect(inbox.messages).toEqual([]);
  });

  it("says so when nobody listens, and does not try on", async () => {
    const logger = new HeardLog();
    const options = { logger, commandTimeout: 5_000, random: Math.random };
    const connections = redisConnections("redis://127.0.0.1:1", options);
    const put = new Inbox().put;
    await expect(connections.subscribe("asynq:cancel", put)).rejects.toBeInstanceOf(EngineUnavailableError);
    expect(logger.lines).toEqual([]);
  });
});
