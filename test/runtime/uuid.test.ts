import { describe, expect, it } from "vitest";
import { systemRuntime } from "../../src/runtime/runtime.ts";
import { timeOrderedUuid } from "../../src/runtime/uuid.ts";

const FORM = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe("a UUID that is ordered by time", () => {
  it("has the form of version 4, whatever the time", () => {
    for (const now of [0, 1, 1_700_000_000_000.75, Date.UTC(9999, 11, 31), Number.MAX_SAFE_INTEGER]) {
      expect(timeOrderedUuid(now)).toMatch(FORM);
    }
    expect(systemRuntime.uuid()).toMatch(FORM);
  });

  it("sorts behind those that were drawn a millisecond before", () => {
    const drawn = Array.from({ length: 1_000 }, (_, i) => timeOrderedUuid(1_700_000_000_000 + i * 977));
    expect([...drawn].sort()).toEqual(drawn);
  });

  it("is drawn once, also within one millisecond", () => {
    const drawn = Array.from({ length: 10_000 }, () => timeOrderedUuid(1_700_000_000_000));
    expect(new Set(drawn).size).toBe(drawn.length);
  });
});
