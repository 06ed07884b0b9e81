import { describe, expect, it } from "vitest";
import { shownUrl } from "../../src/cli/shown-url.ts";

describe("shownUrl", () => {
  it.each([
    ["memory:", "memory:"],
    ["memory:mine", "memory:mine"],
    ["sqlite:tasks.db", "sqlite:tasks.db"],
    ["sqlite:///var/lib/tasks.db", "sqlite:///var/lib/tasks.db"],
    ["redis://127.0.0.1:6379/2", "redis://127.0.0.1:6379/2"],
    ["rediss://me:s3cret@host:1/0?db=s3cret", "rediss://***@host:1/0"],
    ["redis://:s3c@ret@host", "redis://***@host"],
    ["redis-sentinel://:s3cret@a:1,b:2/0?master=m&password=s3cret", "redis-sentinel://***@a:1,b:2/0"],
    ["redis-socket://me:s3cret@/run/redis.sock?db=1", "redis-socket://***@/run/redis.sock"],
  ])("shows %s as %s", (url, shown) => {
    expect(shownUrl(url)).toBe(shown);
  });
});
