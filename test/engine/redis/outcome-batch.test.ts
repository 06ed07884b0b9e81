import { describe, expect, it } from "vitest";
import type { Outcome } from "../../../src/broker/broker.ts";
import { Lease, leasedAs } from "../../../src/engine/redis/lease-token.ts";
import { cutOutcomes } from "../../../src/engine/redis/outcome-batch.ts";
import { queueKeys } from "../../../src/protocol/keys.ts";
import { archive, done, message } from "../../contract/tasks.ts";

const names = queueKeys("default");
const attempt = (order: number, score = "1.5", payload?: Buffer) =>
  leasedAs(message("default", payload && { payload }), new Lease(score, order, Buffer.alloc(0)));

describe("cutting outcomes into calls", () => {
  it("makes one call of none, which may still lease", () => {
    const [batch, ...others] = cutOutcomes(names, []);
    expect(batch?.args).toEqual({ kinds: "", runs: 0, proven: 0, outcomes: [] });
    expect(others).toEqual([]);
  });

  it("sends at most 500 at once", () => {
    const outcomes = Array.from({ length: 1_001 }, (_, i) => ({ leased: attempt(i), settlement: done }));
    expect(cutOutcomes(names, outcomes).map(({ outcomes }) => outcomes.length)).toEqual([500, 500, 1]);
  });

  it("sends at most 1 MB at once, but always one", () => {
    const sizes = [400_000, 600_000, 100_000, 3_000_000, 10];
    const outcomes = sizes.map((size, i): Outcome => {
      const leased = attempt(i, "1.5", Buffer.alloc(size));
      return { leased, settlement: archive(leased) };
    });
    expect(cutOutcomes(names, outcomes).map(({ outcomes }) => outcomes.length)).toEqual([2, 1, 1, 1]);
  });

  it("sends them in the order of their leasing, with each score once, and remembers their positions", () => {
    const outcomes = [attempt(3, "2.5"), attempt(1, "1.5"), attempt(2, "1.5")].map((leased) => ({
      leased,
      settlement: done,
    }));
    const [batch] = cutOutcomes(names, outcomes);
    expect(batch?.outcomes.map(({ position }) => position)).toEqual([1, 2, 0]);
    expect(batch?.args).toEqual({ kinds: "ddd", runs: 2, proven: 0, outcomes: ["1.5", 2, "2.5", 1] });
  });
});
