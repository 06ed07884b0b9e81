import { expect, it, onTestFinished } from "vitest";
import { Client, Inspector, memoryEngine, Task } from "../../src/index.ts";
import { createMonitor, hashPassword, type Role } from "../../src/monitor/index.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { MonitorRig } from "../monitor/monitor-rig.ts";
import { until } from "../support/server-process.ts";
import { browserForFile } from "./browser-rig.ts";

const open = browserForFile();

/** A monitor that can be started anew where it was, as a deploy does. */
async function restartable() {
  const engine = memoryEngine();
  const client = new Client(engine);
  const begin = () => createMonitor({ engine, logger: silentLogger });
  let monitor = begin();
  const url = new URL(await monitor.listen({ port: 0 }));
  onTestFinished(async () => {
    await monitor.close();
    await client.close();
  });
  const restart = async () => {
    await monitor.close();
    monitor = begin();
    await monitor.listen({ port: Number(url.port) });
  };
  return { client, inspector: new Inspector(engine), url, restart };
}

it("changes what it is told to, also after the monitor was started anew", async () => {
  const { client, inspector, url, restart } = await restartable();
  await client.enqueue(new Task("a"), { queue: "low" });
  const page = await open(new URL("queues/low", url));
  await page
    .getByRole("button", { name: /^Pause the queue|^Pause$/ })
    .first()
    .waitFor();
  await page.keyboard.press(".");
  await page.getByRole("button", { name: "paused" }).waitFor();
  await restart();
  await page
    .locator("main")
    .getByRole("button", { name: /^Pause/ })
    .first()
    .click();
  await until(async () => (await inspector.getQueueInfo("low")).paused);
});

it("says that an operation went no further when the monitor was started anew", {
  timeout: 40_000,
}, async () => {
  const { client, url, restart } = await restartable();
  for (let nth = 0; nth < 60; nth += 1) {
    await client.enqueue(new Task("bulk"), { queue: "low", processIn: "1h" });
  }
  const page = await open(new URL("tasks?filter=type:bulk&select=all", url));
  await page
    .getByRole("toolbar", { name: "Selected tasks" })
    .getByRole("button", { name: /^Archive/ })
    .click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Archive 60 tasks" }).waitFor();
  await dialog.getByRole("combobox").selectOption("10");
  await dialog.getByRole("button", { name: "Archive 60 tasks" }).click();
  await dialog.getByRole("button", { name: "Stop" }).waitFor();
  await restart();
  await dialog.getByText("The monitor was started anew and went no further").waitFor();
  await dialog.getByRole("button", { name: "Done" }).click();
});

it("offers what the user may do now, not when the page was opened", async () => {
  let role: Role = "view";
  const rig = await MonitorRig.start({ authorize: () => ({ user: "ada", role }) });
  await rig.client.enqueue(new Task("a"), { queue: "low" });
  const page = await open(new URL("queues/low", rig.url));
  await page.getByText("view only").waitFor();
  role = "admin";
  await page
    .locator("main")
    .getByRole("button", { name: /^Pause/ })
    .first()
    .waitFor();
  expect(await page.getByText("view only").count()).toBe(0);
});

it("asks for nothing any more once its user is refused", async () => {
  const ada = [{ user: "ada", hash: await hashPassword("secret"), role: "admin" as const }];
  const ben = [{ user: "ben", hash: await hashPassword("other"), role: "view" as const }];
  let known: typeof ada | typeof ben = ada;
  const rig = await MonitorRig.start({ auth: () => ({ users: known }) });
  await rig.client.enqueue(new Task("a"), { queue: "low", taskId: "one", processIn: "1h" });
  const httpCredentials = { username: "ada", password: "secret" };
  const page = await open(new URL("queues/low/tasks/one", rig.url), { httpCredentials });
  await page.getByText("Scheduled").first().waitFor();
  known = ben;
  await page.getByText("You are no longer logged in").waitFor();
  // What was on its way is let through.
  await page.waitForLoadState("networkidle");
  const asked = page.waitForRequest(/api\//, { timeout: 4_000 });
  await expect(asked).rejects.toThrow("Timeout");
});

it("tells what became of a queue that is deleted while live updates are paused", async () => {
  const { client, inspector, url } = await restartable();
  await client.enqueueBatch(
    Array.from({ length: 3_000 }, () => ({ task: new Task("a"), options: { queue: "low" } })),
  );
  const page = await open(new URL("queues/low", url));
  await page.getByRole("button", { name: "More to do" }).first().waitFor();
  await page.keyboard.press(".");
  await page.getByRole("button", { name: "paused" }).waitFor();
  await page.getByRole("button", { name: "More to do" }).first().click();
  await page.getByText("Delete the queue").click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("textbox").fill("low");
  await dialog.getByRole("button", { name: "Delete queue" }).click();
  await page.getByText("low is deleted, with").waitFor();
  expect(await inspector.queues()).toEqual([]);
});
