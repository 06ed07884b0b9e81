import type { GroupRoutes } from "../api.ts";
import type { House, Rules } from "./rule.ts";
import { queueOf } from "./scope.ts";

export function groupRules(house: House): Rules<GroupRoutes> {
  const { inspector } = house;
  return {
    "GET /api/queues/{queue}/groups": {
      role: "view",
      handle: async (call) => ({ groups: await inspector.groups(queueOf(call)) }),
    },
  };
}
