import type { Inspection, TaskState } from "../broker/inspection.ts";
import { requireKnownNames } from "../suggestion.ts";
import { requireNonBlank } from "../task-options.ts";
import { matcher } from "./matcher.ts";
import type { BulkOptions } from "./progress.ts";
import { parts, scopeOf } from "./scope.ts";
import { requireState } from "./states.ts";

export type CountOptions = Pick<BulkOptions, "signal" | "onProgress">;

/** How many tasks of each type are in a state. One that cannot be read counts under the empty name. */
export async function countByType(
  door: Inspection,
  queue: string,
  state: TaskState,
  options: CountOptions,
): Promise<Record<string, number>> {
  requireKnownNames("countByType", options, ["signal", "onProgress"]);
  const where = { queues: [requireNonBlank("queue", queue)], states: [requireState(state)] };
  const everything = matcher({ terms: [] }, 0);
  const scope = await scopeOf(door, where, everything);
  const counts = new Map<string, number>();
  let done = 0;
  for await (const { tasks } of parts(door, scope, everything, undefined)) {
    options.signal?.throwIfAborted();
    for (const { message } of tasks) {
      const type = message?.type ?? "";
      counts.set(type, (counts.get(type) ?? 0) + 1);
    }
    done += tasks.length;
    options.onProgress?.({ done: Math.min(done, scope.total), total: scope.total });
  }
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}
