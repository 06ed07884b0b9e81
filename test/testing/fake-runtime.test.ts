import { describe, expect, it } from "vitest";
import { fakeRuntime } from "../../src/testing/fake-runtime.ts";

describe("fakeRuntime", () => {
  it("repeats chance and ids for a seed, and differs between seeds", () => {
    const [one, same, other] = [fakeRuntime({ seed: 7 }), fakeRuntime({ seed: 7 }), fakeRuntime({ seed: 8 })];
    const draw = (runtime: typeof one) => [runtime.random(), runtime.uuid()];
    const first = draw(one);
    expect(draw(same)).toEqual(first);
    expect(draw(other)).not.toEqual(first);
  });

  it("makes ids that are UUIDs v4", () => {
    expect(fakeRuntime().uuid()).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
  });
});
