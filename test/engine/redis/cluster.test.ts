import type { Redis } from "ioredis";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { keySlot } from "../../../src/engine/redis/key-slot.ts";
import { EngineUrlInvalidError } from "../../../src/errors.ts";
import { ClusterRig } from "../../support/cluster-rig.ts";
import { RedisRig } from "../../support/redis-rig.ts";
import { connectForFile, script } from "./connecting.ts";

const cluster = await ClusterRig.start();
afterAll(() => cluster.stop());
beforeEach(() => cluster.flush());
const connect = connectForFile();

const increment = script("return redis.call('INCRBY', KEYS[1], ARGV[1])");

describe("keySlot", () => {
  it("agrees with Redis", async () => {
    const [node] = cluster.nodes;
    const client = node?.client() as Redis;
    const keys = [
      "asynq:{default}:pending",
      "asynq:{critical}:t:1",
      "asynq:queues",
      "{}",
      "a{}b",
      "a{b}{c}",
      "é{ü}",
      "",
    ];
    for (const key of keys) expect([key, keySlot(key)]).toEqual([key, await client.cluster("KEYSLOT", key)]);
    expect(keySlot("asynq:{default}:pending")).toBe(5718);
  });
});

describe("a Redis Cluster", () => {
  it("runs each script where its key lives, known there or not", async () => {
    const connection = connect(cluster.url);
    const keys = Array.from({ length: 30 }, (_, i) => `asynq:{q${i}}:n`);
    const runs = keys.map((key) => connection.run(increment, [key], [3]));
    expect(await Promise.all(runs)).toEqual(keys.map(() => 3));
    const client = cluster.client();
    for (const key of keys) expect(await client.get(key)).toBe("3");
  });

  it("keeps the replies of a pipeline in their places", async () => {
    const connection = connect(cluster.url);
    const replies = await connection.pipeline("asynq:{q}:k", [
      ["SET", "asynq:{q}:k", "v"],
      ["LPUSH", "asynq:{q}:k", "x"],
      ["GET", "asynq:{q}:k"],
    ]);
    expect(replies).toMatchObject([Buffer.from("OK"), { code: "REDIS_WRONG_TYPE" }, Buffer.from("v")]);
  });

  it("follows a slot that moves under load, and runs every script exactly once", async () => {
    const connection = connect(cluster.url);
    const keys = Array.from({ length: 20 }, (_, i) => `asynq:{moving}:${i}`);
    const slot = keySlot("asynq:{moving}:0");
    for (const key of keys.slice(0, 10)) await connection.run(increment, [key], [1]);

    let moving = true;
    let runs = 0;
    const load = async () => {
      while (moving) {
        for (const key of keys) await connection.run(increment, [key], [1]);
        runs += 1;
      }
    };
    const done = load();
    await cluster.migrate(slot);
    moving = false;
    await done;

    expect(runs).toBeGreaterThan(0);
    const values = await Promise.all(keys.map((key) => connection.command(key, "GET", [key])));
    const expected = keys.map((_, i) => Buffer.from(String(runs + (i < 10 ? 1 : 0))));
    expect(values).toEqual(expected);
  });

  it("follows nodes that do not know their own names", async () => {
    const nodes = cluster.nodes.map((node) => node.client());
    const name = (type: string) =>
      Promise.all(nodes.map((node) => node.config("SET", "cluster-preferred-endpoint-type", type)));
    const connection = connect(cluster.url);
    const key = "asynq:{nameless}:n";
    expect(await connection.run(increment, [key], [1])).toBe(1);
    await name("unknown-endpoint");
    try {
      await cluster.migrate(keySlot(key));
      expect(await connection.run(increment, [key], [1])).toBe(2);
    } finally {
      await name("ip");
    }
  });

  it("waits out TRYAGAIN while the keys of one script lie on two nodes", async () => {
    const connection = connect(cluster.url);
    const [a, b] = ["asynq:{split}:a", "asynq:{split}:b"] as const;
    const both = script("return redis.call('INCR', KEYS[1]) + redis.call('INCR', KEYS[2])");
    await connection.command(a, "SET", [a, 0]);
    await connection.command(b, "SET", [b, 0]);
    let answer: Promise<unknown> | undefined;
    await cluster.migrate(keySlot(a), async () => {
      answer = connection.run(both, [a, b], []);
      // Another round trip to the same nodes, so that the script has been refused by now.
      await connection.command("asynq:{split}:c", "GET", ["asynq:{split}:c"]);
    });
    expect(await answer).toBe(2);
  });

  it("starts from an ioredis Cluster, which stays unused and open", async () => {
    const client = cluster.client();
    const connection = connect(client);
    expect(await connection.run(increment, ["asynq:{x}:n"], [2])).toBe(2);
    connection.close();
    expect(await client.get("asynq:{x}:n")).toBe("2");
  });

  it("goes on when a node that was away is back, and calls the others meanwhile unavailable, not lost", async () => {
    const connection = connect(cluster.url);
    const keys = Array.from({ length: 12 }, (_, i) => `asynq:{q${i}}:n`);
    for (const key of keys) await connection.run(increment, [key], [1]);
    const [node] = cluster.nodes;
    await node?.crash();
    const calls = keys.map((key) => connection.run(increment, [key], [1], { timeout: 1_000 }));
    for (const outcome of await Promise.allSettled(calls)) {
      if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ code: "ENGINE_UNAVAILABLE" });
    }
    await node?.restart();
    const answers = keys.map((key) => connection.run(increment, [key], [1], { timeout: 20_000 }));
    for (const answer of await Promise.all(answers)) expect(answer).toBeTypeOf("number");
  }, 40_000);

  it("refuses to be taken for a single Redis", async () => {
    const connection = connect(`redis://127.0.0.1:${cluster.nodes[0]?.port}`);
    await expect(connection.open()).rejects.toBeInstanceOf(EngineUrlInvalidError);
  });

  it("refuses a Redis that is no Cluster", async () => {
    const single = await RedisRig.start();
    const connection = connect(`redis-cluster://127.0.0.1:${single.port}`);
    await expect(connection.open()).rejects.toBeInstanceOf(EngineUrlInvalidError);
    await single.stop();
  });
});
