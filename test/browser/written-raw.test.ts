/** What lies in the engine past all that writes it as it should: another program's, damage, somebody with access to Redis. */
import type { Page } from "playwright-core";
import { afterAll, beforeEach, expect, it } from "vitest";
import { redisEngine } from "../../src/index.ts";
import {
  encodeSchedulerEnqueueEvent,
  encodeSchedulerEntry,
  encodeServerInfo,
  encodeTaskMessage,
  encodeWorkerInfo,
} from "../../src/protocol/codec.ts";
import {
  ALL_QUEUES,
  ALL_SCHEDULERS,
  ALL_SERVERS,
  ALL_WORKERS,
  queueKeys,
  schedulerEntriesKey,
  schedulerHistoryKey,
  serverKey,
  taskKey,
  workersKey,
} from "../../src/protocol/keys.ts";
import type { TaskMessage } from "../../src/protocol/task-message.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { MonitorRig } from "../monitor/monitor-rig.ts";
import { RedisRig } from "../support/redis-rig.ts";
import { browserForFile } from "./browser-rig.ts";
import { VECTORS } from "./vectors.ts";

const open = browserForFile();
const redis = await RedisRig.start();
const own = redis.client();
afterAll(() => redis.stop());
beforeEach(() => redis.flush());

const monitorOf = () => MonitorRig.start({ engine: redisEngine(redis.url, { logger: silentLogger }) });
const LATER = 4_000_000_000;
const instant = (ms: number) => ({ seconds: Math.floor(ms / 1_000), nanos: 0 });

/** That a page shows it, and that nothing of it has run. */
async function shows(page: Page, text: string): Promise<void> {
  await page.locator("main h1").first().waitFor();
  const body = page.locator("body");
  // White space is drawn together, and signs that turn the direction are still there.
  const wanted = text.replaceAll(/[\s\u2028\u2029]+/g, " ").trim();
  await expect
    .poll(async () => ((await body.textContent()) ?? "").replaceAll(/[\s\u2028\u2029]+/g, " "), {
      timeout: 10_000,
    })
    .toContain(wanted);
  expect(await page.evaluate(() => "__xss" in window)).toBe(false);
}

const message = (id: string, more: Partial<TaskMessage>): TaskMessage => ({
  ...{ type: "t", payload: undefined, id, queue: "raw", retry: 25, retried: 1, errorMsg: "", timeout: 1_800 },
  ...{ deadline: 0, uniqueKey: "", lastFailedAt: 0, retention: 0, completedAt: 0, groupKey: "" },
  headers: new Map(),
  ...more,
});

it("shows servers, and what they are at, whatever they call themselves", { timeout: 120_000 }, async () => {
  const { url } = await monitorOf();
  const page = await open(url);
  const startTime = instant(Date.now());
  for (const [pid, text] of VECTORS.entries()) {
    const name = { host: text, pid, serverId: text };
    const info = {
      ...name,
      concurrency: 2,
      queues: new Map([[text, 1]]),
      strictPriority: false,
      status: text,
    };
    const worker = { ...name, taskId: text, taskType: text, taskPayload: Buffer.from(text), queue: text };
    await own.set(
      serverKey(name),
      encodeServerInfo({ ...info, startTime, activeWorkerCount: 1, peer: text }),
    );
    await own.hset(workersKey(name), text, encodeWorkerInfo({ ...worker, startTime, deadline: startTime }));
    await own.zadd(ALL_SERVERS, LATER, serverKey(name));
    await own.zadd(ALL_WORKERS, LATER, workersKey(name));
  }
  await page.goto(new URL("servers", url).href);
  for (const text of VECTORS) await shows(page, text);
  for (const path of ["", "engine", "metrics"]) {
    await page.goto(new URL(path, url).href);
    await page.locator("main").waitFor();
    expect(await page.evaluate(() => "__xss" in window)).toBe(false);
  }
});

it("shows periodic tasks, whatever their spec and their task are", { timeout: 120_000 }, async () => {
  const { url } = await monitorOf();
  const next = instant(Date.now() + 60_000);
  const entries = VECTORS.map((text) => ({
    ...{ id: text, spec: text, taskType: text, taskPayload: Buffer.from(text) },
    enqueueOptions: [`Queue(${JSON.stringify(text)})`],
    nextEnqueueTime: next,
    prevEnqueueTime: next,
  }));
  const key = schedulerEntriesKey("host:1:a");
  await own.rpush(key, ...entries.map(encodeSchedulerEntry));
  await own.zadd(ALL_SCHEDULERS, LATER, key);
  for (const text of VECTORS) {
    const event = encodeSchedulerEnqueueEvent({ taskId: text, enqueueTime: instant(Date.now()) });
    await own.zadd(schedulerHistoryKey(text), Math.floor(Date.now() / 1_000), event);
  }
  // A list shows what is in sight; the most peculiar are opened too.
  const page = await open(new URL("schedulers", url));
  await page.getByRole("row").nth(5).waitFor();
  for (const text of VECTORS.slice(-20)) {
    await page.goto(`${url.href}schedulers?entry=${encodeURIComponent(text)}`);
    await shows(page, text);
  }
});

it("shows what tasks say in fields that nobody checks", { timeout: 120_000 }, async () => {
  const { url } = await monitorOf();
  await own.sadd(ALL_QUEUES, "raw");
  for (const text of VECTORS) {
    const said = { type: text, errorMsg: text, groupKey: text, uniqueKey: text, payload: Buffer.from(text) };
    const task = message(text, { ...said, headers: new Map([[text, text]]), lastFailedAt: 1_800_000_000 });
    await own.hset(taskKey("raw", text), { msg: encodeTaskMessage(task), state: "retry", "tq:log": text });
    await own.zadd(queueKeys("raw").retry, LATER, text);
  }
  const page = await open(url);
  for (const text of VECTORS) {
    await page.goto(`${url.href}queues/raw/tasks/${encodeURIComponent(text)}`);
    await shows(page, text);
  }
  await page.goto(new URL("failures", url).href);
  await shows(page, VECTORS[0] ?? "");
});

it("says of a message that cannot be read that it cannot, and lets it be archived", async () => {
  const { url } = await monitorOf();
  await own.sadd(ALL_QUEUES, "raw");
  await own.hset(taskKey("raw", "torn"), { msg: Buffer.from([0xff, 0xff, 0x0a, 0x80]), state: "retry" });
  await own.zadd(queueKeys("raw").retry, LATER, "torn");
  const page = await open(new URL("queues/raw?state=retry", url));
  const row = page.getByRole("row").filter({ hasText: "unreadable" });
  await row.getByRole("link").first().click();
  await page.waitForURL(/\/tasks\/torn/);
  await page.getByText("Unreadable message").first().waitFor();
  await page.keyboard.press("a");
  await expect.poll(() => own.zscore(queueKeys("raw").archived, "torn")).not.toBeNull();
});

it("shows where an id lies that has no task, and says that there is none", async () => {
  const { url } = await monitorOf();
  await own.sadd(ALL_QUEUES, "raw");
  await own.lpush(queueKeys("raw").pending, "ghost");
  const page = await open(new URL("queues/raw?state=pending", url));
  await page.locator("main h1").filter({ hasText: "raw" }).waitFor();
  await page.goto(new URL("queues/raw/tasks/ghost", url).href);
  await page.locator("main").getByText("There is no task ghost in raw.").first().waitFor();
});
