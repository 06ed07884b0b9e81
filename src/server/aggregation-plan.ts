import type { AggregationRules } from "../broker/aggregation.ts";
import { InvalidOptionError } from "../errors.ts";
import type { Aggregator } from "./aggregate.ts";

/** Which groups a server aggregates, when, and by which aggregator. */
export class AggregationPlan {
  readonly #aggregators: readonly Aggregator[];
  /** By the beginning of a group's name, the longest first. */
  readonly #rules: readonly (readonly [groups: string, rules: AggregationRules])[];

  /**
   * @param aggregators - the first that takes a group's tasks of one type gets them
   * @param defaults - for what an aggregator leaves open
   * @throws InvalidOptionError two of the same groups would aggregate them at different times, or the second in vain.
   */
  constructor(aggregators: readonly Aggregator[], defaults: AggregationRules) {
    const rules = new Map<string, AggregationRules>();
    const taken = new Set<string>();
    for (const { groups, definition, rules: own } of aggregators) {
      const merged = { ...defaults, ...own };
      const others = rules.get(groups);
      if (others !== undefined && !isSame(others, merged)) {
        throw new InvalidOptionError(
          "aggregators",
          `those of the groups "${groups}…" must agree on gracePeriod, maxDelay and maxSize`,
        );
      }
      const what = `${definition?.type ?? ""} ${groups}`;
      if (taken.has(what)) {
        throw new InvalidOptionError(
          "aggregators",
          `two take "${definition?.type}" of the groups "${groups}…"`,
        );
      }
      taken.add(what);
      rules.set(groups, merged);
    }
    this.#aggregators = [...aggregators].sort((a, b) => rank(b) - rank(a));
    this.#rules = [...rules].sort(([a], [b]) => b.length - a.length);
  }

  /** When that group is to be aggregated; `undefined`: by other servers, if at all. */
  rulesFor(group: string): AggregationRules | undefined {
    return this.#rules.find(([groups]) => group.startsWith(groups))?.[1];
  }

  /** Who takes tasks of that type out of that group. */
  aggregatorFor(group: string, type: string): Aggregator | undefined {
    return this.#aggregators.find(
      ({ groups, definition }) =>
        group.startsWith(groups) && (definition === undefined || definition.type === type),
    );
  }
}

/** Definitions before who takes everything, and of those whoever names the group more closely. */
function rank({ definition, groups }: Aggregator): number {
  return definition === undefined ? -1 : groups.length;
}

function isSame(a: AggregationRules, b: AggregationRules): boolean {
  return a.gracePeriod === b.gracePeriod && a.maxDelay === b.maxDelay && a.maxSize === b.maxSize;
}
