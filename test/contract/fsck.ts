import { expect, it } from "vitest";
import type { Finding } from "../../src/broker/repair.ts";
import type { OpenEngine } from "./harness.ts";
import { archive, complete, enqueued, retry, running, settled, unique } from "./tasks.ts";

export function fsckContract(open: OpenEngine): void {
  it("finds nothing wrong with tasks in all states", async () => {
    const harness = await open();
    const queue = harness.queue();
    const now = harness.broker.now();
    const archived = await running(harness, queue);
    await settled(harness, archived, archive(archived));
    const completed = await running(harness, queue);
    await settled(harness, completed, complete(completed, now + 60_000, Buffer.from("42")));
    const waiting = await running(harness, queue);
    await settled(harness, waiting, retry(waiting, now + 1_234));
    await running(harness, queue);
    await enqueued(harness, queue, {}, { processAt: now + 1_500 });
    await enqueued(harness, queue, { groupKey: "a:b" });
    await enqueued(harness, queue, { groupKey: "a:b" }, { processAt: now + 50_000 });
    await harness.broker.enqueue([unique(queue, "x"), unique(queue, "y", 60_000, { groupKey: "g" })]);

    const findings: Finding[] = [];
    let last: [number, number] = [0, 0];
    const end = await harness.engine.repair.fsck({
      queues: undefined,
      repair: true,
      signal: undefined,
      onFinding: (finding) => findings.push(finding),
      onProgress: (...progress) => {
        last = progress;
      },
    });
    expect(findings).toEqual([]);
    expect(end).toEqual({ queues: [queue], tasks: 9, stopped: false });
    expect(last[0]).toBe(last[1]);
  });

  it("stops when it is told to", async () => {
    const harness = await open();
    await enqueued(harness, harness.queue());
    const call = { queues: undefined, repair: true, onFinding: () => undefined, onProgress: () => undefined };
    const end = await harness.engine.repair.fsck({ ...call, signal: AbortSignal.abort() });
    expect(end).toMatchObject({ tasks: 0, stopped: true });
  });
}
