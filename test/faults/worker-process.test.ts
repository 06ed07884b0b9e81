import { describe, expect, it } from "vitest";
import { DuplicateTaskError } from "../../src/errors.ts";
import { Task } from "../../src/task.ts";
import type { TaskOptions } from "../../src/task-options.ts";
import { judgeHistory } from "../support/history-checker.ts";
import { redisForFile } from "../support/redis-rig.ts";
import { SHORT_LEASE } from "../support/short-timings.ts";
import type { Work, WorkerOptions, WorkerRig } from "../support/worker-rig.ts";
import { benchForFile, freshQueue } from "./bench.ts";
import { eventually } from "./eventually.ts";

/** A01 to A06 and what a handler can do to its process: docs/reliability.md b. */

const redis = await redisForFile();
const bench = benchForFile();

/** How long the death of a worker explains another run: lease, rounded up, grace, recoverer, retry. */
const EXPLAINS = SHORT_LEASE.lease + SHORT_LEASE.grace + 3_000;

async function arena() {
  const queue = freshQueue();
  const rig = await bench.workers();
  const client = bench.client(redis.url);
  const inspector = bench.inspector(redis.url);
  return {
    rig,
    worker: (options: Partial<WorkerOptions> = {}) => rig.start({ url: redis.url, queue, ...options }),
    enqueue: async (work: Work, id: string, options: TaskOptions = {}) => {
      rig.ledger.write({ type: "invoke", id });
      await client.enqueue(new Task("work", work), { queue, taskId: id, maxRetry: 3, ...options });
      rig.ledger.write({ type: "ok", id });
    },
    /** Processed and failed attempts so far. */
    counters: async () => {
      const { processedTotal, failedTotal } = await inspector.getQueueInfo(queue);
      return [processedTotal, failedTotal];
    },
    isEmpty: async () => (await inspector.getQueueInfo(queue)).size === 0,
    info: (id: string) => inspector.getTaskInfo({ queue, id }),
  };
}

function judge(rig: WorkerRig, stored: readonly string[] = []) {
  return judgeHistory(rig.history(), { stored: new Set(stored), explains: EXPLAINS });
}

describe("a worker is killed", () => {
  it("loses none of 1,000 tasks, and runs none twice without a reason (A01)", async () => {
    const { rig, worker, enqueue, isEmpty } = await arena();
    const [doomed] = await Promise.all([worker({ concurrency: 10 }), worker({ concurrency: 10 })]);
    const ids = Array.from({ length: 1_000 }, (_, i) => `task-${i}`);
    await Promise.all(ids.map((id) => enqueue({ ms: 20 }, id)));

    await eventually("the first worker is in the middle of it", () => doomed.count("ended") >= 50);
    await doomed.kill();

    await eventually("all tasks have ended", isEmpty, 15_000);
    const report = judge(rig);
    expect(report.violations).toEqual([]);
    expect(report.acknowledged).toBe(1_000);
    expect(report.duplicates).toBeGreaterThan(0);
    // Those that it ran, and those whose end was on its way.
    expect(report.duplicates).toBeLessThanOrEqual(20);
  });

  it("runs a task that it had leased and not begun, for the first time (A05)", async () => {
    const { rig, worker, enqueue, isEmpty } = await arena();
    const doomed = await worker({ gates: ["afterDequeue"] });
    await enqueue({}, "a05");
    await doomed.said("held", "afterDequeue");
    await doomed.kill();

    const survivor = await worker();
    await survivor.said("settled", "a05", "done");
    expect(await isEmpty()).toBe(true);
    expect(judge(rig)).toMatchObject({ starts: 1, duplicates: 0, violations: [] });
  });

  it("runs a task again whose success it could not tell, and keeps its lock until then (A06)", async () => {
    const { rig, worker, enqueue, isEmpty } = await arena();
    const doomed = await worker({ gates: ["beforeAck"] });
    await enqueue({}, "a06", { unique: "1h" });
    await doomed.said("held", "beforeAck");
    await doomed.kill();
    await expect(enqueue({}, "refused", { unique: "1h" })).rejects.toBeInstanceOf(DuplicateTaskError);

    const survivor = await worker();
    await survivor.said("settled", "a06", "done");
    expect(await isEmpty()).toBe(true);
    expect(judge(rig)).toMatchObject({ starts: 2, duplicates: 1, violations: [] });
    await enqueue({}, "free-again", { unique: "1h" });
    await survivor.said("settled", "free-again", "done");
  });
});

describe("a worker is late", () => {
  it("is fenced when it writes after a pause longer than its lease (A03)", async () => {
    const { rig, worker, enqueue, counters, isEmpty } = await arena();
    const late = await worker();
    await enqueue({ is: "writes-late" }, "a03");
    await late.said("started", "a03", 1);
    late.freeze();

    const heir = await worker();
    await heir.said("started", "a03", 2);
    const before = await counters();
    late.thaw();
    await late.said("aborted", "a03", "LEASE_LOST");
    late.release();
    await late.said("answered", "a03", "fenced");
    await late.said("refused", "a03", "lease-lost");
    await late.said("ended", "a03");
    expect(await counters()).toEqual(before);

    heir.release();
    await heir.said("settled", "a03", "done");
    expect(await counters()).toEqual([2, 1]);
    expect(await isEmpty()).toBe(true);
    expect(late.count("settled", "a03", "done")).toBe(0);
    expect(judge(rig)).toMatchObject({ starts: 2, violations: [] });
  });

  it("is fenced when it was held between the end of its handler and telling of it (A04)", async () => {
    const { worker, enqueue, counters, info } = await arena();
    const late = await worker({ gates: ["beforeAck"] });
    await enqueue({ is: "quick-then-heedless" }, "a04", { retention: "1h" });
    await late.said("held", "beforeAck");
    // Its slot is free again, and the task is for the other one.
    late.pause();

    const heir = await worker();
    await heir.said("started", "a04", 2);
    const before = await counters();
    late.open("beforeAck");
    await late.said("answered", "a04", "fenced");
    expect(await counters()).toEqual(before);

    heir.release();
    await heir.said("settled", "a04", "completed");
    const stored = await info("a04");
    expect(stored.state).toBe("completed");
    expect(JSON.parse(Buffer.from(stored.resultBytes ?? []).toString())).toEqual({
      by: heir.name,
      attempt: 2,
    });
    expect(late.count("settled", "a04", "completed")).toBe(0);
  });
});

describe("a handler ends its process", () => {
  it("dies loudly of a rejection that nobody handles, and another worker takes over (B03)", async () => {
    const { rig, worker, enqueue } = await arena();
    const doomed = await worker();
    await enqueue({ is: "rejects-once" }, "b03");
    expect(await doomed.exited).toBe(1);
    expect(doomed.errors).toContain("nobody handles this");

    const survivor = await worker();
    await survivor.said("started", "b03", 2);
    await survivor.said("settled", "b03", "done");
    expect(rig.history().filter(({ type }) => type === "start")).toHaveLength(2);
  });

  it("exits, and another worker takes over (B06)", async () => {
    const { worker, enqueue, counters } = await arena();
    const doomed = await worker();
    await enqueue({ is: "exits-once" }, "b06");
    expect(await doomed.exited).toBe(0);

    const survivor = await worker();
    await survivor.said("settled", "b06", "done");
    expect(await counters()).toEqual([2, 1]);
  });
});
