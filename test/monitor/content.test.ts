import { expect, it } from "vitest";
import { previewOf } from "../../src/monitor/content.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

it("previews the beginning of a payload, on one line", () => {
  expect(previewOf(bytes('{"a":\n   1}'))).toBe('{"a": 1}');
  expect(previewOf(bytes("x".repeat(1_000)))).toBe("x".repeat(200));
  expect(previewOf(undefined)).toBeNull();
  expect(previewOf(bytes(""))).toBeNull();
});

it("reads no more of a payload than a row shows, and cuts no character in two", () => {
  for (const before of ["", "a", "ab", "abc"]) {
    const text = `${before}${"€".repeat(5_000)}`;
    expect(previewOf(new Uint8Array([...bytes(text), 0xff]))).toBe(text.slice(0, 200));
  }
});

it("previews what is no text by its bytes", () => {
  expect(previewOf(new Uint8Array([0xff, 0x00, 0x7f]))).toBe("ff007f");
  expect(previewOf(new Uint8Array(5_000).fill(0xff))).toBe("f".repeat(200));
});
