/**
 * Takes a picture of every page of the monitor, light, dark and on a phone, into docs/images/: `make screenshots`. The
 * shop of `make demo-ui` is at work meanwhile, on a Redis of its own, and has a past.
 */
import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type BrowserContextOptions, chromium } from "playwright-core";
import { letThemCome } from "../examples/demo-ui/customers.ts";
import { countViews, shopMux } from "../examples/demo-ui/shop.ts";
import * as tasks from "../examples/demo-ui/tasks.ts";
import { Client, Inspector, redisEngine, Scheduler, Server, Task } from "../src/index.ts";
import { createMonitor } from "../src/monitor/index.ts";
import { silentLogger } from "../src/runtime/logger.ts";
import { RedisRig } from "../test/support/redis-rig.ts";
import { findChromium } from "./find-chromium.ts";
import { writePast } from "./shop-past.ts";

/** So long the shop is at work before it is looked at: rollups are written once a minute. */
const WARM_UP = 75_000;

const LOOKS: Readonly<Record<string, BrowserContextOptions>> = {
  light: { colorScheme: "light", viewport: { width: 1280, height: 800 } },
  dark: { colorScheme: "dark", viewport: { width: 1280, height: 800 } },
  phone: { colorScheme: "light", viewport: { width: 390, height: 844 }, hasTouch: true },
};

const images = fileURLToPath(new URL("../docs/images/", import.meta.url));
const logger = silentLogger;
const redis = await RedisRig.start({ mode: "aof-everysec", config: { "maxmemory-policy": "noeviction" } });
const engine = redisEngine(redis.url);
await writePast(engine, redis.client(), Date.now());
const { QUEUES, ...definitions } = tasks;
const monitor = createMonitor({ engine, tasks: Object.values(definitions), logger });
const url = await monitor.listen({ port: 0 });
const server = new Server(engine, { concurrency: 4, queues: QUEUES, aggregators: [countViews], logger });
await server.start(shopMux());
const scheduler = new Scheduler(engine, { logger });
await scheduler.register("@every 20s", new Task("stock:sync"), { id: "stock", options: { queue: "low" } });
await scheduler.register("0 6 * * *", new Task("report:daily"), { id: "report" });
await scheduler.start();
const client = new Client(engine);
const inspector = new Inspector(engine);
const closing = new AbortController();
const customers = letThemCome(client, closing.signal);

const browser = await chromium.launch({ executablePath: await findChromium(), args: ["--no-sandbox"] });
try {
  await mkdir(images, { recursive: true });
  // Somebody watches from the start: rates and charts are of what was seen.
  const watcher = await browser.newPage();
  await watcher.goto(url);
  await watcher.waitForTimeout(WARM_UP);
  // It was tried four times, and stays.
  const [failed] = await inspector.listTasks("default", "archived", { pageSize: 1 });
  if (failed === undefined) throw new Error("no invoice has failed for good: let the shop warm up longer");
  await watcher.goto(new URL("queues/low", url).href);
  for (const name of ["Pause", "Resume"]) await watcher.getByRole("button", { name }).click();
  await watcher.goto(new URL("tasks?filter=type:email:reminder&select=all", url).href);
  await watcher
    .getByRole("button", { name: /^Delete/ })
    .first()
    .click();
  await watcher
    .getByRole("dialog")
    .getByRole("button", { name: /^Delete \d/ })
    .click();
  await watcher.getByRole("dialog").getByRole("button", { name: "Undo" }).click();
  await watcher.waitForTimeout(1_000);
  await watcher.goto(url);
  const pages: readonly (readonly [name: string, path: string])[] = [
    ["overview", ""],
    ["queues", "queues"],
    ["queue", "queues/default?state=scheduled"],
    ["tasks", "tasks?filter=type:email:*"],
    ["task", `queues/${failed.queue}/tasks/${failed.id}`],
    ["failures", "failures"],
    ["schedulers", "schedulers"],
    ["servers", "servers"],
    ["groups", "groups"],
    ["metrics", "metrics"],
    ["engine", "engine"],
    ["activity", "activity"],
    ["enqueue", "enqueue?type=email:receipt"],
  ];
  for (const [look, options] of Object.entries(LOOKS)) {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    for (const [name, path] of pages) {
      await page.goto(new URL(path, url).href);
      await page.locator("main h1").first().waitFor();
      // Lists and charts come a moment after the frame.
      await page.waitForTimeout(1_500);
      await page.screenshot({ path: `${images}${name}-${look}.png` });
    }
    await context.close();
  }
} finally {
  await browser.close();
  closing.abort();
  await customers;
  await scheduler.shutdown();
  await server.shutdown();
  await client.close();
  await monitor.close();
  await engine.close();
  await redis.stop();
}
