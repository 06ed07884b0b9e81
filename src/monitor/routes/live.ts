import type { LiveRoutes } from "../api.ts";
import { readTopics } from "../live.ts";
import type { House, Rules } from "./rule.ts";

export function liveRules(house: House): Rules<LiveRoutes> {
  const { live } = house;
  return {
    "GET /api/live": {
      role: "view",
      handle: async ({ query, visitor, request, recheck }) => {
        const lastEventId = request.headers.get("last-event-id");
        const stream = live.open({ topics: readTopics(query.topics), visitor, lastEventId, recheck });
        return new Response(stream, {
          headers: {
            "content-type": "text/event-stream; charset=utf-8",
            // Proxies that collect a response before they pass it on would hold events back.
            "x-accel-buffering": "no",
            "cache-control": "no-store, no-transform",
          },
        });
      },
    },
    "GET /api/snapshot": {
      role: "view",
      handle: ({ query, visitor }) => live.snapshot(readTopics(query.topics), visitor),
    },
  };
}
