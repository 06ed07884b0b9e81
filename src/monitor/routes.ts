import { auditRules } from "./routes/audit.ts";
import { changeRules } from "./routes/changes.ts";
import { definitionRules } from "./routes/definitions.ts";
import { engineRules } from "./routes/engine.ts";
import { failureRules } from "./routes/failures.ts";
import { groupRules } from "./routes/groups.ts";
import { liveRules } from "./routes/live.ts";
import { metricsRules } from "./routes/metrics.ts";
import { operationRules } from "./routes/operations.ts";
import { queueRules } from "./routes/queues.ts";
import type { House, Rules } from "./routes/rule.ts";
import { schedulerRules } from "./routes/schedulers.ts";
import { serverRules } from "./routes/servers.ts";
import { serviceRules } from "./routes/service.ts";
import { taskRules } from "./routes/tasks.ts";

/** Every route: which role it takes, and what answers it. */
export function routeRules(house: House): Rules {
  return {
    ...serviceRules(house),
    ...liveRules(house),
    ...queueRules(house),
    ...groupRules(house),
    ...taskRules(house),
    ...changeRules(house),
    ...definitionRules(house),
    ...operationRules(house),
    ...serverRules(house),
    ...schedulerRules(house),
    ...metricsRules(house),
    ...failureRules(house),
    ...engineRules(house),
    ...auditRules(house),
  };
}
