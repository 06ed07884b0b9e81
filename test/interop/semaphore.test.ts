import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { redisEngine, Semaphore } from "../../src/index.ts";
import { redisForFile } from "../support/redis-rig.ts";
import { countTests } from "./count-tests.ts";
import { goProgram } from "./go-modules.ts";

const redis = await redisForFile();

countTests("fleet-scenarios");

const SCOPE = "reports";
const TOKENS = 2;
const inAMinute = Math.floor(Date.now() / 1_000) + 60;

/** Go's semaphore of the same scope. */
async function go(what: "acquire" | "release", task: string): Promise<boolean> {
  const words = ["-redis", redis.url, SCOPE, String(TOKENS), what, task, String(inAMinute)];
  const { stdout } = await promisify(execFile)(goProgram("peer-rate"), words);
  return JSON.parse(stdout);
}

it("a semaphore of ours and one of Go's x/rate share their tokens", async () => {
  await using ours = new Semaphore(redisEngine(redis.url), SCOPE, TOKENS);
  const holder = (taskId: string) => ({ taskId, deadline: new Date(inAMinute * 1_000) });
  expect(await go("acquire", "go-1")).toBe(true);
  expect(await ours.acquire(holder("node-1"))).toBe(true);
  expect(await go("acquire", "go-2")).toBe(false);
  expect(await ours.acquire(holder("node-2"))).toBe(false);

  expect(await go("release", "go-1")).toBe(true);
  expect(await ours.acquire(holder("node-2"))).toBe(true);
  expect(await go("acquire", "go-2")).toBe(false);

  expect(await ours.release(holder("node-1"))).toBe(true);
  expect(await go("acquire", "go-2")).toBe(true);
  expect(await ours.acquire(holder("node-1"))).toBe(false);
});
