import { describe, expect, it } from "vitest";
import { parseRedisUrl, redactUrl } from "../../../src/engine/redis/redis-url.ts";
import { EngineUrlInvalidError } from "../../../src/errors.ts";

const server = (host: string, port: number) => ({ kind: "server", address: { host, port } });

describe("parseRedisUrl", () => {
  it.each([
    ["redis://h", { place: server("h", 6379), credentials: {}, db: 0, tls: undefined }],
    ["redis://h:1234/3", { place: server("h", 1234), credentials: {}, db: 3, tls: undefined }],
    ["redis://h/?db=4", { place: server("h", 6379), credentials: {}, db: 4, tls: undefined }],
    ["redis://:pw@h", { place: server("h", 6379), credentials: { password: "pw" }, db: 0, tls: undefined }],
    [
      "redis://me:p%40ss%2F%3A@h:1/0",
      { place: server("h", 1), credentials: { username: "me", password: "p@ss/:" }, db: 0, tls: undefined },
    ],
    ["redis://[::1]:7000", { place: server("::1", 7000), credentials: {}, db: 0, tls: undefined }],
    ["redis://h?tls=true", { place: server("h", 6379), credentials: {}, db: 0, tls: {} }],
    ["rediss://h:6380", { place: server("h", 6380), credentials: {}, db: 0, tls: {} }],
    [
      "redis-socket:///var/run/redis.sock?db=2",
      { place: { kind: "socket", path: "/var/run/redis.sock" }, credentials: {}, db: 2, tls: undefined },
    ],
    [
      "redis-socket://:pw@/tmp/a%20b.sock",
      {
        place: { kind: "socket", path: "/tmp/a b.sock" },
        credentials: { password: "pw" },
        db: 0,
        tls: undefined,
      },
    ],
    [
      "redis-sentinel://:spw@a:1,b,[::2]:3/5?master=main&username=u&password=p",
      {
        place: {
          kind: "sentinel",
          sentinels: [
            { host: "a", port: 1 },
            { host: "b", port: 26379 },
            { host: "::2", port: 3 },
          ],
          master: "main",
          sentinelCredentials: { password: "spw" },
        },
        credentials: { username: "u", password: "p" },
        db: 5,
        tls: undefined,
      },
    ],
    [
      "redis-cluster://u:p@a:1,b:2?tls=true",
      {
        place: {
          kind: "cluster",
          nodes: [
            { host: "a", port: 1 },
            { host: "b", port: 2 },
          ],
        },
        credentials: { username: "u", password: "p" },
        db: 0,
        tls: {},
      },
    ],
  ])("understands %s", (url, settings) => {
    expect(parseRedisUrl(url)).toEqual(settings);
  });

  it.each([
    ["", "not a Redis URL"],
    ["http://h", "not a Redis URL"],
    ["redis:h", "not a Redis URL"],
    ["redis://h/one", "database number"],
    ["redis://h/-1", "database number"],
    ["redis://h:99999", "host cannot be understood"],
    ["redis://h:", "host cannot be understood"],
    ["redis://a,b", "one host"],
    ["redis://h?maxRetries=3", 'unknown parameter "maxRetries"'],
    ["redis://h?tls=maybe", "tls"],
    ["redis-socket://", "path of the socket"],
    ["redis-sentinel://h", "master"],
    ["redis-sentinel://?master=m", "host cannot be understood"],
    ["redis-cluster://h/1", "database 0"],
    ["redis://%zz:x@h", "percent-encoded"],
  ])("refuses %s and says why", (url, problem) => {
    expect(() => parseRedisUrl(url)).toThrow(EngineUrlInvalidError);
    expect(() => parseRedisUrl(url)).toThrow(problem);
  });

  it.each([
    "redis://:canary/x@h",
    "redis://:canary@h:x",
    "redis://canary@h/one",
    "redis://h:canary",
    "canary://canary@h",
    "redis-sentinel://:canary@h?password=canary",
    "redis://h?canary@x",
    "redis://:canary%zz@h",
  ])("shows nothing of %s, which may be a secret", (url) => {
    let text = "";
    try {
      parseRedisUrl(url);
    } catch (error) {
      text = String(error);
    }
    expect(text).toContain("URL");
    expect(text).not.toContain("canary");
  });
});

describe("redactUrl", () => {
  it.each([
    ["redis://h:1/2", "redis://h:1/2"],
    ["redis://me:canary@h:1/2", "redis://***@h:1/2"],
    ["redis-socket://:canary@/tmp/s?db=1", "redis-socket://***@/tmp/s?db=1"],
    [
      "redis-sentinel://:canary@a:1,b:2/0?master=m&username=canary&password=canary",
      "redis-sentinel://***@a:1,b:2/0?master=m&username=***&password=***",
    ],
    ["redis://:canary/x@h", "redis://***"],
    ["redis://h?canary=1", "redis://***"],
    ["canary", "redis://***"],
  ])("shows %s as %s", (url, shown) => {
    expect(redactUrl(url)).toBe(shown);
  });
});
