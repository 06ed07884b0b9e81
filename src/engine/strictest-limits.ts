import type { LimitSpec } from "../broker/limits.ts";

/** Of each limit the strictest that any server has: the lowest concurrency, and the slowest rate. */
export function strictestLimits(servers: readonly (readonly LimitSpec[])[]): LimitSpec[] {
  const byName = new Map<string, LimitSpec>();
  for (const spec of servers.flat()) {
    const other = byName.get(spec.name);
    byName.set(spec.name, other === undefined ? spec : stricter(other, spec));
  }
  return [...byName.values()];
}

function stricter(one: LimitSpec, other: LimitSpec): LimitSpec {
  const concurrency = Math.min(
    one.concurrency ?? Number.POSITIVE_INFINITY,
    other.concurrency ?? Number.POSITIVE_INFINITY,
  );
  return {
    name: one.name,
    type: one.type,
    keyed: one.keyed || other.keyed,
    concurrency: concurrency === Number.POSITIVE_INFINITY ? undefined : concurrency,
    rate: slower(one.rate, other.rate),
  };
}

function slower(one: LimitSpec["rate"], other: LimitSpec["rate"]): LimitSpec["rate"] {
  if (one === undefined || other === undefined) return one ?? other;
  const [a, b] = [one.limit / one.per, other.limit / other.per];
  if (a !== b) return a < b ? one : other;
  return one.limit < other.limit ? one : other;
}
