import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { TICK_HEADER } from "../../src/tick-header.ts";
import { redisForFile } from "../support/redis-rig.ts";
import { type RunningProgram, runProgram } from "../support/running-program.ts";
import { benchForFile, freshQueue } from "./bench.ts";
import { eventually } from "./eventually.ts";

/** What the death of a scheduler costs: docs/protocol.md 18.5. */

const redis = await redisForFile();
const bench = benchForFile();
const program = fileURLToPath(new URL("../support/scheduler-program.ts", import.meta.url));

function arena() {
  const queue = freshQueue();
  const inspector = bench.inspector(redis.url);
  return {
    scheduler: (moment = "go-on") =>
      runProgram(["--import", "tsx", program, redis.url, queue, moment], { cwd: process.cwd() }),
    /** In seconds since the epoch, sorted. */
    ticks: async () => {
      const tasks = await inspector.listTasks(queue, "pending", { pageSize: 1_000 });
      return tasks.map(({ headers }) => Date.parse(headers[TICK_HEADER] ?? "") / 1_000).sort((a, b) => a - b);
    },
  };
}

async function kill({ child }: RunningProgram): Promise<void> {
  child.kill("SIGKILL");
  await once(child, "close");
}

/** As many, one a second, from the first on. */
function unbroken([first = 0, ...others]: readonly number[]): number[] {
  return [first, ...others.map((_, i) => first + i + 1)];
}

describe.each([
  ["before its task is stored", "before-store"],
  ["when its task is stored, before anybody is told", "after-store"],
])("a scheduler is killed at a tick, %s", (_, moment) => {
  it("and the other one beside it loses no tick, and enqueues none twice", async () => {
    const { scheduler, ticks } = arena();
    const survivor = scheduler();
    await survivor.line("ready");
    await eventually("it schedules", async () => (await ticks().catch(() => [])).length > 0);
    // Or it might be quicker at every tick.
    survivor.child.kill("SIGSTOP");
    const doomed = scheduler(moment);
    await doomed.line(`held ${moment}`);
    await kill(doomed);
    survivor.child.kill("SIGCONT");

    const before = (await ticks()).length;
    await eventually("three more ticks", async () => (await ticks()).length >= before + 3);
    await kill(survivor);
    const found = await ticks();
    expect(found).toEqual(unbroken(found));
  });

  it("and the next one makes up for what was missed, and enqueues no tick twice", async () => {
    const { scheduler, ticks } = arena();
    const first = scheduler();
    await eventually("it schedules", async () => (await ticks().catch(() => [])).length > 0);
    await kill(first);
    const doomed = scheduler(moment);
    await doomed.line(`held ${moment}`);
    await kill(doomed);

    const before = (await ticks()).length;
    const heir = scheduler();
    await eventually("it has caught up", async () => (await ticks()).length >= before + 3);
    await kill(heir);
    const found = await ticks();
    expect(found).toEqual(unbroken(found));
  });
});
