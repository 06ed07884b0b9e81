import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readUtf8, safeText, utf8Length, writeUtf8 } from "../../src/protocol/utf8.ts";

const text = fc.string({ unit: "binary", maxLength: 200 });
/** Any 16-bit units, lone surrogates among them. */
const units = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 0xd7f0, max: 0xe010 })), {
    maxLength: 200,
  })
  .map((codes) => String.fromCharCode(...codes));

describe("writing and reading", () => {
  it("agrees with the platform on the bytes of any text, and reads them back", () => {
    fc.assert(
      fc.property(fc.oneof(text, units), (value) => {
        const expected = Buffer.from(value);
        const length = utf8Length(value);
        const bytes = Buffer.alloc(length + 2);
        expect(length).toBe(expected.length);
        expect(writeUtf8(bytes, 1, value, length)).toBe(length + 1);
        expect(bytes.subarray(1, length + 1)).toEqual(expected);
        expect(readUtf8(bytes, 1, length + 1)).toBe(expected.toString("utf8"));
      }),
    );
  });

  it("reads bytes exactly if they are valid UTF-8", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (value) => {
        const bytes = Buffer.from(value);
        const lenient = bytes.toString("utf8");
        const valid = Buffer.from(lenient).equals(bytes);
        expect(readUtf8(bytes, 0, bytes.length)).toBe(valid ? lenient : undefined);
      }),
    );
  });

  it.each(["eda080", "c080", "f4908080", "e282", "80", "fe"])("refuses %s", (hex) => {
    const bytes = Buffer.from(hex, "hex");
    expect(readUtf8(bytes, 0, bytes.length)).toBeUndefined();
  });

  it("keeps a byte order mark, which is a character like any other", () => {
    const bytes = Buffer.from("efbbbf61", "hex");
    expect(readUtf8(bytes, 0, 4)).toBe("\ufeffa");
  });
});

describe("safeText", () => {
  it("always gives valid UTF-8 within the limit, a prefix of the mended text, and as long as fits", () => {
    fc.assert(
      fc.property(fc.oneof(text, units), fc.nat({ max: 300 }), (value, limit) => {
        const safe = safeText(value, limit);
        const bytes = Buffer.from(safe);
        const mended = Buffer.from(value).toString("utf8");
        expect(readUtf8(bytes, 0, bytes.length)).toBe(safe);
        expect(bytes.length).toBeLessThanOrEqual(limit);
        expect(mended.startsWith(safe)).toBe(true);
        const next = String.fromCodePoint(mended.slice(safe.length).codePointAt(0) ?? 0);
        if (safe !== mended) expect(bytes.length + Buffer.byteLength(next)).toBeGreaterThan(limit);
      }),
    );
  });

  it.each([
    ["é", 1, ""],
    ["aé", 2, "a"],
    ["a🚀", 4, "a"],
    ["a🚀", 5, "a🚀"],
    ["a\ud83d", 4, "a\ufffd"],
    ["a\ud83d", 3, "a"],
  ])("cuts %j at %i bytes between characters", (value, limit, expected) => {
    expect(safeText(value, limit)).toBe(expected);
  });
});
