import type { DefinitionRoutes } from "../api.ts";
import { maySee } from "../scope.ts";
import type { House, Rules } from "./rule.ts";

export function definitionRules(house: House): Rules<DefinitionRoutes> {
  const { definitions } = house;
  return {
    "GET /api/definitions": {
      role: "view",
      handle: async ({ visitor }) => ({
        definitions: definitions.infos.filter(({ queue }) => maySee(visitor, queue ?? "default")),
      }),
    },
  };
}
