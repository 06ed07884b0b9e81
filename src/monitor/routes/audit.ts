import type { AuditRoutes } from "../api.ts";
import type { House, Rules } from "./rule.ts";

export function auditRules(house: House): Rules<AuditRoutes> {
  const { audit } = house;
  return {
    "GET /api/audit": { role: "admin", wide: true, handle: async () => ({ lines: audit.lines }) },
  };
}
