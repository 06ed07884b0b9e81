import * as fc from "fast-check";
import { expect, it } from "vitest";
import { hexLines, indented, prettyJson, utf8Hex } from "../../ui/src/components/payload-text.ts";

it("lays JSON out and changes nothing of it", () => {
  fc.assert(
    fc.property(fc.json(), (json) => {
      expect(JSON.parse(indented(json))).toEqual(JSON.parse(json));
    }),
  );
});

it("lays JSON out as JSON.stringify does", () => {
  const value = { a: [1, { b: 'x{"y' }, []], c: {}, d: null };
  expect(indented(JSON.stringify(value))).toBe(JSON.stringify(value, null, 2));
});

it("keeps the digits of numbers that JavaScript cannot hold", () => {
  expect(prettyJson('{"id":12345678901234567890,"x":1e400}')?.text).toContain("12345678901234567890");
});

it("takes no text for JSON that is none, or is too deep", () => {
  expect(prettyJson("{")).toBeUndefined();
  const deep = `${"[".repeat(30_000)}${"]".repeat(30_000)}`;
  expect(indented(deep).length).toBeLessThan(10_000_000);
});

it("writes bytes as hex, with where they are and what they would be as text", () => {
  expect(hexLines(utf8Hex("TitanQueue <b>é"))).toBe(
    "000000  54 69 74 61 6e 51 75 65 75 65 20 3c 62 3e c3 a9  TitanQueue <b>··",
  );
  expect(hexLines("00")).toMatch(/^000000 {2}00 +·$/);
  expect(hexLines("00".repeat(17)).split("\n")).toHaveLength(2);
});
