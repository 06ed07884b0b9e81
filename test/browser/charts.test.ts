import type { Locator } from "playwright-core";
import { expect, it } from "vitest";
import { memoryEngine, Task } from "../../src/index.ts";
import { ROLLUP_LENGTH } from "../../src/protocol/rollup.ts";
import { MonitorRig } from "../monitor/monitor-rig.ts";
import { browserForFile } from "./browser-rig.ts";

const open = browserForFile();

/** How far up there is colour in a chart, of all its height, in its left part, where no name of a line is: 0 to 1. */
function heightOfLines(chart: Locator): Promise<number> {
  return chart.locator("canvas").evaluate((element) => {
    const canvas = element as HTMLCanvasElement;
    const { width, height } = canvas;
    const { data } = canvas.getContext("2d")?.getImageData(0, 0, width * 0.8, height) ?? { data: [] };
    for (let at = 0; at < data.length; at += 4) {
      const [red = 0, green = 0, blue = 0] = [data[at], data[at + 1], data[at + 2]];
      if (Math.max(red, green, blue) - Math.min(red, green, blue) < 60) continue;
      return 1 - Math.floor(at / 4 / Math.floor(width * 0.8)) / height;
    }
    return 0;
  });
}

it("draws lines within their chart, however large their values are", async () => {
  const engine = memoryEngine();
  const { client, url } = await MonitorRig.start({ engine });
  await client.enqueue(new Task("t", {}));
  const now = Math.floor(engine.broker.now() / ROLLUP_LENGTH) * ROLLUP_LENGTH;
  for (let step = 2; step < 12; step += 1) {
    const counts = { processed: 300_000, failed: 150_000 };
    const measured = { ...counts, wait: { 30: 300_000 }, run: { 40: 300_000 } };
    await engine.rollups.add("default", now - step * ROLLUP_LENGTH, new Map([["t", measured]]));
  }
  const page = await open(new URL("metrics", url));
  for (const name of [/per second/, /in percent/, /waited/, /ran/]) {
    const chart = page.getByRole("figure", { name });
    await chart.locator("canvas").waitFor();
    await expect.poll(() => heightOfLines(chart)).toBeGreaterThan(0.5);
    // There is air above.
    expect(await heightOfLines(chart)).toBeLessThan(0.97);
  }
});
