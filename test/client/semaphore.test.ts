import { describe, expect, it } from "vitest";
import { memoryEngine, redisEngine, Semaphore, type TokenHolder } from "../../src/index.ts";
import { redisForFile } from "../support/redis-rig.ts";

const redis = await redisForFile();

function holder(taskId: string, seconds = 60): TokenHolder {
  return { taskId, deadline: new Date(Date.now() + seconds * 1_000) };
}

describe("a semaphore", () => {
  it("is acquired and released by tasks, whichever object of its scope they use", async () => {
    const engine = memoryEngine();
    await using here = new Semaphore(engine, "reports", 1);
    await using there = new Semaphore(engine, "reports", 1);
    const [a, b] = [holder("a"), holder("b")];
    expect(await here.acquire(a)).toBe(true);
    expect(await there.acquire(b)).toBe(false);
    expect(await there.release(a)).toBe(true);
    expect(await there.acquire(b)).toBe(true);
    expect(await here.release(a)).toBe(false);
  });

  it("keeps its tokens on Redis where Go's x/rate looks for them", async () => {
    const client = redis.client();
    await using semaphore = new Semaphore(redisEngine(redis.url), "reports", 2);
    // As Go leaves it: the id of its task, and the whole second of its deadline.
    const inAMinute = Math.floor(Date.now() / 1_000) + 60;
    await client.zadd("asynq:sema:reports", inAMinute, "of-go");
    await client.zadd("asynq:sema:reports", inAMinute - 120, "of-go-and-over");
    const ours = { taskId: "ours", deadline: new Date((inAMinute + 5) * 1_000 + 700) };

    expect(await semaphore.acquire(ours)).toBe(true);
    expect(await semaphore.acquire(holder("third"))).toBe(false);
    expect(await client.zrange("asynq:sema:reports", "0", "-1", "WITHSCORES")).toEqual([
      "of-go",
      String(inAMinute),
      "ours",
      String(inAMinute + 5),
    ]);
    expect(await semaphore.release(ours)).toBe(true);
    expect(await client.zrange("asynq:sema:reports", "0", "-1")).toEqual(["of-go"]);
  });

  it("refuses what cannot be counted", async () => {
    const engine = memoryEngine();
    for (const most of [0, -1, 1.5, Number.NaN, 2 ** 31]) {
      expect(() => new Semaphore(engine, "reports", most)).toThrow(
        expect.objectContaining({ code: "INVALID_OPTION", option: "maxTokens" }),
      );
    }
    expect(() => new Semaphore(engine, " ", 1)).toThrow(expect.objectContaining({ option: "scope" }));
    const semaphore = new Semaphore(engine, "reports", 1);
    await expect(semaphore.acquire({ taskId: "a", deadline: undefined })).rejects.toMatchObject({
      code: "INVALID_OPTION",
      option: "deadline",
    });
    await semaphore.close();
    await expect(semaphore.acquire(holder("a"))).rejects.toMatchObject({ code: "CLOSED" });
  });
});
