import { describe, expect, it } from "vitest";
import type { ConnectRedisOptions } from "../../../src/engine/redis/connect-redis.ts";
import { type RedisReply, UnansweredError } from "../../../src/engine/redis/redis-commands.ts";
import type { RedisSource } from "../../../src/engine/redis/redis-source.ts";
import { ClosedError, EngineUnavailableError, RedisCommandError } from "../../../src/errors.ts";
import { redisForFile } from "../../support/redis-rig.ts";
import { connectForFile, HeardLog, script } from "./connecting.ts";

const redis = await redisForFile();
const connectTo = connectForFile();
const connect = (source: RedisSource = redis.url, options: Partial<ConnectRedisOptions> = {}) =>
  connectTo(source, options);

describe("RedisConnection", () => {
  it("connects with the first call and answers replies as bytes", async () => {
    const connection = connect();
    const binary = Buffer.from([0, 255, 13, 10, 128]);
    expect(await connection.command("k", "SET", ["k", binary])).toEqual(Buffer.from("OK"));
    expect(await connection.command("k", "GET", ["k"])).toEqual(binary);
    expect(await connection.command("k", "GET", ["nobody"])).toBeNull();
    expect(await connection.command("k", "STRLEN", ["k"])).toBe(5);
  });

  it("runs a script that Redis does not know yet, and again after SCRIPT FLUSH", async () => {
    const connection = connect();
    const echo = script("return {KEYS[1], ARGV[1], ARGV[2], 7, false}");
    const answer = [Buffer.from("k"), Buffer.from("é"), Buffer.from("12"), 7, null];
    expect(await connection.run(echo, ["k"], ["é", 12])).toEqual(answer);
    await connection.command(undefined, "SCRIPT", ["FLUSH"]);
    expect(await connection.run(echo, ["k"], ["é", 12])).toEqual(answer);
  });

  it("keeps the error of one command of a pipeline in its place", async () => {
    const connection = connect();
    const replies = await connection.pipeline("k", [
      ["SET", "k", "v"],
      ["LPUSH", "k", "x"],
      ["GET", "k"],
    ]);
    expect(replies[0]).toEqual(Buffer.from("OK"));
    expect(replies[1]).toMatchObject({ code: "REDIS_WRONG_TYPE" });
    expect(replies[2]).toEqual(Buffer.from("v"));
  });

  it("rejects with a typed error for an error reply", async () => {
    await expect(connect().command(undefined, "NONSENSE", [])).rejects.toBeInstanceOf(RedisCommandError);
  });

  it("says that nobody listens, and tries again when asked again", async () => {
    const connection = connect("redis://127.0.0.1:1");
    await expect(connection.open()).rejects.toBeInstanceOf(EngineUnavailableError);
    await expect(connection.open()).rejects.toThrow("127.0.0.1:1");
    await expect(connection.command("k", "GET", ["k"], { timeout: 50 })).rejects.toBeInstanceOf(
      EngineUnavailableError,
    );
  });

  it("calls a command that was sent and not answered in time unanswered, and hands over its late reply", async () => {
    const connection = connect();
    await connection.command("n", "DEL", ["n"]);
    redis.pause();
    const late = new Promise<RedisReply>((resolve) => {
      const call = connection.command("n", "INCR", ["n"], { timeout: 100, onLateReply: resolve });
      expect(call)
        .rejects.toBeInstanceOf(UnansweredError)
        .finally(() => redis.resume());
    });
    expect(await late).toBe(1);
  });

  it("lets calls wait while the server restarts, and runs each once", async () => {
    const logger = new HeardLog();
    const connection = connect(redis.url, { logger });
    await connection.command("n", "SET", ["n", 0]);
    const broke = logger.next("broke");
    await redis.crash();
    await broke;
    const calls = [1, 2, 3].map(() => connection.command("n", "INCR", ["n"]));
    await redis.restart();
    expect(await Promise.all(calls)).toEqual([1, 2, 3]);
  });

  it("rejects calls beyond the bound of waiting ones at once", async () => {
    const connection = connect("redis://127.0.0.1:1", { maxWaiting: 2 });
    const calls = [1, 2, 3].map(() => connection.command("n", "INCR", ["n"], { timeout: 300 }));
    await expect(calls[2]).rejects.toThrow("2 requests wait");
    for (const call of calls) await expect(call).rejects.toBeInstanceOf(EngineUnavailableError);
  });

  it("gives up on an aborted signal, before and after sending", async () => {
    const connection = connect();
    await connection.open();
    const before = connection.command("k", "GET", ["k"], { signal: AbortSignal.abort() });
    await expect(before).rejects.toBeInstanceOf(EngineUnavailableError);
    redis.pause();
    const abort = new AbortController();
    const after = connection.command("k", "GET", ["k"], { signal: abort.signal });
    abort.abort();
    await expect(after).rejects.toBeInstanceOf(UnansweredError);
    redis.resume();
  });

  it("rejects calls under way, and later ones, when closed", async () => {
    const connection = connect();
    await connection.open();
    redis.pause();
    const sent = connection.command("k", "GET", ["k"]);
    connection.close();
    await expect(sent).rejects.toBeInstanceOf(UnansweredError);
    await expect(connection.command("k", "GET", ["k"])).rejects.toBeInstanceOf(ClosedError);
    redis.resume();
  });
});
