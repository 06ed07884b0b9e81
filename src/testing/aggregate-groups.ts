import type { Broker } from "../broker/broker.ts";
import type { MemoryStore } from "../engine/memory/store.ts";
import { InvalidOptionError } from "../errors.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { type Aggregated, GroupAggregation } from "../server/group-aggregation.ts";
import type { ServerConfig } from "../server/server-options.ts";
import { requireKnownNames } from "../suggestion.ts";
import { queuesIn } from "./store-view.ts";

export interface AggregateGroupsOptions {
  /** Only groups of this queue. @defaultValue every queue */
  queue?: string | undefined;
  /** Only the group of this name. @defaultValue every group */
  group?: string | undefined;
}

export interface AggregateTools {
  readonly store: MemoryStore;
  readonly broker: Broker;
  readonly config: ServerConfig;
  readonly runtime: Runtime;
  readonly logger: Logger;
}

/** Aggregates groups with the server's own part, as if the grace period of each had just passed. */
export async function aggregateGroups(
  options: AggregateGroupsOptions,
  { store, broker, config, runtime, logger }: AggregateTools,
): Promise<Aggregated[]> {
  requireKnownNames("aggregate", options, ["queue", "group"]);
  const { aggregation: plan, errorHandler } = config;
  if (plan === undefined) {
    throw new InvalidOptionError(
      "server",
      "nothing can be aggregated without an aggregator: testQueue({ server: { aggregators } })",
    );
  }
  const ask = <T>(call: () => Promise<T>) => call();
  const aggregation = new GroupAggregation({ broker, plan, ask, errorHandler, runtime, logger });
  const { signal } = new AbortController();
  const all: Aggregated[] = [];
  for (const { name, groups } of queuesIn(store, options.queue)) {
    for (const group of [...groups.keys()]) {
      const rules = plan.rulesFor(group);
      if (rules === undefined || (options.group ?? group) !== group) continue;
      for (let more = true; more; ) {
        const aggregated = await aggregation.run(name, group, { ...rules, gracePeriod: 0 }, signal);
        if (aggregated !== undefined) all.push(aggregated);
        more = aggregated !== undefined;
      }
    }
  }
  return all;
}
