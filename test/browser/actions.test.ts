import type { Page } from "playwright-core";
import { expect, it } from "vitest";
import { Task } from "../../src/index.ts";
import { MonitorRig } from "../monitor/monitor-rig.ts";
import { until } from "../support/server-process.ts";
import { browserForFile } from "./browser-rig.ts";
import { busySystem } from "./busy-system.ts";

const open = browserForFile();

async function start() {
  const system = await busySystem();
  const { url } = await MonitorRig.start({ engine: system.engine });
  return { ...system, at: (path: string) => open(new URL(path, url)) };
}

const press = (page: Page, name: string | RegExp) => page.getByRole("button", { name }).first().click();
const answer = (page: Page, name: string | RegExp) =>
  page.getByRole("dialog").getByRole("button", { name }).click();

it("archives a task, runs it, and deletes it so that it can be undone", async () => {
  const { inspector, at } = await start();
  const task = { queue: "low", id: "pending" };
  const page = await at("queues/low/tasks/pending");
  await press(page, /^Archive/);
  await until(async () => (await inspector.getTaskInfo(task)).state === "archived");
  await press(page, /^Run now/);
  await until(async () => (await inspector.getTaskInfo(task)).state === "pending");
  await page.getByRole("button", { name: /^Archive/ }).waitFor();
  await page.keyboard.press("d");
  await answer(page, "Delete");
  await until(async () => (await inspector.getTaskInfo(task)).state === "archived");
  await press(page, "Undo");
  await until(async () => (await inspector.getTaskInfo(task)).state === "pending");
});

it("cancels a task that runs", async () => {
  const { inspector, at } = await start();
  const page = await at("queues/images/tasks/active");
  await press(page, /^Cancel/);
  await answer(page, "Cancel the task");
  // As servers decide, unless their `cancelPolicy` says otherwise.
  await until(async () => (await inspector.getTaskInfo({ queue: "images", id: "active" })).state === "retry");
});

it("pauses a queue and lets it go on", async () => {
  const { inspector, at } = await start();
  const page = await at("queues/mail");
  await press(page, /^Pause/);
  await until(async () => (await inspector.getQueueInfo("mail")).paused);
  await press(page, /^Resume/);
  await until(async () => !(await inspector.getQueueInfo("mail")).paused);
});

it("deletes a queue once its name was typed", async () => {
  const { inspector, at } = await start();
  const page = await at("queues/low");
  await press(page, "More to do");
  await page.getByText("Delete the queue").click();
  const dialog = page.getByRole("dialog");
  expect(await dialog.getByRole("button", { name: "Delete queue" }).isDisabled()).toBe(true);
  await dialog.getByRole("textbox").fill("low");
  await answer(page, "Delete queue");
  await until(async () => !(await inspector.queues()).includes("low"));
});

it("archives all tasks of a group, counted first", async () => {
  const { client, inspector, at } = await start();
  await client.enqueue(new Task("view", {}), { queue: "low", group: "stays", taskId: "stays" });
  for (const taskId of ["a", "b"]) {
    await client.enqueue(new Task("view", {}), { queue: "low", group: "goes", taskId });
  }
  const page = await at("groups");
  await press(page, "Actions for the group goes");
  await page.getByRole("menuitem", { name: "Archive all" }).click();
  await answer(page, /^Archive 2/);
  await until(async () => (await inspector.getTaskInfo({ queue: "low", id: "b" })).state === "archived");
  expect((await inspector.getTaskInfo({ queue: "low", id: "a" })).state).toBe("archived");
  expect((await inspector.getTaskInfo({ queue: "low", id: "stays" })).state).toBe("aggregating");
});

it("means all that match only where that can be asked for", async () => {
  const { client, at } = await start();
  await client.enqueue(new Task("view", {}), { queue: "low", group: "few", taskId: "few" });
  for (const where of ["images?state=active", "low?state=aggregating&group=few"]) {
    const page = await at(`queues/${where}&select=all`);
    await page.locator("main").getByRole("row").nth(1).waitFor();
    expect([where, await page.getByText("All that match").count()]).toEqual([where, 0]);
  }
  const page = await at("queues/low?state=pending&select=all");
  await page.getByText("All that match").waitFor();
});

it("enqueues a task by hand", async () => {
  const { inspector, at } = await start();
  const page = await at("enqueue");
  await page.getByLabel("Type").fill("note:send");
  await page.getByLabel("Queue", { exact: true }).fill("notes");
  await page.locator("main textarea").first().fill('{"text":"hello"}');
  await press(page, "Enqueue");
  await page.locator("main").getByText("is in notes").waitFor();
  const [task] = await inspector.listTasks("notes", "pending");
  expect([task?.type, task?.payload]).toEqual(["note:send", { text: "hello" }]);
});

it("runs a periodic task now, pauses it and lets it go on", async () => {
  const { inspector, at } = await start();
  const page = await at("schedulers?entry=stock");
  await answer(page, "Run now");
  await until(async () =>
    (await inspector.listTasks("low", "pending")).some(({ type }) => type === "stock:sync"),
  );
  const isPaused = async () => (await inspector.schedulerEntries()).find(({ id }) => id === "stock")?.paused;
  expect(await isPaused()).toBe(false);
  await answer(page, "Pause");
  await until(async () => (await isPaused()) === true);
  await page.getByRole("dialog").getByRole("button", { name: "Resume" }).click();
  await until(async () => (await isPaused()) === false);
  await page.getByRole("dialog").getByRole("button", { name: "Pause" }).waitFor();
});

it("keeps what was typed into the form of a periodic task when the page is loaded anew", async () => {
  const { inspector, at } = await start();
  const page = await at("schedulers?form=new");
  const field = (label: string) => page.getByRole("dialog").getByLabel(label, { exact: true });
  await field("Spec").fill("@daily");
  await field("Type").fill("note:daily");
  await page.reload();
  await field("Type").waitFor();
  expect([await field("Spec").inputValue(), await field("Type").inputValue()]).toEqual([
    "@daily",
    "note:daily",
  ]);
  await answer(page, "Save");
  await until(async () => (await inspector.schedulerEntries()).some(({ type }) => type === "note:daily"));
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await press(page, "New entry");
  expect(await field("Type").inputValue()).toBe("");
});

it("offers no run of a periodic task that its program alone knows in full", async () => {
  const { at } = await start();
  const page = await at("schedulers?entry=report");
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Pause" }).waitFor();
  expect(await dialog.getByRole("button", { name: "Run now" }).count()).toBe(0);
});

it("archives all that match a filter: counted first, then done, then taken back", async () => {
  const { client, inspector, at } = await start();
  for (let id = 0; id < 60; id += 1) {
    await client.enqueue(new Task("bulk", { id }), { queue: "low", processIn: "1h" });
  }
  const scheduled = async () => (await inspector.getQueueInfo("low")).scheduled;
  const page = await at("tasks?filter=type:bulk&select=all");
  await page
    .getByRole("toolbar", { name: "Selected tasks" })
    .getByRole("button", { name: /^Delete/ })
    .click();
  const start60 = page.getByRole("dialog").getByRole("button", { name: "Delete 60 tasks" });
  await start60.waitFor();
  expect(await scheduled()).toBe(60);
  await start60.click();
  await page.getByRole("dialog").getByRole("button", { name: "Done" }).waitFor();
  expect(await scheduled()).toBe(0);
  await answer(page, "Undo");
  await until(async () => (await scheduled()) === 60);
});

it("finds a failed task, shows its error and runs it as a copy by the keyboard alone", async () => {
  const { inspector, at } = await start();
  const page = await at("");
  await page.getByRole("row").filter({ hasText: "mail" }).first().waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("error:~mailbox");
  await page.keyboard.press("Enter");
  await page.getByRole("row").filter({ hasText: "email:digest" }).first().waitFor();
  // Into the box and out of it: once for its suggestions, once for itself.
  await page.keyboard.press("/");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.getByText("mailbox of user 4711 is full").first().waitFor();
  await page.keyboard.press("e");
  await page.getByRole("dialog").waitFor();
  const id = page.getByRole("dialog").getByLabel("Task id", { exact: true });
  while (!(await id.evaluate((element) => element === document.activeElement))) {
    await page.keyboard.press("Tab");
  }
  await page.keyboard.type("the-copy");
  await page.keyboard.press("Enter");
  await page.waitForURL(/the-copy/);
  const copy = await inspector.getTaskInfo({ queue: "mail", id: "the-copy" });
  expect(copy.type).toBe("email:digest");
});
