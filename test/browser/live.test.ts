import { expect, it, onTestFinished } from "vitest";
import { Client, Inspector, redisEngine, Task } from "../../src/index.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { MonitorRig } from "../monitor/monitor-rig.ts";
import { RedisRig } from "../support/redis-rig.ts";
import { browserForFile } from "./browser-rig.ts";

const open = browserForFile();

it("stands still while it is paused, and catches up after", async () => {
  const { client, url } = await MonitorRig.start();
  await client.enqueue(new Task("a"), { queue: "first" });
  const page = await open(url);
  await page.getByRole("row").filter({ hasText: "first" }).waitFor();
  await page.keyboard.press(".");
  const dot = page.getByRole("button", { name: "paused" });
  await dot.waitFor();
  await client.enqueue(new Task("a"), { queue: "second" });
  // Another tab, which is not paused, tells when the news is out.
  const other = await open(url);
  await other.getByRole("row").filter({ hasText: "second" }).waitFor();
  expect(await page.getByRole("row").filter({ hasText: "second" }).count()).toBe(0);
  await page.keyboard.press(".");
  await page.getByRole("row").filter({ hasText: "second" }).waitFor();
});

it("keeps what it knew of a task that is deleted meanwhile", async () => {
  const { client, engine, url } = await MonitorRig.start();
  const inspector = new Inspector(engine);
  await client.enqueue(new Task("a", { the: "payload" }), { taskId: "one" });
  const page = await open(new URL("queues/default/tasks/one", url));
  await page.getByText("payload").first().waitFor();
  await inspector.deleteTask({ queue: "default", id: "one" });
  await page.getByText(/Gone since/).waitFor();
  expect(await page.locator("main").innerText()).toContain("payload");
});

it("says that the engine is away, keeps what it knew, and goes on when it is back", {
  timeout: 120_000,
}, async () => {
  const redis = await RedisRig.start({ mode: "aof-always" });
  const engine = redisEngine(redis.url, { logger: silentLogger });
  onTestFinished(() => redis.stop());
  const { client, url } = await MonitorRig.start({ engine });
  await client.enqueue(new Task("a"), { queue: "first" });
  const page = await open(url);
  const first = page.getByRole("row").filter({ hasText: "first" });
  await first.waitFor();
  await redis.crash();
  await page.getByText(/has been away since/).waitFor({ timeout: 30_000 });
  expect(await first.count()).toBe(1);
  // A page that was not open before says so as well.
  const late = await open(new URL("tasks", url));
  await late.getByText(/has been away since/).waitFor({ timeout: 30_000 });
  await redis.restart();
  await page.getByText(/has been away since/).waitFor({ state: "detached", timeout: 60_000 });
  const writer = new Client(redis.url, { logger: silentLogger });
  await writer.enqueue(new Task("a"), { queue: "second" });
  await writer.close();
  await page.getByRole("row").filter({ hasText: "second" }).waitFor({ timeout: 30_000 });
});

it("says what it waits for where the engine was never reached, and counts nothing then", {
  timeout: 60_000,
}, async () => {
  const redis = await RedisRig.start();
  const engine = redisEngine(redis.url, { logger: silentLogger });
  await redis.stop();
  const { url } = await MonitorRig.start({ engine });
  const page = await open(new URL("tasks", url));
  await page.getByText(/has not reached its engine yet/).waitFor({ timeout: 3_000 });
  await page.getByText(/has been away since/).waitFor({ timeout: 30_000 });
  expect(await page.getByRole("navigation", { name: "Tasks by state" }).innerText()).not.toMatch(/\d/);
});

it("says that the monitor itself does not answer", async () => {
  const rig = await MonitorRig.start();
  await rig.client.enqueue(new Task("a"), { queue: "first" });
  const page = await open(rig.url);
  const first = page.getByRole("row").filter({ hasText: "first" });
  await first.waitFor();
  await rig.monitor.close();
  await page.getByText(/has not answered since/).waitFor({ timeout: 15_000 });
  expect(await first.count()).toBe(1);
});
