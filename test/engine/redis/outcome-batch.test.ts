import { describe, expect, it } from "vitest";
import type { Outcome } from "../../../src/broker/broker.ts";
import { Lease, leasedAs } from "../../../src/engine/redis/lease-token.ts";
import { cutOutcomes, inOrderOfLeasing, restoring } from "../../../src/engine/redis/outcome-batch.ts";
import { queueKeys } from "../../../src/protocol/keys.ts";
import { archive, complete, done, message, requeue } from "../../contract/tasks.ts";

const names = queueKeys("default");
const cut = (outcomes: readonly Outcome[]) => cutOutcomes(names, inOrderOfLeasing(outcomes));
const sizes = (outcomes: readonly Outcome[]) => cut(outcomes).map(({ outcomes }) => outcomes.length);
const attempt = (order: number, score = "1.5", payload?: Buffer) =>
  leasedAs(message("default", payload && { payload }), new Lease(score, order, Buffer.alloc(0)));

describe("cutting outcomes into calls", () => {
  it("makes one call of none, which may still lease", () => {
    const [batch, ...others] = cut([]);
    expect(batch?.args).toEqual({ kinds: "", runs: 0, proven: 0, outcomes: [] });
    expect(others).toEqual([]);
  });

  it("sends at most 500 at once", () => {
    const outcomes = Array.from({ length: 1_001 }, (_, i) => ({ leased: attempt(i), settlement: done }));
    expect(sizes(outcomes)).toEqual([500, 500, 1]);
  });

  it("sends at most 1 MB at once, but always one", () => {
    const payloads = [400_000, 600_000, 100_000, 3_000_000, 10];
    const outcomes = payloads.map((size, i): Outcome => {
      const leased = attempt(i, "1.5", Buffer.alloc(size));
      return { leased, settlement: archive(leased) };
    });
    expect(sizes(outcomes)).toEqual([2, 1, 1, 1]);
  });

  it("counts all that travels, not payloads alone", () => {
    const large = Buffer.alloc(400_000);
    const headers = new Map([["trace", "x".repeat(400_000)]]);
    const outcomes = Array.from({ length: 3 }, (_, i): Outcome => {
      const leased = attempt(i);
      const message = { ...leased.message, headers };
      return { leased: { ...leased, message }, settlement: archive({ message }) };
    });
    expect(sizes(outcomes)).toEqual([2, 1]);
    const results = outcomes.map(({ leased }): Outcome => {
      return { leased, settlement: complete(attempt(0), 0, large) };
    });
    expect(sizes(results)).toEqual([2, 1]);
    const restores = inOrderOfLeasing(outcomes.map(({ leased }) => ({ leased, settlement: requeue })));
    expect(cutOutcomes(names, restores).map(({ outcomes }) => outcomes.length)).toEqual([3]);
    const cuts = cutOutcomes(names, restores.map(restoring), true);
    expect(cuts.map(({ outcomes }) => outcomes.length)).toEqual([2, 1]);
  });

  it("sends them in the order of their leasing, with each score once, and remembers their positions", () => {
    const outcomes = [attempt(3, "2.5"), attempt(1, "1.5"), attempt(2, "1.5")].map((leased) => ({
      leased,
      settlement: done,
    }));
    const [batch] = cut(outcomes);
    expect(batch?.outcomes.map(({ position }) => position)).toEqual([1, 2, 0]);
    expect(batch?.args).toEqual({ kinds: "ddd", runs: 2, proven: 0, outcomes: ["1.5", 2, "2.5", 1] });
  });
});
