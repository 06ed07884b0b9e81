import { describe, expect, it } from "vitest";
import { replyError, unreachable } from "../../../src/engine/redis/redis-errors.ts";

describe("replyError", () => {
  it.each([
    ["OOM command not allowed when used memory > 'maxmemory'.", "REDIS_OUT_OF_MEMORY"],
    ["NOPERM User x has no permissions to run the 'lpush' command", "REDIS_NO_PERMISSION"],
    [
      "ERR The user executing the script can't run this command or subcommand script: 6f2d",
      "REDIS_NO_PERMISSION",
    ],
    ["WRONGPASS invalid username-password pair or user is disabled.", "REDIS_AUTH"],
    ["NOAUTH Authentication required.", "REDIS_AUTH"],
    ["READONLY You can't write against a read only replica.", "REDIS_READ_ONLY"],
    [
      "MISCONF Redis is configured to save RDB snapshots, but it's unable to persist to disk.",
      "REDIS_READ_ONLY",
    ],
    ["NOREPLICAS Not enough good replicas to write.", "REDIS_READ_ONLY"],
    ["WRONGTYPE Operation against a key holding the wrong kind of value", "REDIS_WRONG_TYPE"],
    ["LOADING Redis is loading the dataset in memory", "ENGINE_UNAVAILABLE"],
    [
      "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
      "ENGINE_UNAVAILABLE",
    ],
    ["CLUSTERDOWN The cluster is down", "ENGINE_UNAVAILABLE"],
    ["BUSY Redis is busy running a script.", "ENGINE_UNAVAILABLE"],
    ["ERR unknown command 'NONSENSE'", "REDIS_COMMAND"],
    ["something else entirely", "REDIS_COMMAND"],
  ])("types %s", (text, code) => {
    const error = replyError(new Error(text));
    expect(error.code).toBe(code);
    expect(error.message).toContain(text);
  });

  it.each([
    [
      "ERR Error running script (call to f_6f2d): @user_script:1: -OOM command not allowed",
      "REDIS_OUT_OF_MEMORY",
    ],
    [
      "ERR Error running script (call to f_6f2d): @user_script:7: WRONGTYPE Operation against",
      "REDIS_WRONG_TYPE",
    ],
    [
      "ERR Error running script (call to f_6f2d): @user_script: 3: -READONLY You can't write",
      "REDIS_READ_ONLY",
    ],
    [
      "ERR Error running script (call to f_6f2d): @user_script:1: user_script:1: attempt to index",
      "REDIS_COMMAND",
    ],
  ])("sees through the words of Redis 6.2: %s", (text, code) => {
    expect(replyError(new Error(text)).code).toBe(code);
  });
});

describe("unreachable", () => {
  it("says where and why, whatever was thrown", () => {
    expect(unreachable("h:1", new Error("connect ECONNREFUSED")).message).toBe(
      "Redis at h:1 cannot be reached: connect ECONNREFUSED",
    );
    expect(unreachable("h:1", "odd").message).toContain("odd");
  });
});
