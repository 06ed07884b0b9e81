import { describe, expect, it } from "vitest";
import { safe, safeJson } from "../../src/cli/safe-text.ts";

const DANGEROUS = [
  ["a title", "\x1b]0;owned\x07", "\\x1b]0;owned\\x07"],
  ["a cleared screen", "\x1b[2J", "\\x1b[2J"],
  ["a link", "\x1b]8;;http://evil\x1b\\", "\\x1b]8;;http://evil\\x1b\\"],
  ["the clipboard", "\x1b]52;c;aGk=\x07", "\\x1b]52;c;aGk=\\x07"],
  ["an 8-bit escape", "\x9b2J", "\\x9b2J"],
  ["an overwritten line", "good\rbad\n", "good\\x0dbad\\x0a"],
  ["marks of direction", "a\u202eb\u2066c\u200ed\u061c", "a\\u202eb\\u2066c\\u200ed\\u061c"],
  ["lines that are none", "a\u2028b\u2029c", "a\\u2028b\\u2029c"],
  ["what has no width", "a\u200bb\ufeffc\u2060", "a\\u200bb\\ufeffc\\u2060"],
  ["half a pair", "a\ud800b", "a\\ud800b"],
  ["a deleted character", "a\x7f", "a\\x7f"],
] as const;

describe("text of others", () => {
  it.each(DANGEROUS)("shows %s, and does not do it", (_, text, shown) => {
    expect(safe(text)).toBe(shown);
  });

  it.each(DANGEROUS)(
    "means the same as JSON with %s, without a character that a terminal obeys",
    (_, text) => {
      const json = safeJson({ text });
      expect(safe(json)).toBe(json);
      expect(JSON.parse(json)).toEqual({ text });
    },
  );

  it("leaves letters, signs and pictures as they are", () => {
    const text = 'Größe 漢字 🚀 👩‍👩‍👧 é "\\" ✓';
    expect(safe(text)).toBe(text);
    expect(safeJson([text])).toBe(JSON.stringify([text]));
  });
});
