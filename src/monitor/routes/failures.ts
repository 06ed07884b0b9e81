import type { FailureRoutes } from "../api.ts";
import { listFailures } from "../failures.ts";
import type { House, Rules } from "./rule.ts";
import { queuesOf } from "./scope.ts";
import { rowOf } from "./shown.ts";

export function failureRules(house: House): Rules<FailureRoutes> {
  const { engine, inspector } = house;
  const now = () => engine.broker.now();
  return {
    "GET /api/failures": {
      role: "view",
      handle: async ({ query, visitor }) => {
        const wanted = query.queue === undefined ? undefined : [query.queue];
        const queues = (await queuesOf(house, visitor, wanted)) ?? (await inspector.queues());
        // Says why it cannot be read; of all queues, such a one is left out.
        if (query.queue !== undefined) await inspector.getQueueInfo(query.queue);
        return listFailures(inspector, queues, now(), (task) => rowOf(house, task, visitor));
      },
    },
  };
}
