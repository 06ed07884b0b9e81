import { describe, expect, it } from "vitest";
import { checkDoors } from "../../scripts/check-doors.ts";

function complaints(tree: Readonly<Record<string, string>>): string[] {
  return checkDoors(new Map(Object.entries(tree)));
}

const house = {
  "errors.ts": "export class E extends Error {}",
  "task.ts":
    'import { E } from "./errors.ts"; import type { M } from "./protocol/codec.ts"; export type T = M | E;',
  "protocol/codec.ts":
    'import { createHash } from "node:crypto"; import type { T } from "../task.ts"; export type M = T;',
  "broker/broker.ts": 'import type { M } from "../protocol/codec.ts"; export interface Broker { m: M }',
  "runtime/clock.ts": "export const now = () => Date.now(); setTimeout(now, 1);",
  "engine/timings.ts": "export const LEASE = 30;",
  "engine/redis/redis.ts":
    'import { Redis } from "ioredis"; import { LEASE } from "../timings.ts"; export { Redis, LEASE };',
  "create-engine.ts": 'import { Redis } from "./engine/redis/redis.ts"; export { Redis };',
  "client/client.ts":
    'import { Redis } from "../create-engine.ts"; import "./batcher.ts"; export const at = new Date(5);',
  "client/batcher.ts": 'import type { Redis } from "./client.ts";',
};

describe("the doors of a good house", () => {
  it("admit what the table says, and neighbours whose types name each other", () => {
    expect(complaints(house)).toEqual([]);
  });
});

describe("the doors refuse", () => {
  it.each([
    [
      "an engine to the client",
      "client/x.ts",
      'import "../engine/redis/redis.ts";',
      /client may not import engine\/redis/,
    ],
    [
      "a type of an engine to the client",
      "client/x.ts",
      'import type { R } from "../engine/redis/redis.ts";',
      /may not/,
    ],
    [
      "one engine to another",
      "engine/memory/x.ts",
      'export * from "../redis/redis.ts";',
      /may not import engine\/redis/,
    ],
    [
      "an upper room to a lower one",
      "protocol/x.ts",
      'import "../client/client.ts";',
      /protocol may not import client/,
    ],
    [
      "a value where types are meant",
      "broker/x.ts",
      'import { M } from "../protocol/codec.ts";',
      /only types of protocol/,
    ],
    [
      "an inline type, which still loads the file",
      "broker/x.ts",
      'import { type M } from "../protocol/codec.ts";',
      /import type/,
    ],
    [
      "a re-export of values",
      "broker/x.ts",
      'export { M } from "../protocol/codec.ts";',
      /only types of protocol/,
    ],
    [
      "a dynamic import",
      "client/x.ts",
      'await import("../engine/redis/redis.ts");',
      /may not import engine\/redis/,
    ],
    [
      "an import inside a type",
      "client/x.ts",
      'type R = import("../engine/redis/redis.ts").Redis;',
      /may not import/,
    ],
    [
      "the Redis client outside its engine",
      "client/x.ts",
      'import { Redis } from "ioredis";',
      /the package ioredis/,
    ],
    [
      "anything to errors",
      "errors.ts",
      'import type { T } from "./task.ts";',
      /errors.ts may not import root \(task.ts\)/,
    ],
    [
      "a file that is not there",
      "client/x.ts",
      'import "./gone.ts";',
      /client\/gone.ts, which does not exist/,
    ],
    ["a room nobody planned", "helpers/x.ts", "export {};", /the room helpers has no door/],
    [
      "a timer outside runtime",
      "client/x.ts",
      "setTimeout(() => {}, 5);",
      /setTimeout\(\) belongs to runtime/,
    ],
    ["the wall clock outside runtime", "client/x.ts", "export const t = [Date.now(), 1];", /Date.now\(\)/],
    ["now as a Date", "client/x.ts", "export const t = new Date();", /new Date\(\)/],
    ["chance outside runtime", "server/x.ts", "export const t = Math.random();", /Math.random\(\)/],
  ])("%s", (_what, path, text, complaint) => {
    const found = complaints({ ...house, [path]: text });
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(complaint);
    expect(found[0]).toMatch(new RegExp(`^src/${path}:1: `));
  });

  it("a file that leads back to itself", () => {
    const cyclic = { ...house, "client/batcher.ts": 'import { at } from "./client.ts"; export { at };' };
    expect(complaints(cyclic)).toEqual([
      "a cycle: client/client.ts -> client/batcher.ts -> client/client.ts",
    ]);
  });
});
