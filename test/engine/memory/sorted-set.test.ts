import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Scored, SortedSet } from "../../../src/engine/memory/sorted-set.ts";

const members = fc
  .uniqueArray(fc.record({ id: fc.string({ maxLength: 3 }), score: fc.integer({ min: -5, max: 5 }) }), {
    selector: ({ id }) => id,
    maxLength: 60,
  })
  .chain((all) => fc.tuple(fc.constant(all), fc.subarray(all)));

describe("a sorted set", () => {
  it("holds what was added and not deleted, by score, then id", () => {
    fc.assert(
      fc.property(members, fc.nat(70), fc.nat(70), ([added, deleted], from, count) => {
        const set = new SortedSet<Scored>();
        for (const member of added) set.add(member);
        for (const member of deleted) expect(set.delete(member)).toBe(true);
        for (const member of deleted) expect(set.delete(member)).toBe(false);

        const expected = added.filter((member) => !deleted.includes(member)).sort(inOrder);
        expect(set.size).toBe(expected.length);
        expect(set.first()).toBe(expected[0]);
        expect(set.last()).toBe(expected.at(-1));
        expect(set.slice(from, count)).toEqual(expected.slice(from, from + count));
      }),
    );
  });

  it("stays in order over many thousands, added and deleted in any order", () => {
    const all = Array.from({ length: 20_000 }, (_, i) => ({ id: `${i}`, score: (i * 7_919) % 20_011 }));
    const set = new SortedSet<Scored>();
    for (const member of all) set.add(member);
    expect(set.slice(0, all.length)).toEqual([...all].sort(inOrder));
    expect(set.slice(10_000, 3)).toEqual([...all].sort(inOrder).slice(10_000, 10_003));

    const left = all.filter((_, i) => i % 3 === 0);
    for (const [i, member] of all.entries()) if (i % 3 !== 0) set.delete(member);
    expect(set.slice(0, all.length)).toEqual([...left].sort(inOrder));
    for (const member of left) expect(set.delete(member)).toBe(true);
    expect([set.size, set.first(), set.last(), set.slice(0, 1)]).toEqual([0, undefined, undefined, []]);
  });
});

function inOrder(a: Scored, b: Scored): number {
  return a.score - b.score || (a.id < b.id ? -1 : 1);
}
