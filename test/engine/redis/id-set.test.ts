import { expect, it } from "vitest";
import { IdSet } from "../../../src/engine/redis/id-set.ts";

it("remembers ids, however many, and knows no others", () => {
  const ids = Array.from({ length: 20_000 }, (_, n) => Buffer.from(`0192f0c1-aaaa-4bbb-8ccc-${n}`));
  const set = new IdSet();
  for (const id of ids) expect(set.add(id)).toBe(true);
  for (const id of ids) expect(set.add(id)).toBe(false);
  for (const id of ids) expect(set.has(id)).toBe(true);
  for (let n = 20_000; n < 40_000; n += 1)
    expect(set.has(Buffer.from(`0192f0c1-aaaa-4bbb-8ccc-${n}`))).toBe(false);
  expect(set.has(Buffer.alloc(0))).toBe(false);
});
