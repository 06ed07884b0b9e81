/**
 * Text as the wire wants it: valid UTF-8, always. A Go peer refuses a whole message for one bad byte in it, so text
 * is checked when it comes in and mended when it goes out.
 */

import { isUtf8 } from "node:buffer";

/** Up to here a loop over the characters beats the call into native code. */
const SHORT = 24;
const LONG = 4_096;

/** UTF-8 bytes of `text`; a lone surrogate counts as the U+FFFD that is written for it. */
export function utf8Length(text: string): number {
  return text.length === 0 ? 0 : Buffer.byteLength(text);
}

/** Writes `text`, whose {@link utf8Length} is `length`, and answers the position after it. */
export function writeUtf8(to: Buffer, at: number, text: string, length: number): number {
  if (length !== text.length) to.write(text, at, length, "utf8");
  else if (length > SHORT) to.write(text, at, length, "latin1");
  else for (let i = 0; i < length; i++) to[at + i] = text.charCodeAt(i);
  return at + length;
}

/** The text in `bytes[from, to)`, or `undefined` where that is not valid UTF-8. */
export function readUtf8(bytes: Buffer, from: number, to: number): string | undefined {
  if (from === to) return "";
  // Looking first is cheaper than reading megabytes of noise, and dearer than reading a name.
  if (to - from > LONG && !isUtf8(bytes.subarray(from, to))) return undefined;
  // Unnamed, the encoding is UTF-8 all the same, but is not looked up.
  const text = bytes.toString(undefined, from, to);
  // U+FFFD stands where bytes are not valid, unless it was written as such.
  return text.includes("\ufffd") && !isUtf8(bytes.subarray(from, to)) ? undefined : text;
}

/**
 * `text` as valid UTF-8 of at most `maxBytes` bytes: cut between code points, each lone surrogate replaced by U+FFFD.
 * For error texts, which reach us cut anywhere and of any length.
 */
export function safeText(text: string, maxBytes: number): string {
  // No character takes less than a byte: nothing beyond this can stay, and if this halves a pair, half of it cannot.
  const bytes = Buffer.from(text.slice(0, maxBytes));
  let end = Math.min(bytes.length, maxBytes);
  while (end < bytes.length && ((bytes[end] as number) & 0xc0) === 0x80) end--;
  return bytes.toString("utf8", 0, end);
}
