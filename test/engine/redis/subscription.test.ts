import { afterEach, describe, expect, it } from "vitest";
import { redisConnections } from "../../../src/engine/redis/connect-redis.ts";
import { EngineUnavailableError } from "../../../src/errors.ts";
import { redisForFile } from "../../support/redis-rig.ts";
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
