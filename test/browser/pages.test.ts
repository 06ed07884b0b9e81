import { describe, expect, it } from "vitest";
import { MonitorRig } from "../monitor/monitor-rig.ts";
import { barriers, browserForFile } from "./browser-rig.ts";
import { busySystem } from "./busy-system.ts";

const open = browserForFile();

/** Every page, and what only it can say of the busy system. */
const PAGES: readonly (readonly [path: string, says: string | RegExp])[] = [
  ["", "images"],
  ["queues", "images"],
  ["queues/mail?state=completed", "email:welcome"],
  ["queues/mail?state=retry", "email:digest"],
  ["queues/mail?state=archived", "email:broken"],
  ["queues/mail?state=scheduled", "email:reminder"],
  ["queues/images?state=active", "image:resize"],
  ["queues/low?state=pending", "report:daily"],
  ["queues/low?state=aggregating", /page:(home|view)/],
  ["tasks", "email:reminder"],
  ["queues/mail/tasks/retry", "mailbox of user 4711 is full"],
  ["queues/mail/tasks/archived", "no template named spring"],
  ["queues/mail/tasks/completed", "<42@example.com>"],
  ["queues/images/tasks/active", "cat.png"],
  ["failures", /mailbox of user/],
  ["schedulers", "stock:sync"],
  ["servers", "image:resize"],
  ["groups", /page:(home|view)/],
  ["metrics", /measured|Attempts/],
  ["engine", "memory"],
  ["activity", /queues\/\{queue\}\/pause/],
  ["enqueue", "Enqueue"],
];

const LOOKS = [
  ["light", { colorScheme: "light" }],
  ["dark", { colorScheme: "dark" }],
  ["on a phone", { viewport: { width: 390, height: 844 }, hasTouch: true }],
] as const;

async function busyMonitor(): Promise<URL> {
  const { engine } = await busySystem();
  const rig = await MonitorRig.start({ engine });
  // Something for the audit log.
  await rig.change("/api/queues/low/pause");
  return rig.url;
}

describe.each(LOOKS)("%s", (_, options) => {
  it("shows what it is of on every page, and keeps nobody out", { timeout: 180_000 }, async () => {
    const url = await busyMonitor();
    const page = await open(url, options);
    const wrong: unknown[] = [];
    for (const [path, says] of PAGES) {
      await page.goto(new URL(path, url).href);
      const shown = page.locator("main").getByText(says).filter({ visible: true }).first();
      const problem = await shown.waitFor({ timeout: 15_000 }).then(
        () => null,
        () => "does not say it",
      );
      if (problem !== null) wrong.push([path, String(says), problem, await page.locator("main").innerText()]);
      const beyond = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      if (beyond > 0) wrong.push([path, `${beyond} px too wide`]);
      wrong.push(...(await barriers(page)).map((barrier) => [path, barrier]));
    }
    expect(wrong).toEqual([]);
  });
});
