import { describe, expect, it } from "vitest";
import { LeaseScores } from "../../../src/engine/redis/lease-token.ts";

const PARTS = 2 ** 20;
const NOW = 1_700_000_000_500;

/** The token of a score, exactly: the fraction of a double of this size has room for it. */
const tokenOf = (score: string) => (Number(score) % 1) * PARTS;

describe("the scores of new leases", () => {
  it("end a lease's length after now, rounded up", () => {
    expect(Math.floor(Number(new LeaseScores(() => 0).next(NOW, 30)))).toBe(1_700_000_031);
  });

  it("carry tokens from 1 to 2^20 - 2, the largest being the sweep's, and come round only after all of them", () => {
    for (const random of [0, 0.5, 1 - Number.EPSILON]) {
      const scores = new LeaseScores(() => random);
      const seen = new Set<number>();
      for (let i = 0; i < PARTS - 2; i += 1) seen.add(tokenOf(scores.next(NOW, 30)));
      expect(seen.size).toBe(PARTS - 2);
      expect(seen.has(0) || seen.has(PARTS - 1)).toBe(false);
      for (const edge of [1, PARTS - 2]) expect(seen.has(edge)).toBe(true);
    }
  });

  it("go on elsewhere after a restart", () => {
    const chances = [0, 0.5];
    const scores = new LeaseScores(() => chances.shift() ?? 0);
    const before = tokenOf(scores.next(NOW, 30));
    scores.restart();
    expect(tokenOf(scores.next(NOW, 30)) - before).toBeGreaterThan(PARTS / 4);
  });
});
