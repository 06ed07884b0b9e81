import type { MetricsRoutes } from "../api.ts";
import { busiestQueues, metricsReport } from "../metrics-report.ts";
import { maySee } from "../scope.ts";
import type { House, Rules } from "./rule.ts";
import { seeQueue } from "./scope.ts";
import { requireSeen } from "./shown.ts";

export function metricsRules(house: House): Rules<MetricsRoutes> {
  const { collector, engine, inspector } = house;
  const now = () => engine.broker.now();
  return {
    "GET /api/metrics": {
      role: "view",
      handle: async ({ query: { queue, ...time }, visitor }) => {
        if (queue !== undefined) {
          seeQueue(visitor, queue);
          return metricsReport(inspector, [queue], time, now());
        }
        const { engine, rows } = await collector.fresh();
        requireSeen(engine);
        const { queues, truncated } = busiestQueues(
          [...rows.values()].filter((row) => maySee(visitor, row.queue)),
        );
        return metricsReport(inspector, queues, time, now(), truncated);
      },
    },
  };
}
