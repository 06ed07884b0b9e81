import { DecodeError } from "../errors.ts";
import type { Int64 } from "./task-message.ts";
import { readUtf8 } from "./utf8.ts";

/** Go's own bound on groups within a group. */
const MAX_GROUP_DEPTH = 10_000;
const MAX_FIELD_NUMBER = 0x1fff_ffff;

/**
 * A cursor over a message in the Protobuf wire format. It accepts and refuses what Go's decoder does (but for field
 * numbers that do not exist, which Go overlooks inside unknown groups), never reads past its end, and never recurses:
 * whatever the bytes are, the worst that happens is a {@link DecodeError}.
 */
export class WireReader {
  readonly bytes: Buffer;
  pos = 0;
  #end: number;
  /** The 64 bits of the last varint. */
  #low = 0;
  #high = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#end = bytes.length;
  }

  /** The tag of the next field, `field number * 8 + wire type`, or 0 at the end of the message. */
  tag(): number {
    if (this.pos >= this.#end) return 0;
    this.#varint();
    const tag = this.#low >>> 0;
    if (this.#high !== 0 || tag >>> 3 === 0 || tag >>> 3 > MAX_FIELD_NUMBER)
      throw this.#error("bad field number");
    return tag;
  }

  /** The low 32 bits, signed, whatever came above them. */
  int32(): number {
    this.#varint();
    return this.#low;
  }

  int64(): Int64 {
    this.#varint();
    const high = this.#high;
    const low = this.#low >>> 0;
    // Below 2^53 either way of zero a double is exact.
    if (high >= -0x20_0000 && high < 0x20_0000) return high * 0x1_0000_0000 + low;
    return (BigInt(high) << 32n) | BigInt(low);
  }

  bool(): boolean {
    this.#varint();
    return (this.#low | this.#high) !== 0;
  }

  text(): string {
    const to = this.#span();
    const text = readUtf8(this.bytes, this.pos, to);
    if (text === undefined) throw this.#error("text is not valid UTF-8");
    this.pos = to;
    return text;
  }

  /** A view of the message's own bytes, not a copy. */
  span(): Buffer {
    const to = this.#span();
    const bytes = this.bytes.subarray(this.pos, to);
    this.pos = to;
    return bytes;
  }

  /** Enters a message within this one: {@link tag} ends where it ends. Hand the answer to {@link leave}. */
  enter(): number {
    const outer = this.#end;
    this.#end = this.#span();
    return outer;
  }

  leave(outer: number): void {
    this.#end = outer;
  }

  /** Passes over the value of a field that nobody asked for. */
  skip(tag: number): void {
    if ((tag & 7) === 3) this.#skipGroup(tag >>> 3);
    else this.#skipValue(tag);
  }

  #skipValue(tag: number): void {
    switch (tag & 7) {
      case 0:
        this.#varint();
        return;
      case 1:
        this.#advance(8);
        return;
      case 2:
        this.pos = this.#span();
        return;
      case 5:
        this.#advance(4);
        return;
      default:
        throw this.#error(`unexpected wire type ${tag & 7}`);
    }
  }

  #skipGroup(field: number): void {
    const open = [field];
    while (open.length > 0) {
      const tag = this.tag();
      if (tag === 0) throw this.#error("a group is not closed");
      if ((tag & 7) === 3) {
        if (open.length > MAX_GROUP_DEPTH) throw this.#error("groups are nested too deep");
        open.push(tag >>> 3);
      } else if ((tag & 7) === 4) {
        if (open.pop() !== tag >>> 3) throw this.#error("a group is closed that is not open");
      } else {
        this.#skipValue(tag);
      }
    }
  }

  #advance(count: number): void {
    if (count > this.#end - this.pos) throw this.#error("the message is cut short");
    this.pos += count;
  }

  /** Reads a length and answers where what it measures ends. */
  #span(): number {
    this.#varint();
    const length = this.#low >>> 0;
    if (this.#high !== 0 || length > this.#end - this.pos) throw this.#error("the message is cut short");
    return this.pos + length;
  }

  #varint(): void {
    const { bytes } = this;
    const end = this.#end;
    let pos = this.pos;
    let low = 0;
    let high = 0;
    for (let shift = 0; pos < end && shift < 70; shift += 7) {
      const byte = bytes[pos++] as number;
      if (shift <= 28) low |= (byte & 0x7f) << shift;
      if (shift === 28) high = (byte & 0x7f) >>> 4;
      else if (shift > 28) high |= (byte & 0x7f) << (shift - 32);
      if (byte < 0x80) {
        if (shift === 63 && byte > 1) break;
        this.pos = pos;
        this.#low = low;
        this.#high = high;
        return;
      }
    }
    throw this.#error(pos === end ? "the message is cut short" : "a number is longer than 64 bits");
  }

  #error(problem: string): DecodeError {
    return new DecodeError(`message cannot be decoded: ${problem} (at byte ${this.pos})`);
  }
}
