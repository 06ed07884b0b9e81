import type { DefinitionInfo, DefinitionRoutes } from "../api.ts";
import type { Redaction } from "../redaction.ts";
import { maySee } from "../scope.ts";
import type { House, Rules } from "./rule.ts";
import { hiddenFrom } from "./shown.ts";

export function definitionRules(house: House): Rules<DefinitionRoutes> {
  const { definitions } = house;
  return {
    "GET /api/definitions": {
      role: "view",
      handle: async ({ visitor }) => ({
        definitions: definitions.infos
          .filter(({ queue }) => maySee(visitor, queue ?? "default"))
          .map((info) => visibleDefinition(info, hiddenFrom(house, visitor))),
      }),
    },
  };
}

function visibleDefinition(info: DefinitionInfo, redaction?: Redaction): DefinitionInfo {
  const { headers } = info.options;
  if (redaction === undefined || headers === undefined) return info;
  const told = headers.map(({ name, value }) => ({ name, value: redaction.redactHeader(name, value) }));
  return { ...info, options: { ...info.options, headers: told } };
}
