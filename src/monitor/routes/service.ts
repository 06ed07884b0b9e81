import { VERSION } from "../../version.ts";
import type { ServiceRoutes } from "../api.ts";
import { CONTENT_LIMIT } from "../content.ts";
import { expositionOf } from "../exposition.ts";
import { openapi } from "../openapi.ts";
import { maySee } from "../scope.ts";
import type { House, Rules } from "./rule.ts";

export function serviceRules(house: House): Rules<ServiceRoutes> {
  const { collector, config, csrf, engine, inspector } = house;
  const now = () => engine.broker.now();
  return {
    "GET /healthz": {
      role: null,
      handle: async () => {
        const ok = (await collector.fresh()).engine.status === "up";
        return ok ? { ok } : Response.json({ ok }, { status: 503 });
      },
    },
    "GET /metrics": {
      role: "view",
      handle: ({ query, visitor }) =>
        expositionOf(inspector, query.names ?? "titanqueue", (queue) => maySee(visitor, queue)),
    },
    "GET /api/openapi.json": { role: "view", handle: async () => openapi() },
    "GET /api/session": {
      role: "view",
      handle: async ({ visitor }) => ({
        user: visitor.user,
        role: visitor.role,
        readOnly: config.readOnly,
        queues: visitor.queues && [...visitor.queues],
        csrf: csrf.tokenOf(visitor),
        version: VERSION,
        engine: (await collector.fresh()).engine,
        now: now(),
        redactedKeys: visitor.role === "view" ? [...config.redactedKeys] : [],
        contentLimit: CONTENT_LIMIT,
      }),
    },
  };
}
