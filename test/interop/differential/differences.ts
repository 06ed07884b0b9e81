import type { Difference } from "../../engine/redis/golden-allowances.ts";
import { ANSWERED } from "./answered.ts";
import { COMPOSED } from "./composed.ts";
import { DEFECTS } from "./defects.ts";
import { STORED } from "./stored.ts";
import { TICKED } from "./ticked.ts";

/** Everything in which TitanQueue may differ from asynq, once each: `docs/differences.md`. */
export const DIFFERENCES: readonly Difference[] = [
  ...new Map(
    [...STORED, ...ANSWERED, ...TICKED, ...COMPOSED, ...DEFECTS].map((difference) => [
      difference.rule,
      difference,
    ]),
  ).values(),
];
