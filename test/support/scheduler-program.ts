import type { ScheduleStore } from "../../src/broker/schedule-store.ts";
import { createRedisEngine } from "../../src/engine/redis/redis-engine.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { Scheduler } from "../../src/scheduler/scheduler.ts";
import { Task } from "../../src/task.ts";
import { overriding } from "./worker-gates.ts";

/**
 * A scheduler in a process of its own with one entry, due every second. It says `ready`, and holds at its first tick for
 * good: `before-store` or `after-store`; with another word it goes on. Arguments: URL, queue, moment.
 */

const [url = "", queue = "", moment = ""] = process.argv.slice(2);

async function pass(here: string): Promise<void> {
  if (here !== moment) return;
  process.stdout.write(`held ${here}\n`);
  await new Promise(() => undefined);
}

const engine = createRedisEngine(url, { logger: silentLogger });
const { schedules } = engine;
const enqueueTick: ScheduleStore["enqueueTick"] = async (tick) => {
  await pass("before-store");
  const answer = await schedules.enqueueTick(tick);
  if (answer.status === "used") await pass("after-store");
  return answer;
};

const scheduler = new Scheduler(overriding(engine, { schedules: overriding(schedules, { enqueueTick }) }), {
  missed: { backfill: 1_000 },
  logger: silentLogger,
});
await scheduler.register("@every 1s", new Task("tick"), { id: "every-second", options: { queue } });
await scheduler.start();
process.stdout.write("ready\n");
