import { describe, expect, it } from "vitest";
import { limitKeys } from "../../src/protocol/keys.ts";
import { Task } from "../../src/task.ts";
import type { HistoryEvent } from "../support/history.ts";
import { judgeHistory } from "../support/history-checker.ts";
import { redisForFile } from "../support/redis-rig.ts";
import { SHORT_LEASE } from "../support/short-timings.ts";
import { benchForFile, freshQueue } from "./bench.ts";
import { eventually } from "./eventually.ts";

const redis = await redisForFile();
const bench = benchForFile();

const KEYS = ["a", "b", "c"];
const TASKS_A_KEY = 40;
/** Lease, grace and recoverer; then the look at those that wait. */
const RECOVERED = SHORT_LEASE.lease + SHORT_LEASE.grace + 3_000;
const LOOKED_AT = 15_000;

/** The most tasks of one key that ran at once. What a dead process had begun ends with it. */
function mostAtOnce(history: readonly HistoryEvent[], dead: string): number {
  const killed = history.find((event) => event.type === "nemesis" && event.target === dead)?.mono ?? 0;
  let most = 0;
  for (const key of KEYS) {
    const running = new Map<string, string>();
    for (const event of history) {
      if (event.mono > killed) {
        for (const [run, by] of running) if (by === dead) running.delete(run);
      }
      if ((event.type !== "start" && event.type !== "end") || !event.id.startsWith(`${key}-`)) continue;
      const run = `${event.process} ${event.id}`;
      if (event.type === "end") running.delete(run);
      else running.set(run, event.process);
      most = Math.max(most, running.size);
    }
  }
  return most;
}

describe("limits, when a server is killed", () => {
  it("hold for the others, and let go what the dead one held", { timeout: 60_000 }, async () => {
    const queue = freshQueue();
    const rig = await bench.workers();
    const client = bench.client(redis.url);
    const inspector = bench.inspector(redis.url);
    const options = { url: redis.url, queue, concurrency: 5, perKey: 1 };
    const [doomed] = await Promise.all([rig.start(options), rig.start(options), rig.start(options)]);

    const ids = KEYS.flatMap((key) =>
      Array.from({ length: TASKS_A_KEY }, (_, n) => ({ key, id: `${key}-${n}` })),
    );
    await Promise.all(
      ids.map(async ({ key, id }) => {
        rig.ledger.write({ type: "invoke", id });
        await client.enqueue(new Task("work", { ms: 60, key }), { queue, taskId: id, maxRetry: 3 });
        rig.ledger.write({ type: "ok", id });
      }),
    );
    await eventually("the doomed one runs something", () => doomed.count("started") > doomed.count("ended"));
    await doomed.kill();

    const isEmpty = async () => (await inspector.getQueueInfo(queue)).size === 0;
    await eventually("all tasks have ended", isEmpty, RECOVERED + LOOKED_AT + 20_000);
    const history = rig.history();
    expect(mostAtOnce(history, doomed.name)).toBe(1);
    const report = judgeHistory(history, { stored: new Set(), explains: RECOVERED + LOOKED_AT });
    expect(report.violations).toEqual([]);
    expect(report.acknowledged).toBe(ids.length);

    const { slots, parked, turns, looks } = limitKeys(queue);
    const raw = redis.client();
    await eventually(
      "no slot stays behind",
      async () => (await raw.exists(slots, parked, turns, looks)) === 0,
    );
  });
});
