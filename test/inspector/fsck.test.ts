import { describe, expect, it } from "vitest";
import { Client } from "../../src/client/client.ts";
import { InvalidOptionError } from "../../src/errors.ts";
import { Inspector } from "../../src/inspector/inspector.ts";
import { queueKeys } from "../../src/protocol/keys.ts";
import { Task } from "../../src/task.ts";
import { redisForFile } from "../support/redis-rig.ts";

const rig = await redisForFile();
const raw = rig.client();

describe("inspector.fsck", () => {
  it("counts what it finds and mends, tells how far it is, and can be told as JSON", async () => {
    await using client = new Client(rig.url);
    await using inspector = new Inspector(rig.url);
    await client.enqueueBatch(Array.from({ length: 400 }, (_, n) => ({ task: new Task("x", n) })));
    await raw.lpush(queueKeys("default").pending, "ghost-1", "ghost-2");
    await raw.zadd(queueKeys("default").scheduled, 1_700_000_000, "ghost-3");

    const steps: number[] = [];
    const seen = await inspector.fsck({ onProgress: ({ done, total }) => steps.push(done / total) });
    expect(seen).toMatchObject({ repair: false, queues: ["default"], tasks: 400, found: 3, repaired: 0 });
    expect(seen.counts).toEqual({ GHOST: 3 });
    expect(JSON.parse(JSON.stringify(seen))).toEqual(seen);
    expect(steps.length).toBeGreaterThan(2);
    expect(steps.at(-1)).toBe(1);
    expect(Math.max(...steps)).toBe(1);

    expect(await inspector.fsck({ repair: true })).toMatchObject({ repair: true, found: 3, repaired: 3 });
    expect(await inspector.fsck({ queues: ["default"] })).toMatchObject({ found: 0, findings: [] });
  });

  it("ends half-way when it is told to, and says so", async () => {
    await using client = new Client(rig.url);
    await using inspector = new Inspector(rig.url);
    await client.enqueueBatch(Array.from({ length: 1_000 }, (_, n) => ({ task: new Task("x", n) })));
    const controller = new AbortController();
    const report = await inspector.fsck({ signal: controller.signal, onProgress: () => controller.abort() });
    expect(report).toMatchObject({ stopped: true, found: 0 });
    expect(report.tasks).toBeLessThan(1_000);
  });

  it("refuses options that mean nothing", async () => {
    await using inspector = new Inspector(rig.url);
    for (const options of [{ repiar: true }, { repair: "yes" }, { queues: "default" }, { queues: [" "] }]) {
      await expect(inspector.fsck(options as never)).rejects.toBeInstanceOf(InvalidOptionError);
    }
  });
});
