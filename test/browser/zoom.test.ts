import { expect, it } from "vitest";
import { MonitorRig } from "../monitor/monitor-rig.ts";
import { browserForFile } from "./browser-rig.ts";
import { busySystem } from "./busy-system.ts";

const open = browserForFile();

it.each([
  ["overview", ""],
  ["queue", "queues/mail?state=retry"],
])(
  "keeps the part of a chart that was chosen in the address of the %s, and the back key gives it up",
  async (_, path) => {
    const { engine } = await busySystem();
    const { url } = await MonitorRig.start({ engine });
    const page = await open(new URL(path, url));
    const chart = page.getByRole("figure", { name: "Tasks that came in and that left, per second" });
    const canvas = chart.locator(".u-over");
    await canvas.waitFor();
    const box = await canvas.boundingBox();
    if (box === null) throw new Error("the chart is not there");
    await page.mouse.move(box.x + box.width * 0.5, box.y + 20);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.9, box.y + 20, { steps: 4 });
    await page.mouse.up();

    const whole = page.getByRole("button", { name: /^\d\d:\d\d to \d\d:\d\d$/ });
    await whole.waitFor();
    const { searchParams } = new URL(page.url());
    const [from, to] = [Number(searchParams.get("from")), Number(searchParams.get("to"))];
    expect(to - from).toBeGreaterThan(0);
    expect(to).toBeLessThan(Date.now());

    // A link shows the same.
    const shared = await open(page.url());
    await shared.getByRole("button", { name: await whole.innerText() }).waitFor();

    await page.goBack();
    await whole.waitFor({ state: "detached" });
    expect(page.url()).toBe(new URL(path, url).href);
    await page.goForward();
    await whole.click();
    await whole.waitFor({ state: "detached" });
    expect(new URL(page.url()).searchParams.has("from")).toBe(false);
  },
);
