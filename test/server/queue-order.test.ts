import { describe, expect, it } from "vitest";
import { QueueOrder } from "../../src/server/queue-order.ts";
import { fakeRuntime } from "../support/fake-runtime.ts";

function order(queues: Record<string, number>, strict = false, seed = 7): QueueOrder {
  const all = new QueueOrder({
    queues: new Map(Object.entries(queues)),
    strict,
    random: fakeRuntime({ seed }).random,
  });
  for (const queue of Object.keys(queues)) all.add(queue);
  return all;
}

function dealt(all: QueueOrder, slots: number): Record<string, number> {
  const shares: Record<string, number> = {};
  all.deal(slots, (queue, share) => {
    shares[queue] = (shares[queue] ?? 0) + share;
  });
  return shares;
}

function totals(all: QueueOrder, slots: number, rounds: number): Record<string, number> {
  const sums: Record<string, number> = {};
  for (let i = 0; i < rounds; i++) {
    for (const [queue, share] of Object.entries(dealt(all, slots))) sums[queue] = (sums[queue] ?? 0) + share;
  }
  return sums;
}

describe("QueueOrder", () => {
  it("gives every slot away, and each queue its share to within one", () => {
    const all = order({ critical: 6, default: 3, low: 1 });
    for (let slots = 1; slots <= 200; slots++) {
      const { critical = 0, default: normal = 0, low = 0 } = dealt(all, slots);
      expect(critical + normal + low).toBe(slots);
      expect(Math.abs(critical - slots * 0.6)).toBeLessThan(1);
      expect(Math.abs(normal - slots * 0.3)).toBeLessThan(1);
      expect(Math.abs(low - slots * 0.1)).toBeLessThan(1);
    }
  });

  it.each([1, 2, 7])("is right on average when %i slots are dealt at a time", (slots) => {
    const rounds = 20_000;
    const sums = totals(order({ critical: 6, default: 3, low: 1 }), slots, rounds);
    expect(sums["critical"]! / (slots * rounds)).toBeCloseTo(0.6, 1.7);
    expect(sums["default"]! / (slots * rounds)).toBeCloseTo(0.3, 1.7);
    expect(sums["low"]! / (slots * rounds)).toBeCloseTo(0.1, 1.7);
  });

  it("deals only to queues that may have work", () => {
    const all = order({ critical: 6, default: 3, low: 1 });
    all.remove("critical");
    const sums = totals(all, 1, 10_000);
    expect(sums["critical"]).toBeUndefined();
    expect(sums["default"]! / 10_000).toBeCloseTo(0.75, 1.7);
    all.remove("default");
    all.remove("low");
    expect(dealt(all, 5)).toEqual({});
    all.add("low");
    expect(dealt(all, 5)).toEqual({ low: 5 });
  });

  it("serves strictly the greatest weight that may have work, and shares among equals", () => {
    const all = order({ high: 9, alsoHigh: 9, low: 1 }, true);
    expect(dealt(all, 10)).toEqual({ high: 5, alsoHigh: 5 });
    all.remove("high");
    expect(dealt(all, 10)).toEqual({ alsoHigh: 10 });
    all.remove("alsoHigh");
    expect(dealt(all, 10)).toEqual({ low: 10 });
    all.add("high");
    expect(dealt(all, 10)).toEqual({ high: 10 });
  });

  it("deals nothing when no slot is free", () => {
    expect(dealt(order({ a: 1, b: 1 }), 0)).toEqual({});
  });

  it("lets whoever takes change the set", () => {
    const all = order({ a: 1, b: 1, c: 1 });
    const seen: string[] = [];
    all.deal(9, (queue) => {
      seen.push(queue);
      all.remove(queue);
    });
    expect(seen).toEqual(["a", "b", "c"]);
  });
});
