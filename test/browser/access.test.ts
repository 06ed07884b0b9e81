import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { createMonitor, hashPassword, type MonitorOptions } from "../../src/monitor/index.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { MonitorRig } from "../monitor/monitor-rig.ts";
import { browserForFile } from "./browser-rig.ts";
import { busySystem } from "./busy-system.ts";

const open = browserForFile();
const hash = await hashPassword("secret");

async function as(
  role: "view" | "operate" | "admin",
  options: Pick<MonitorOptions, "readOnly"> & { queues?: string[] } = {},
) {
  const { engine } = await busySystem();
  const { queues, ...rest } = options;
  const user = { user: "ada", hash, role, ...(queues !== undefined && { queues }) };
  const { url } = await MonitorRig.start({ engine, auth: { users: [user] }, ...rest });
  const httpCredentials = { username: "ada", password: "secret" };
  return (path: string) => open(new URL(path, url), { httpCredentials });
}

it("lets the role view look, and offers it nothing to do", async () => {
  const at = await as("view");
  const page = await at("queues/mail/tasks/retry");
  await page.getByText("mailbox of user 4711 is full").first().waitFor();
  expect(await page.getByRole("button", { name: /^(Run now|Archive|Edit and run)/ }).count()).toBe(0);
  await page.getByText("view only").waitFor();
  await page.keyboard.press("e");
  expect(await page.getByRole("dialog").count()).toBe(0);
});

it("lets the role operate change tasks, and delete no queue", async () => {
  const at = await as("operate");
  const page = await at("queues/low");
  await page.getByRole("button", { name: /^Pause/ }).waitFor();
  await page.getByRole("button", { name: "More to do" }).click();
  await page.getByText("Enqueue a task here").waitFor();
  const remove = page.getByRole("menuitem", { name: /Delete the queue/ });
  expect((await remove.count()) === 0 || (await remove.isDisabled())).toBe(true);
});

it("lets the role admin delete a queue", async () => {
  const at = await as("admin");
  const page = await at("queues/low");
  await page.getByRole("button", { name: "More to do" }).click();
  expect(await page.getByRole("menuitem", { name: /Delete the queue/ }).isEnabled()).toBe(true);
});

it("offers nothing to do where nothing can be changed", async () => {
  const at = await as("admin", { readOnly: true });
  const page = await at("queues/mail/tasks/retry");
  await page.getByText("read-only").waitFor();
  const run = page.getByRole("button", { name: /^Run now/ });
  expect((await run.count()) === 0 || (await run.isDisabled())).toBe(true);
});

it("shows nothing of queues that are not the visitor's", async () => {
  const at = await as("operate", { queues: ["ma*"] });
  const page = await at("queues");
  await page.getByRole("row").filter({ hasText: "mail" }).waitFor();
  expect(await page.locator("body").innerText()).not.toContain("images");
  await page.goto(new URL("/queues/images/tasks/active", page.url()).href);
  await page.locator("main h1").waitFor();
  expect(await page.locator("body").innerText()).not.toContain("cat.png");
});

it("asks who is there, and shows nothing without an answer", async () => {
  const { engine } = await busySystem();
  const { url } = await MonitorRig.start({ engine, auth: { users: [{ user: "ada", hash, role: "view" }] } });
  const answer = await fetch(url);
  expect([answer.status, answer.headers.get("www-authenticate")]).toEqual([
    401,
    expect.stringMatching(/^Basic/),
  ]);
});

it("works below a prefix: links, deep links, and the page loaded again", async () => {
  const { engine } = await busySystem();
  const monitor = createMonitor({ engine, basePath: "/tools/monitor", logger: silentLogger });
  const server = createServer(monitor.node);
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await monitor.close();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const page = await open(`${origin}/tools/monitor`);
  await page.getByRole("row").filter({ hasText: "mail" }).getByRole("link").first().click();
  await page.waitForURL(`${origin}/tools/monitor/queues/mail**`);
  await page.goto(`${origin}/tools/monitor/queues/mail/tasks/retry`);
  await page.getByText("mailbox of user 4711 is full").first().waitFor();
  await page.reload();
  await page.getByText("mailbox of user 4711 is full").first().waitFor();
  await page.getByRole("link", { name: "mail", exact: true }).first().click();
  await page.waitForURL(`${origin}/tools/monitor/queues/mail`);
});
