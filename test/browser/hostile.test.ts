import { expect, it, onTestFinished } from "vitest";
import { Client, Inspector, memoryEngine, Server, SkipRetry, Task } from "../../src/index.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { MonitorRig } from "../monitor/monitor-rig.ts";
import { until } from "../support/server-process.ts";
import { browserForFile } from "./browser-rig.ts";
import { unbraced, VECTORS } from "./vectors.ts";

const open = browserForFile();

it(`takes ${VECTORS.length} hostile texts for text, whatever they are the name of`, {
  timeout: 180_000,
}, async () => {
  expect(VECTORS.length).toBeGreaterThanOrEqual(60);
  const engine = memoryEngine();
  const client = new Client(engine);
  const inspector = new Inspector(engine);
  for (const [at, text] of VECTORS.entries()) {
    const task = new Task(text, { [text]: text, list: [text] }, { headers: { "x-hostile": text } });
    await client.enqueue(task, { queue: unbraced(text), taskId: text });
    await client.enqueue(task, { queue: unbraced(text), group: unbraced(text), taskId: `grouped ${at}` });
    await client.enqueue(new Task(text, text), {
      queue: "served",
      taskId: text,
      retention: "1h",
    });
  }
  const server = new Server(engine, { queues: { served: 1 }, concurrency: 8, logger: silentLogger });
  onTestFinished(async () => {
    await server.shutdown();
    await client.close();
  });
  await server.start((task) => {
    if (VECTORS.indexOf(task.type) % 2 === 0) throw new SkipRetry(task.type);
    return task.type;
  });
  await until(async () => {
    const { archived, completed } = await inspector.getQueueInfo("served");
    return archived + completed === VECTORS.length;
  });

  const { url } = await MonitorRig.start({ engine });
  const page = await open(url);
  const paths = [
    ...["", "queues", "tasks", "tasks?filter=state:archived", "failures", "groups", "metrics"],
    ...["schedulers", "servers", "engine", "activity", "queues/served?state=archived"],
    ...VECTORS.map((text) => `queues/served/tasks/${encodeURIComponent(text)}`),
    ...VECTORS.slice(-21).map((text) => `queues/${encodeURIComponent(unbraced(text))}`),
    ...VECTORS.slice(0, 60)
      .map((text) => `enqueue?type=${encodeURIComponent(text)}`)
      .slice(-15),
    ...VECTORS.slice(-5).map((text) => `tasks?filter=${encodeURIComponent(text)}`),
  ];
  for (const path of paths) {
    await page.goto(`${url.href}${path}`);
    await page.locator("main h1").first().waitFor();
    expect([path, await page.evaluate(() => "__xss" in window)]).toEqual([path, false]);
  }
});

it("shows the beginning of a payload of 10 MB", async () => {
  const { engine, url } = await MonitorRig.start();
  const client = new Client(engine, { maxPayloadBytes: 20_000_000 });
  onTestFinished(() => client.close());
  await client.enqueue(new Task("big", { text: "x".repeat(10_000_000) }), { taskId: "big" });
  const page = await open(new URL("queues/default/tasks/big", url));
  await page
    .locator("main")
    .getByText(/10\.0 MB|9\.5 MiB|9\.54 MiB/)
    .first()
    .waitFor();
  expect((await page.locator("main").innerText()).length).toBeLessThan(200_000);
});
