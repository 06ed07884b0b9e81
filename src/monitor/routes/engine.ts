import type { EngineRoutes } from "../api.ts";
import { engineReport } from "../engine-report.ts";
import type { House, Rules } from "./rule.ts";

export function engineRules(house: House): Rules<EngineRoutes> {
  const { collector, config, engine, inspector } = house;
  const now = () => engine.broker.now();
  const examine = engineReport(inspector, config.runtime);
  return {
    "GET /api/engine": {
      role: "view",
      wide: true,
      handle: async () => {
        const [{ engine: state }, report] = await Promise.all([collector.fresh(), examine()]);
        return { now: now(), engine: state, ...report };
      },
    },
  };
}
