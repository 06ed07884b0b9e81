import type { Broker } from "../../src/broker/broker.ts";
import { createRedisEngine } from "../../src/engine/redis/redis-engine.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { Server } from "../../src/server/server.ts";
import { Task } from "../../src/task.ts";
import { SHORT_LEASE, SHORT_TIMINGS } from "./short-timings.ts";
import { overriding } from "./worker-gates.ts";

/**
 * A server in a process of its own that aggregates groups, runs nothing, and holds at one moment of it until it is killed:
 * `after-cut`, `before-commit` or `after-commit`. Arguments: URL, queue, moment.
 */

const [url = "", queue = "", moment = ""] = process.argv.slice(2);

async function pass(here: string): Promise<void> {
  if (here !== moment) return;
  process.stdout.write(`held ${here}\n`);
  await new Promise(() => undefined);
}

const engine = createRedisEngine(url, { logger: silentLogger }, { timings: SHORT_LEASE });
const { broker } = engine;
const createAggregationSet: Broker["createAggregationSet"] = async (...call) => {
  const made = await broker.createAggregationSet(...call);
  if (made !== undefined) await pass("after-cut");
  return made;
};
const commitAggregation: Broker["commitAggregation"] = async (commit) => {
  await pass("before-commit");
  const answer = await broker.commitAggregation(commit);
  await pass("after-commit");
  return answer;
};

const server = new Server(
  overriding(engine, { broker: overriding(broker, { createAggregationSet, commitAggregation }) }),
  {
    queues: { [queue]: 1 },
    groupGracePeriod: "1s",
    groupAggregator: (_, tasks) =>
      new Task(
        "sum",
        tasks.map(({ payload }) => payload),
      ),
    logger: silentLogger,
  },
  { timings: SHORT_TIMINGS },
);
await server.start(() => undefined);
server.stop();
