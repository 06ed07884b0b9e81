import { expect, it } from "vitest";
import { Task } from "../../src/index.ts";
import { MonitorRig } from "../monitor/monitor-rig.ts";
import { barriers, browserForFile } from "./browser-rig.ts";

const open = browserForFile();

it("shows what queues hold, and what changes while it is looked at", async () => {
  const { client, url } = await MonitorRig.start();
  await client.enqueue(new Task("email:welcome", { to: "ada@example.com" }), { queue: "mail" });
  const page = await open(url);
  const row = page.getByRole("row").filter({ hasText: "mail" });
  await row.getByText("1", { exact: true }).first().waitFor();
  let reloads = 0;
  page.on("load", () => {
    reloads += 1;
  });
  await client.enqueue(new Task("email:welcome", { to: "bob@example.com" }), { queue: "mail" });
  await row.getByText("2", { exact: true }).first().waitFor();
  await client.enqueue(new Task("other"), { queue: "another" });
  await page.getByRole("row").filter({ hasText: "another" }).waitFor();
  expect(reloads).toBe(0);
});

it.each(["light", "dark"] as const)("keeps nobody out, %s", async (colorScheme) => {
  const { client, url } = await MonitorRig.start();
  await client.enqueue(new Task("email:welcome", { to: "ada@example.com" }));
  const page = await open(url, { colorScheme });
  await page.getByRole("row").filter({ hasText: "default" }).waitFor();
  expect(await barriers(page)).toEqual([]);
});
