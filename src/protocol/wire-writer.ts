/**
 * Writing the Protobuf wire format: plain functions that answer a size, or write and answer the next position.
 * A message is measured first and written into one allocation of exactly that size. Zero values are left out, as
 * proto3 has it; `tag` is `field number * 8 + wire type` of a field below 16, which is one byte.
 */

import type { Int64 } from "./task-message.ts";
import { writeUtf8 } from "./utf8.ts";

const TWO_32 = 0x1_0000_0000;

export function varintSize(value: Int64): number {
  if (value < 0) return 10;
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  if (value < 0x1000_0000) return 4;
  if (value < 0x8_0000_0000) return 5;
  let size = 6;
  for (let limit = 1n << 42n; BigInt(value) >= limit; limit <<= 7n) size++;
  return size;
}

export function writeVarint(to: Buffer, at: number, value: Int64): number {
  if (typeof value !== "number" || value < 0 || value >= TWO_32) return writeVarint64(to, at, BigInt(value));
  let pos = at;
  let rest = value;
  while (rest > 0x7f) {
    to[pos++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  to[pos++] = rest;
  return pos;
}

function writeVarint64(to: Buffer, at: number, value: bigint): number {
  if (BigInt.asIntN(64, value) !== value) throw new RangeError(`${value} does not fit in 64 bits`);
  let pos = at;
  let rest = BigInt.asUintN(64, value);
  while (rest > 0x7fn) {
    to[pos++] = Number(rest & 0x7fn) | 0x80;
    rest >>= 7n;
  }
  to[pos++] = Number(rest);
  return pos;
}

/** Bytes of an integer field. */
export function intSize(value: Int64): number {
  return value === 0 || value === 0n ? 0 : 1 + varintSize(value);
}

export function writeInt(to: Buffer, at: number, tag: number, value: Int64): number {
  if (value === 0 || value === 0n) return at;
  to[at] = tag;
  return writeVarint(to, at + 1, value);
}

/** Bytes of a text, bytes or message field whose content has `length` bytes. */
export function spanSize(length: number): number {
  return length === 0 ? 0 : 1 + varintSize(length) + length;
}

/** `length` is the text's `utf8Length`. */
export function writeText(to: Buffer, at: number, tag: number, text: string, length: number): number {
  return length === 0 ? at : writeUtf8(to, writeSpanHead(to, at, tag, length), text, length);
}

export function writeBytes(to: Buffer, at: number, tag: number, bytes: Uint8Array | undefined): number {
  if (bytes === undefined || bytes.length === 0) return at;
  const pos = writeSpanHead(to, at, tag, bytes.length);
  to.set(bytes, pos);
  return pos + bytes.length;
}

/** Tag and length of a field that is written even if it is empty: a map entry, a repeated text, a timestamp. */
export function writeSpanHead(to: Buffer, at: number, tag: number, length: number): number {
  to[at] = tag;
  return writeVarint(to, at + 1, length);
}
