import type { RedisArg } from "./redis-commands.ts";

const CR = 13;
const LF = 10;
const STAR = 42;
const DOLLAR = 36;
/** Up to here a loop of our own is faster than a call into the runtime. */
const SHORT = 24;

/** A command as it travels: an array of bulk strings. One exact allocation, each argument copied once. */
export function encodeCommand(name: string, ...lists: readonly (readonly RedisArg[])[]): Buffer {
  let count = 1;
  let size = bulkSize(Buffer.byteLength(name));
  for (const list of lists) {
    count += list.length;
    for (const arg of list) size += bulkSize(argLength(arg));
  }
  const out = Buffer.allocUnsafe(1 + digits(count) + 2 + size);
  let at = writeHeader(out, 0, STAR, count);
  at = writeText(out, at, name);
  for (const list of lists) {
    for (const arg of list) at = typeof arg === "object" ? writeBytes(out, at, arg) : writeText(out, at, arg);
  }
  return out;
}

function argLength(arg: RedisArg): number {
  if (typeof arg === "string") return Buffer.byteLength(arg);
  return typeof arg === "number" ? String(arg).length : arg.byteLength;
}

function bulkSize(length: number): number {
  return 1 + digits(length) + 2 + length + 2;
}

function digits(n: number): number {
  let count = 1;
  for (let limit = 10; n >= limit; limit *= 10) count += 1;
  return count;
}

function writeHeader(out: Buffer, start: number, sign: number, n: number): number {
  out[start] = sign;
  const end = start + 1 + digits(n);
  let rest = n;
  for (let at = end - 1; at > start; at -= 1) {
    out[at] = 48 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
  return writeEnd(out, end);
}

function writeEnd(out: Buffer, at: number): number {
  out[at] = CR;
  out[at + 1] = LF;
  return at + 2;
}

function writeBytes(out: Buffer, start: number, bytes: Uint8Array): number {
  const at = writeHeader(out, start, DOLLAR, bytes.byteLength);
  out.set(bytes, at);
  return writeEnd(out, at + bytes.byteLength);
}

function writeText(out: Buffer, start: number, arg: string | number): number {
  const text = typeof arg === "number" ? String(arg) : arg;
  const length = Buffer.byteLength(text);
  const at = writeHeader(out, start, DOLLAR, length);
  if (length !== text.length) out.write(text, at, "utf8");
  else if (length > SHORT) out.write(text, at, "latin1");
  else for (let i = 0; i < length; i += 1) out[at + i] = text.charCodeAt(i);
  return writeEnd(out, at + length);
}
