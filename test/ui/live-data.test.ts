import { expect, it } from "vitest";
import type { Operation, QueueRow, RatePoint, Snapshot } from "../../ui/src/api/types.ts";
import { applyDelta, fromSnapshot, withPoint } from "../../ui/src/live/live-data.ts";
import { engineUp, operation, overview, queueRow } from "./live-facts.ts";

const snapshot: Snapshot = {
  now: 1_000_000,
  engine: engineUp,
  overview: overview({ queues: [queueRow("low"), queueRow("high")], series: [point(999_000)] }),
  operations: [operation("1")],
};

function point(at: number): RatePoint {
  return { at, inRate: 1, outRate: 1, failureRate: 0 };
}

const names = (queues: ReadonlyMap<string, QueueRow> | undefined) => [...(queues?.keys() ?? [])];

it("keeps what a delta does not name", () => {
  const before = fromSnapshot(snapshot, null);
  const after = applyDelta(before, { now: 1_001_000, overview: {} });
  expect(after.now).toBe(1_001_000);
  expect(after.engine).toBe(before.engine);
  expect(after.overview?.queues).toBe(before.overview?.queues);
  expect(after.overview?.series).toBe(before.overview?.series);
  expect(after.operations).toBe(before.operations);
});

it("changes, adds and removes queues, and leaves those it was given as they were", () => {
  const before = fromSnapshot(snapshot, null);
  const changed = queueRow("low", { pending: 7 });
  const after = applyDelta(before, {
    now: 1_001_000,
    overview: { queues: [changed, queueRow("__proto__")], removed: ["high"] },
  });
  expect(names(after.overview?.queues)).toEqual(["low", "__proto__"]);
  expect(after.overview?.queues.get("low")).toBe(changed);
  expect(names(before.overview?.queues)).toEqual(["low", "high"]);
});

it("adds a point once, and forgets those of more than 15 minutes ago", () => {
  expect(withPoint([point(1_000)], point(1_000), 1_000)).toEqual([point(1_000)]);
  expect(withPoint([point(1_000), point(2_000)], point(902_000), 902_000)).toEqual([
    point(2_000),
    point(902_000),
  ]);
});

it("replaces operations where they stand, and adds new ones at the end", () => {
  const before = fromSnapshot({ ...snapshot, operations: [operation("1"), operation("2")] }, null);
  const changed: Operation = operation("1", { done: 5 });
  const { operations } = applyDelta(before, { now: 1, operations: [changed, operation("3")] });
  expect(operations.map(({ id, done }) => [id, done])).toEqual([
    ["1", 5],
    ["2", 0],
    ["3", 0],
  ]);
});

it("goes on showing what another set of topics does not bring", () => {
  const before = fromSnapshot(snapshot, null);
  const after = fromSnapshot({ now: 2, engine: engineUp, servers: [] }, before);
  expect(after.overview).toBe(before.overview);
  expect(after.servers).toEqual([]);
});
