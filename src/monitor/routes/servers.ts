import type { ServerRoutes } from "../api.ts";
import { visibleServers } from "../server-cards.ts";
import type { House, Rules } from "./rule.ts";
import { noPermission, requireSeen } from "./shown.ts";

export function serverRules(house: House): Rules<ServerRoutes> {
  const { collector } = house;
  return {
    "GET /api/servers": {
      role: "view",
      handle: async ({ visitor }) => {
        const sight = await collector.fresh();
        requireSeen(sight.engine);
        if (sight.servers === null) throw noPermission();
        return { now: sight.now, servers: visibleServers(sight.servers, visitor) };
      },
    },
  };
}
